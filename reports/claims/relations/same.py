"""The subject is the same as another arm or a number, but for what does not matter; or it is the same along an axis."""

from itertools import combinations
from typing import Any

from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, names_of
from bench.reports.claims.relations.along import AlongAxis
from bench.reports.claims.relations.two import OfTwo
from bench.reports.claims.rules import Rule

REMARK = "For same_as and same_along, p is that of the margin (two one-sided tests)."


class Same(OfTwo):
    needs_margin = True
    remark = REMARK


class SameAlong(AlongAxis):
    """All levels are the same: any two of them differ by less than the margin."""

    needs_margin = True
    remark = REMARK
    of_spread = True

    def contrasts(self, claim: Any, find: ArmFinder) -> list[ClaimContrast]:
        sides = [side for _, side in self.places(claim, find)]
        names = names_of([side.arm for side in sides])
        return [
            ClaimContrast(f"{names[i]} vs {names[k]}", (sides[i], sides[k]), (1.0, -1.0), Rule("same"))
            for i, k in combinations(range(len(sides)), 2)
        ]

    def sentence(self, claim: Any) -> str:
        return f"is the same, within the margin, along {self.axis(claim)}"


RELATIONS = (Same("same_as", Rule("same"), "is the same, within the margin, as"), SameAlong("same_along"))
