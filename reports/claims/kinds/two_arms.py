"""Two arms, or an arm and a number: one is greater or less, or they are equivalent."""

import fractions
from dataclasses import replace
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Discriminator, Field, FiniteFloat, Tag, WithJsonSchema, model_validator

from bench.config import Positive
from bench.grammar.metrics import by_name
from bench.grammar.parts import Labels
from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import (
    ClaimContrast,
    ClaimKind,
    ClaimSpec,
    Measured,
    Question,
    SingleTest,
    Test,
    as_text,
    at_shared,
)
from bench.reports.records.arms import compared
from bench.reports.records.predictions import crossed_comparison

Chosen = Annotated[dict[str, Labels], Field(min_length=1)]
"""axis → label, labels, or `all`. A trial's value is then the mean over the cells that match, seed by seed."""
Right = Annotated[
    Annotated[Chosen, Tag("arm")] | Annotated[FiniteFloat, Tag("number")],
    Discriminator(lambda value: "arm" if isinstance(value, dict) else "number"),
]
"""The other arm, or a number that was fixed before the runs: chance, what people reach, zero for a difference."""


def _ratio(value: Any) -> Any:
    """Return a ratio as a number; it may be written as a fraction, `1/7`."""
    if isinstance(value, str):
        try:
            return float(fractions.Fraction(value.replace(" ", "")))
        except (ValueError, ZeroDivisionError):
            raise ValueError("should be a number above 0 or a fraction such as 1/7") from None
    return value


Ratio = Annotated[Positive, BeforeValidator(_ratio), WithJsonSchema({"type": ["number", "string"]})]


class _OfTwo(ClaimSpec):
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


class TwoArms(ClaimKind):
    """What both kinds share."""

    def contrast(self, claim: _OfTwo, label: str, arms: ArmFinder) -> ClaimContrast:
        left = arms.arm(claim.left, "left")
        if not isinstance(claim.right, dict):
            return ClaimContrast(label, (left,), number=claim.right)
        return ClaimContrast(label, (left, arms.arm(claim.right, "right")))

    def measure(self, question: Question) -> Measured:
        claim, arms = question.claim, question.arms
        left, right = arms
        if claim.test == "crossed":
            tested, remark = crossed_comparison(left, right, claim.metric, question.confidence, question.predictions)
            return Measured(tested, remark=remark)
        ratio = getattr(claim, "ratio", None) or 1.0
        against = {seed: ratio * value for seed, value in right.values.items()}
        is_ratio = self.is_ratio(claim)
        tested = compared(left.values, against, test=claim.test, ratio=is_ratio, confidence=question.confidence)
        if ratio == 1.0 or tested.difference is None:
            return Measured(tested)
        shown = replace(
            tested,
            difference=tested.difference * ratio,
            ci_low=tested.ci_low and tested.ci_low * ratio,
            ci_high=tested.ci_high and tested.ci_high * ratio,
            deltas={seed: delta * ratio for seed, delta in tested.deltas.items()},
        )
        return Measured(tested, shown)

    def direction(self, claim: _OfTwo) -> int:
        return {"greater": 1, "less": -1}.get(str(claim.kind), 0)  # type: ignore[attr-defined]  # of either spec

    def text(self, contrast: ClaimContrast) -> str:
        if contrast.number is not None:
            return f"{as_text(contrast.arms[0].labels) or contrast.arms[0].stage} vs {contrast.number:g}"
        return at_shared(" vs ".join(contrast.names), contrast)

    def quantity(self, metric: str, ratio: bool) -> str:
        return f"{'ratio' if ratio else 'difference'} of {metric}"

    def stage(self, claim: _OfTwo) -> str:
        return claim.stage or claim.left.get("stage", [""])[0]

    def is_ratio(self, claim: _OfTwo) -> bool:
        return getattr(claim, "ratio", None) is not None or by_name(claim.metric).is_ratio


class OfComparing(TwoArms):
    spec = Comparing


class OfEquivalent(TwoArms):
    spec = Equivalent
    remark = "For equivalence, p is that of the two one-sided tests (TOST) against the margin."
    figure_remark = "For equivalence, p is that of the test against the margin."


KINDS = (OfComparing(), OfEquivalent())
