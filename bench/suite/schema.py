"""What a suite file may say. Shapes only; what depends on several parts together is checked in `load`."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from bench.config import Config, Data, Fraction, Positive
from bench.grammar.derived import Derived, MetricName
from bench.grammar.parts import Name, Seeds
from bench.grammar.stages import Axis, Stage
from bench.reports.claims.relations import Claim
from bench.reports.figures.kinds import Figure
from bench.reports.tables.grammar import Table


class SuiteFile(Config):
    """One report as a suite: what is trained, how often, and which tables come out."""

    suite: Name
    """The suite's name; MLflow's experiment is named after it."""
    title: str
    source: str | None = None
    """The report that the suite repeats."""
    data: Data
    base: Annotated[dict[Literal["model", "train"], dict[str, Any]], WithJsonSchema({"x-ref": "Base"})]
    """Configuration under every cell: `model` and `train`, beside the suite's `data`."""
    seeds: Seeds = [0, 1, 2, 3, 4]
    """How many seeds (0, 1, …), or which; or `{looks: [5, 8, 12]}` to run more only where a claim is still unresolved."""
    alpha: Fraction = 0.05
    """Significance level of every family of tests. With looks it is shared out among them."""
    time_limit: Positive | None = None
    """Seconds after which a trial is ended as `timeout`."""
    axes: dict[Name, Axis] = {}
    """Axes that several stages share; a stage takes one with `AXIS: all` or `AXIS: [label, …]`."""
    stages: Annotated[dict[Name, Stage], Field(min_length=1)]
    metrics: dict[MetricName, Derived] = {}
    """Metrics computed from the recorded ones when a report is made; tables, claims and figures name them like any other."""
    tables: dict[Name, Table] = {}
    claims: dict[Name, Claim] = {}
    """The report's conclusions, each to be tested."""
    figures: dict[Name, Figure] | None = None
    """What is drawn. Left out: the dots of every table, and the claims."""
    profiles: dict[Name, dict[str, Any]] = {}
    """name → a JSON Merge Patch on the whole suite, applied by `--profile name`."""
