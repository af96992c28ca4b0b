"""The subject rises, or falls, with each step along an axis: no step goes the wrong way by the margin, and the ends differ."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, Measured, Question, names_of
from bench.reports.claims.estimates import by_side, estimate
from bench.reports.claims.relations.along import AlongAxis, arrow
from bench.reports.claims.rules import Rule
from bench.reports.numbers import probability
from bench.reports.statistics import page_trend


class EachStep(AlongAxis):
    """Monotone along an axis. A slope is another question: see higher_along."""

    remark = "For each step, p is that of the margin on the wrong side (of 0, without a margin); the ends must differ."

    def __init__(self, name: str, sign: int):
        super().__init__(name)
        self.sign = sign

    def contrasts(self, claim: Any, find: ArmFinder) -> list[ClaimContrast]:
        sides = tuple(side for _, side in self.places(claim, find))
        names = names_of([side.arm for side in sides])
        steps = [
            ClaimContrast(f"{names[i]} → {names[k]}", (sides[k], sides[i]), (1.0, -1.0), Rule("not beyond", self.sign))
            for i, k in pairwise(range(len(sides)))
        ]
        weights = (-1.0, *[0.0] * (len(sides) - 2), 1.0)  # those between are there for Page's L
        ends = ClaimContrast("the ends", sides, weights, Rule("beyond", self.sign), text=arrow((sides[0], sides[-1]), " → "))
        return [*steps, ends]

    def measure(self, question: Question) -> Measured:
        measured = estimate(question)
        if question.contrast.label.endswith("the ends") and measured.tested.p is not None and len(question.contrast.sides) > 2:
            sides = by_side(question)
            context = page_trend([[self.sign * values[seed] for values in sides] for seed in sides[0]])
            if context.p is not None:
                return replace(measured, remark=f"Page's L is {context.statistic:g}, exact p {probability(context.p)}")
        return measured

    def sentence(self, claim: Any) -> str:
        return f"is {'higher' if self.sign > 0 else 'lower'} with each step along {self.axis(claim)}"


RELATIONS = (EachStep("higher_each_step", 1), EachStep("lower_each_step", -1))
