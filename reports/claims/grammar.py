"""What a suite may claim: the shapes of `claims:`. Which cells each claim compares is found in `contrasts`."""

import fractions
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Discriminator, Field, FiniteFloat, Tag, WithJsonSchema, model_validator

from bench.config import Config, Fraction, Positive
from bench.grammar.parts import Labels, Name

Chosen = Annotated[dict[str, Labels], Field(min_length=1)]
"""axis → label, labels, or `all`. A trial's value is then the mean over the cells that match, seed by seed."""
Right = Annotated[
    Annotated[Chosen, Tag("arm")] | Annotated[FiniteFloat, Tag("number")],
    Discriminator(lambda value: "arm" if isinstance(value, dict) else "number"),
]
"""The other arm, or a number that was fixed before the runs: chance, what people reach, zero for a difference."""
SingleTest = Literal["t", "sign-flip"]
Test = Literal["t", "sign-flip", "welch", "crossed"]
"""t: paired t-test over the seeds · sign-flip: exact paired permutation test · welch: arms whose seeds are not paired ·
crossed: paired, over the seeds and the images of the metric's split, from the stored predictions."""


def _ratio(value: Any) -> Any:
    """Return a ratio as a number; it may be written as a fraction, `1/7`."""
    if isinstance(value, str):
        try:
            return float(fractions.Fraction(value.replace(" ", "")))
        except (ValueError, ZeroDivisionError):
            raise ValueError("should be a number above 0 or a fraction such as 1/7") from None
    return value


Ratio = Annotated[Positive, BeforeValidator(_ratio), WithJsonSchema({"type": ["number", "string"]})]


class _Claim(Config):
    says: Annotated[str, Field(min_length=1)]
    """The report's sentence."""
    stage: str | None = None
    """The stage of every arm that does not name its own."""
    where: dict[str, Labels] = {}
    """Labels that every arm shares."""
    each: str | None = None
    """An axis: the claim is made, and must hold, for each of its levels (of which `where` may name some); they are one family."""
    margin: Positive | None = None
    """Largest difference that does not matter, in the metric's unit; for times and ratios the share (0.1: 1/1.1 to 1.1)."""
    family: Name | None = None
    """Claims of one family are corrected together (Holm); a claim alone is its own family."""


class _OfTwo(_Claim):
    metric: str
    left: dict[str, Labels]
    """axis → label, as of `right`; {} where `where` and `each` say all."""
    right: Right
    test: Test = "t"

    @model_validator(mode="after")
    def _number_has_no_seeds(self) -> Self:
        if not isinstance(self.right, dict) and self.test not in get_args(SingleTest):
            raise ValueError(f"'right' is a number, which has no seeds of its own: take test t or sign-flip, not {self.test}")
        return self


class Comparing(_OfTwo):
    """`left` is greater, or less, than `right`."""

    kind: Literal["greater", "less"]
    ratio: Ratio | None = None
    """Compare `left` with this multiple of `right`, on the log scale. Times are compared so even without it (ratio 1)."""


class Equivalent(_OfTwo):
    """`left` and `right` differ by less than the margin."""

    kind: Literal["equivalent"]
    margin: Positive


class Trend(_Claim):
    """The metric rises or falls along an axis: the slope of each seed's least-squares line over the levels, times their range."""

    kind: Literal["trend"]
    metric: str
    along: str
    """An axis; numeric labels are placed by their value, others by their order."""
    direction: Literal["increasing", "decreasing"]
    test: SingleTest = "t"


class Interaction(_Claim):
    """A difference of differences: (left first - left second) is greater, or less, than (right first - right second)."""

    kind: Literal["interaction"]
    metric: str
    left: Annotated[list[Chosen], Field(min_length=2, max_length=2)]
    right: Annotated[list[Chosen], Field(min_length=2, max_length=2)]
    direction: Literal["greater", "less"]
    test: SingleTest = "t"


class Correlation(_Claim):
    """Two metrics go together, over the cells that `where` leaves, or over the classes where both metrics hold a `*`.

    Seeds are averaged first: the sample is the cells or classes, not the seeds.
    """

    kind: Literal["correlation"]
    x: str
    y: str
    direction: Literal["positive", "negative"]
    method: Literal["pearson", "spearman"] = "pearson"
    margin: Fraction | None = None
    """Largest correlation that does not matter."""


Claim = Annotated[Comparing | Equivalent | Trend | Interaction | Correlation, Field(discriminator="kind")]
