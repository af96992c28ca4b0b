"""A metric rises or falls along an axis."""

import math
from collections.abc import Sequence
from typing import Literal

from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, ClaimKind, ClaimSpec, Measured, Question, SingleTest, at_shared
from bench.reports.claims.weighted import weighted_sum


class Trend(ClaimSpec):
    """The metric rises or falls along an axis: the slope of each seed's least-squares line over the levels, times their range."""

    kind: Literal["trend"]
    metric: str
    along: str
    """An axis; levels that are numbers are placed by their value, others as they are listed."""
    direction: Literal["increasing", "decreasing"]
    test: SingleTest = "t"


class OfTrend(ClaimKind):
    spec = Trend
    remark = "A trend is the change along the least-squares line from the lowest level to the highest."

    def contrast(self, claim: Trend, label: str, arms: ArmFinder) -> ClaimContrast:
        along = arms.levels(claim.along, "along")
        if len(along) < 2:
            raise arms.error(f"a trend needs two levels of axis {claim.along!r}", "leave it out of `where`", "along")
        positions = ordered(along)
        return ClaimContrast(label, tuple(arms.arm({claim.along: [level]}) for level in positions), tuple(positions.values()))

    def measure(self, question: Question) -> Measured:
        return Measured(weighted_sum(question, _slopes(question.contrast.scores)))

    def direction(self, claim: Trend) -> int:
        return 1 if claim.direction == "increasing" else -1

    def text(self, contrast: ClaimContrast) -> str:
        levels = [contrast.names[0], *(text for labels in contrast.apart[1:] for text in labels.values())]
        return at_shared(" → ".join(levels), contrast)

    def widest(self, span: float, contrast: ClaimContrast) -> float:
        return span * sum(weight for weight in _slopes(contrast.scores) if weight > 0)

    def quantity(self, metric: str, ratio: bool) -> str:
        return f"change of {metric} along the axis"


KINDS = (OfTrend(),)


def ordered(labels: Sequence[str]) -> dict[str, float]:
    """Return level → its position: from the lowest number to the highest (`10%` is 10), where all are different numbers; else as
    they are listed."""
    try:
        numbers = {label: float(label.removesuffix("%")) for label in labels}
    except ValueError:
        numbers = {}
    if len(set(numbers.values())) < len(labels) or not all(map(math.isfinite, numbers.values())):
        return {label: float(place) for place, label in enumerate(labels)}
    return dict(sorted(numbers.items(), key=lambda item: item[1]))


def _slopes(scores: Sequence[float]) -> tuple[float, ...]:
    """Return weights that give the change along a least-squares line from the lowest position to the highest."""
    middle = sum(scores) / len(scores)
    spread = sum((score - middle) ** 2 for score in scores)
    return tuple((score - middle) / spread * (max(scores) - min(scores)) for score in scores)
