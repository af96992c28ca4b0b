"""What a suite file may say. Shapes only; what depends on several parts together is checked in `load`."""

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from bench.config import Config, Data, Fraction, Positive
from bench.config.data import Varied
from bench.grammar.derived import Derived, MetricName
from bench.grammar.parts import Name, SeedPlan, Seeds
from bench.grammar.stages import Axis, Stage
from bench.grammar.vary import Splits, Vary
from bench.reports.claims.relations import Claim
from bench.reports.figures.kinds import Figure
from bench.reports.tables.grammar import Table

_TEXT = {"type": "string", "minLength": 1}
DROP_SCHEMA = {**_TEXT, "description": "Why the claim is not asked. Reports list it with this reason."}
_DROPPED = {"type": ["object", "null"], "properties": {"drop": {"anyOf": [DROP_SCHEMA, {"type": "null"}]}}}
PROFILE_SCHEMA = {
    "type": "object",
    "properties": {
        "about": {**_TEXT, "description": "What the profile is, and what it is not. Reports begin with it."},
        "claims": {"type": ["object", "null"], "additionalProperties": _DROPPED},
    },
}


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
    """How many seeds (0, 1, …), or which; or `{looks: [5, 8, 12]}` to run more only where a claim is still unresolved; or
    `{pilot: 3, count: 5}`, of which the pilot runs first, sets sizes and never counts."""
    vary: Vary = []
    """What is drawn anew with each seed, the same for all arms: `[split]`, `[split, sizes]`, …; or `{split: k}`, k splits with
    each seed. Left out: nothing; every seed has the same images."""
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
    profiles: dict[Name, Annotated[dict[str, Any], WithJsonSchema(PROFILE_SCHEMA)]] = {}
    """name → a JSON Merge Patch on the whole suite, applied by `--profile name`; and `about`, what it is and what it is not."""

    def seeds_of(self, stage: str) -> SeedPlan:
        """Return the seeds that a stage says; the suite's where it says none."""
        said = self.stages[stage].seeds or self.seeds
        return said if isinstance(said, SeedPlan) else SeedPlan.model_construct(count=said)

    def varies(self, stage: str) -> list[Varied] | Splits:
        """Return what varies with the seeds of a stage."""
        own = self.stages[stage].vary
        return self.vary if own is None else own
