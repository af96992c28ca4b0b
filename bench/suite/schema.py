"""What a suite file may say. Shapes only; what depends on several parts together is checked in `load`."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema

from bench.config import Config, Data, Positive
from bench.suite.document import label

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]*$")]
Label = Annotated[str, BeforeValidator(label), WithJsonSchema({"type": ["string", "number", "boolean"]})]
PATCH_SCHEMA = {"x-ref": "Patch"}  # a definition that pydantic does not know: jsonschema.py adds it, and makes this a $ref
Patch = Annotated[dict[Literal["data", "model", "train"], dict[str, Any]], WithJsonSchema(PATCH_SCHEMA)]
"""A JSON Merge Patch on a trial's configuration: mappings merge, null goes back to the default, all else replaces."""


def _listed(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else [value]


def _unique(values: list) -> list:
    for i, value in enumerate(values):
        if value in values[:i]:
            raise ValueError(f"{value!r} stands twice")
    return values


def one_or_more(item: Any, schema: dict[str, Any]) -> Any:
    """Return the type of a list that may be written as its only item."""
    return Annotated[
        list[item],
        Field(min_length=1),
        AfterValidator(_unique),
        BeforeValidator(_listed),
        WithJsonSchema({"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}),
    ]


def _seeds(value: Any) -> Any:
    """Return the seeds as a list; a number n stands for 0 … n-1."""
    many = isinstance(value, list)
    for seed in value if many else [value]:
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < (0 if many else 1):
            raise ValueError("should be how many seeds, from 1, or a list of different seeds, from 0")
    return _unique(value) if many else list(range(value))


_COUNT_SCHEMA, _SEED_SCHEMA = {"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 0}
Seeds = Annotated[
    list[int],
    Field(min_length=1),
    BeforeValidator(_seeds),
    WithJsonSchema({"anyOf": [_COUNT_SCHEMA, {"type": "array", "items": _SEED_SCHEMA, "minItems": 1, "uniqueItems": True}]}),
]

LABEL_SCHEMA = {"type": ["string", "number", "boolean"]}
Words = one_or_more(str, {"type": "string"})
Labels = one_or_more(Label, LABEL_SCHEMA)


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
Axis = Annotated[dict[str, Patch], Field(min_length=1), WithJsonSchema(AXIS_SCHEMA)]
"""label → patch. The other ways to write an axis are turned into this one before validation."""


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
    """A part of the suite with its own grid."""

    title: str | None = None
    patch: Patch = {}
    """Laid over the suite's `base` for every cell of the stage, under the levels' patches."""
    seeds: Seeds | None = None
    """Seeds of this stage; the suite's where left out."""
    axes: dict[Name, Axis] = {}
    union: list[Grid] = []
    """Several grids whose cells together make the stage, instead of `axes`."""


class Value(Config):
    """A metric as a table shows it."""

    metric: str
    unit: Literal["", "%", "s", "min", "h"] = ""
    """% shows hundredths; min and h show a metric that is in seconds."""


_VALUE_SCHEMA = [{"type": "string"}, {"x-ref": "Value"}]


def _value(value: Any) -> Any:
    return {"metric": value} if isinstance(value, str) else value


Published = Annotated[
    dict[str, dict[str, dict[str, float | None]]],
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "object"}}}),
]
ShownValue = Annotated[Value, BeforeValidator(_value)]


class Table(Config):
    """A table of a stage: rows x columns of cells, one block a metric."""

    title: str | None = None
    stage: str
    rows: Words
    """Axis, or axes, whose levels are the rows."""
    columns: Words
    """Axis, or axes, whose levels are the columns."""
    values: Annotated[
        list[ShownValue],
        Field(min_length=1),
        BeforeValidator(_listed),
        WithJsonSchema({"anyOf": [*_VALUE_SCHEMA, {"type": "array", "items": {"anyOf": _VALUE_SCHEMA}, "minItems": 1}]}),
    ]
    """Metrics: `val/accuracy`, or {metric: wall_clock, unit: min}."""
    where: dict[str, Labels] = {}
    """Only cells with these labels; every axis that is neither row nor column must be pinned to one label here."""
    published: Published = {}
    """metric → row label → column label → the number that the report printed, in the unit shown. Labels of several axes
    are joined by ` / `."""


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
    """How many seeds (0, 1, …), or which."""
    time_limit: Positive | None = None
    """Seconds after which a trial is ended as `timeout`."""
    axes: dict[Name, Axis] = {}
    """Axes that several stages share; a stage takes one with `AXIS: all` or `AXIS: [label, …]`."""
    stages: Annotated[dict[Name, Stage], Field(min_length=1)]
    tables: dict[Name, Table] = {}
    profiles: dict[Name, dict[str, Any]] = {}
    """name → a JSON Merge Patch on the whole suite, applied by `--profile name`."""


__all__ = ["Axis", "Grid", "PathAxis", "Published", "Stage", "SuiteFile", "Table", "Value"]
