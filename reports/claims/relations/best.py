"""The subject is the highest, or the lowest, of all: beyond each of the others."""

from collections.abc import Mapping
from typing import Any

from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, Measured, Question, Relation, names_of
from bench.reports.claims.estimates import estimate
from bench.reports.claims.grammar import OPERATORS, AxesOrArms
from bench.reports.claims.relations.two import told
from bench.reports.claims.rules import Rule


class BestOf(Relation):
    """Above (below) each rival: the other levels of the axes, or the arms that are listed."""

    value = AxesOrArms
    kind = "the best"
    of_spread = True
    pins_its_axes = True

    def __init__(self, name: str, sign: int):
        self.name, self.sign = name, sign

    def check(self, claim: Any) -> None:
        if not any(axis not in OPERATORS and axis != "stage" for axis in claim.of):
            raise ValueError(f"`{self.name}` needs a subject: `of: {{AXIS: LABEL}}`")
        if isinstance(claim.than, dict) and (missing := [axis for axis in claim.than if not claim.of.get(axis)]):
            raise ValueError(f"`{self.name}` over axis {missing[0]!r} needs the subject's level: `of: {{{missing[0]}: LABEL}}`")

    def axes(self, claim: Any) -> Mapping[str, list[str] | None]:
        return claim.than if isinstance(claim.than, dict) else {}

    def contrasts(self, claim: Any, find: ArmFinder) -> list[ClaimContrast]:
        subject = find.subject()
        if isinstance(claim.than, dict):
            sides = [side for _, side in find.points(claim.than)]
        else:
            sides = [find.side(patch, self.name, i) for i, patch in enumerate(claim.than)]
        rivals = [side for side in sides if not side.arm.is_same(subject.arm)]
        if not rivals:
            raise find.error("the subject has no rival", "name another axis, or more of its levels", self.name)
        return [
            ClaimContrast(f"than {names_of([side.arm, subject.arm])[0]}", (subject, side), (1.0, -1.0), Rule("beyond", self.sign))
            for side in rivals
        ]

    def measure(self, question: Question) -> Measured:
        return estimate(question)

    def sentence(self, claim: Any) -> str:
        of = ", ".join(claim.than) if isinstance(claim.than, dict) else "; ".join(told(arm) for arm in claim.than)
        return f"is the {'highest' if self.sign > 0 else 'lowest'} of {of}"


RELATIONS = (BestOf("highest_of", 1), BestOf("lowest_of", -1))
