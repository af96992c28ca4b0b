"""A difference of differences."""

from typing import Annotated, Literal

from pydantic import Field

from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, ClaimKind, ClaimSpec, Measured, Question, SingleTest, at_shared
from bench.reports.claims.kinds.two_arms import Chosen
from bench.reports.claims.weighted import weighted_sum

WEIGHTS = (1.0, -1.0, -1.0, 1.0)


class Interaction(ClaimSpec):
    """A difference of differences: (left first - left second) is greater, or less, than (right first - right second)."""

    kind: Literal["interaction"]
    metric: str
    left: Annotated[list[Chosen], Field(min_length=2, max_length=2)]
    right: Annotated[list[Chosen], Field(min_length=2, max_length=2)]
    direction: Literal["greater", "less"]
    test: SingleTest = "t"


class OfInteraction(ClaimKind):
    spec = Interaction
    remark = "An interaction is the difference of the two differences."

    def contrast(self, claim: Interaction, label: str, arms: ArmFinder) -> ClaimContrast:
        sides = {"left": claim.left, "right": claim.right}
        return ClaimContrast(
            label, tuple(arms.arm(chosen, side, i) for side, pair in sides.items() for i, chosen in enumerate(pair))
        )

    def measure(self, question: Question) -> Measured:
        return Measured(weighted_sum(question, WEIGHTS))

    def direction(self, claim: Interaction) -> int:
        return 1 if claim.direction == "greater" else -1

    def text(self, contrast: ClaimContrast) -> str:
        first, second, third, fourth = contrast.names
        return at_shared(f"({first} − {second}) vs ({third} − {fourth})", contrast)

    def is_vacuous(self, contrast: ClaimContrast) -> bool:
        first, second, third, fourth = contrast.arms
        return first.is_same(third) and second.is_same(fourth)

    def widest(self, span: float, contrast: ClaimContrast) -> float:
        return 2 * span

    def quantity(self, metric: str, ratio: bool) -> str:
        return f"difference of differences of {metric}"

    def stage(self, claim: Interaction) -> str:
        return claim.stage or claim.left[0].get("stage", [""])[0]


KINDS = (OfInteraction(),)
