"""A metric rises or falls along an axis."""

from typing import Literal

from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, ClaimKind, ClaimSpec, Measured, Question, SingleTest, at_shared
from bench.reports.claims.weighted import weighted_sum


class Trend(ClaimSpec):
    """The metric rises or falls along an axis: the slope of each seed's least-squares line over the levels, times their range."""

    kind: Literal["trend"]
    metric: str
    along: str
    """An axis; numeric labels are placed by their value, others by their order."""
    direction: Literal["increasing", "decreasing"]
    test: SingleTest = "t"


class OfTrend(ClaimKind):
    spec = Trend
    remark = "A trend is the change along the least-squares line from the first level to the last."

    def contrast(self, claim: Trend, label: str, arms: ArmFinder) -> ClaimContrast:
        along = arms.levels(claim.along, "along")
        if len(along) < 2:
            raise arms.error(f"a trend needs two levels of axis {claim.along!r}", "leave it out of `where`", "along")
        return ClaimContrast(label, tuple(arms.arm({claim.along: [level]}) for level in along), _scores(along))

    def measure(self, question: Question) -> Measured:
        return Measured(weighted_sum(question, _slopes(question.contrast.scores)))

    def direction(self, claim: Trend) -> int:
        return 1 if claim.direction == "increasing" else -1

    def text(self, contrast: ClaimContrast) -> str:
        levels = [contrast.names[0], *(text for labels in contrast.apart[1:] for text in labels.values())]
        return at_shared(" → ".join(levels), contrast)

    def quantity(self, metric: str, ratio: bool) -> str:
        return f"change of {metric} along the axis"


KINDS = (OfTrend(),)


def _scores(labels: list[str]) -> tuple[float, ...]:
    """Return the positions of levels: their values where all are numbers, else their order."""
    try:
        return tuple(float(label) for label in labels)
    except ValueError:
        return tuple(float(i) for i in range(len(labels)))


def _slopes(scores: tuple[float, ...]) -> tuple[float, ...]:
    """Return weights that give the change along a least-squares line from the first level's position to the last's."""
    middle = sum(scores) / len(scores)
    spread = sum((score - middle) ** 2 for score in scores)
    return tuple((score - middle) / spread * (scores[-1] - scores[0]) for score in scores)
