"""What a suite may say of a table: the shapes of `tables:`."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, FiniteFloat, WithJsonSchema

from bench.config import Config
from bench.grammar.parts import Label, Labels, Words, listed


class Value(Config):
    """A metric as a table shows it."""

    metric: str
    unit: Literal["", "%", "s", "min", "h", "MB", "GB"] = ""
    """% shows hundredths; min and h show a metric that is in seconds, GB one that is in MB."""
    better: Literal["higher", "lower"] | None = None
    """Which end is bold. Left out: higher for accuracy, precision, recall, F1, PSNR, SSIM and images_per_second, lower for
    losses, wall_clock, peak_memory and convergence_epoch, what `metrics:` says of others, else none."""


_VALUE_SCHEMA = [{"type": "string"}, {"x-ref": "Value"}]


def _value(value: Any) -> Any:
    return {"metric": value} if isinstance(value, str) else value


Published = Annotated[
    dict[str, dict[str, dict[str, FiniteFloat | None] | FiniteFloat | None]],
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
