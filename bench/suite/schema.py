"""What a suite file may say. Shapes only; what depends on several parts together is checked in `load`."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from bench.config import Config, Data, Fraction, Monitor, Positive
from bench.suite.claims import Claim
from bench.suite.figures import Figure
from bench.suite.metrics import Derived, MetricName
from bench.suite.parts import LABEL_SCHEMA, Label, Labels, Name, Seeds, Words, listed
from bench.suite.stages import PATCH_SCHEMA, Axis, Ensemble, Patch, Search


class PathAxis(Config):
    """An axis that sets one setting (or several at once, to the same value) to each of some values."""

    path: Words
    """Dotted path, such as `data.noise.variance`; a list sets each of its paths."""
    values: Annotated[list[Any], Field(min_length=1)] | None = None
    """The values; each is its own label."""
    levels: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    """label: value, where the values would be poor labels."""


AXIS_SCHEMA = {
    "description": "`label: patch` each, or a path and its values, or labels of the suite's own axis of this name (or `all`).",
    "anyOf": [
        {"x-ref": "PathAxis"},
        {"type": "object", "not": {"required": ["path"]}, "additionalProperties": PATCH_SCHEMA, "minProperties": 1},
        {"const": "all"},
        {"type": "array", "items": LABEL_SCHEMA, "minItems": 1},
    ],
}
"""How an axis may be written, for the JSON Schema."""


class Grid(Config):
    """The cells of some axes: their product, thinned out."""

    axes: Annotated[dict[Name, Axis], Field(min_length=1)]
    """Axis name → levels. Where two axes set the same setting, the later one wins."""
    exclude: list[dict[str, Labels]] = []
    """Partial cells; a cell that matches one is left out."""
    when: dict[str, dict[str, Labels]] = {}
    """axis → the labels of other axes for which it varies; in other cells the axis is absent."""
    zip: list[Annotated[list[str], Field(min_length=2)]] = []
    """Groups of axes that advance together, first level with first level, instead of being crossed."""
    ablate: dict[str, Label] | None = None
    """A baseline cell (axis → label): only it and the cells that differ from it in one axis are kept."""


class Stage(Grid):
    """A part of the suite: a grid; or, with `search`, a search; with `sweep`, a chain of grids; with `ensemble`, votes."""

    title: str | None = None
    patch: Patch = {}
    """Laid over the suite's `base` for every cell of the stage, under the levels' patches."""
    seeds: Seeds | None = None
    """Seeds of this stage; the suite's where left out."""
    axes: dict[Name, Axis] = {}
    union: list[Grid] = []
    """Several grids whose cells together make the stage, instead of `axes`."""
    search: Search | None = None
    sweep: Annotated[dict[Name, Axis], Field(min_length=1)] | None = None
    """One axis after another, each in a stage of its own, STAGE-AXIS, that starts from the best cell of the one before (for each
    level of `axes`)."""
    keep: Monitor = "val/accuracy"
    """By what a sweep keeps the best."""
    ensemble: Ensemble | None = None


class Value(Config):
    """A metric as a table shows it."""

    metric: str
    unit: Literal["", "%", "s", "min", "h"] = ""
    """% shows hundredths; min and h show a metric that is in seconds."""
    better: Literal["higher", "lower"] | None = None
    """Which end is bold. Left out: higher for accuracy, precision, recall, F1, PSNR, SSIM and images_per_second, lower for
    losses, wall_clock and convergence_epoch, else none."""


_VALUE_SCHEMA = [{"type": "string"}, {"x-ref": "Value"}]


def _value(value: Any) -> Any:
    return {"metric": value} if isinstance(value, str) else value


Published = Annotated[
    dict[str, dict[str, dict[str, float | None] | float | None]],
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "object"}}),
]
ShownValue = Annotated[Value, BeforeValidator(_value)]


class Table(Config):
    """A table of a stage: rows x columns of cells, one block a metric; or a column a metric; or a row a class."""

    title: str | None = None
    stage: str
    rows: Words
    """Axis, or axes, whose levels are the rows. `class`, with values `PREFIX/*`: a row for each class."""
    columns: Words = []
    """Axis, or axes, whose levels are the columns. Left out: a column for each of the values, and the rows compete."""
    values: Annotated[
        list[ShownValue],
        Field(min_length=1),
        BeforeValidator(listed),
        WithJsonSchema({"anyOf": [*_VALUE_SCHEMA, {"type": "array", "items": {"anyOf": _VALUE_SCHEMA}, "minItems": 1}]}),
    ]
    """Metrics: `val/accuracy`, or {metric: wall_clock, unit: min}."""
    also: dict[str, Words] = {}
    """Below the rows of the classes: label → a metric of the whole, in the value's unit (of several values one for each)."""
    where: dict[str, Labels] = {}
    """Only cells with these labels; every axis that is neither row nor column must be pinned to one label here."""
    arms: Literal["columns", "rows"] | None = None
    """Which compete (left out: the columns, where there are several): the best within each row (or column) is bold, and daggers
    are set against the baseline."""
    baseline: Label | None = None
    """The arm whose significant differences from the others get a dagger. Labels of several axes are joined by ` / `."""
    test: Literal["t", "sign-flip", "welch"] = "t"
    """t: paired t-test over the seeds · sign-flip: exact paired permutation test · welch: arms whose seeds are not paired."""
    published: Published = {}
    """metric → row label → column label → the number that the report printed, in the unit shown; without columns, metric → row
    label → number. Labels of several axes are joined by ` / `."""

    @property
    def by_class(self) -> bool:
        """Whether its rows are classes."""
        return any(value.metric.endswith("/*") for value in self.values)


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


__all__ = ["Axis", "Grid", "PathAxis", "Published", "Stage", "SuiteFile", "Table", "Value"]
