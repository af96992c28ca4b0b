"""The subject rises or falls along an axis, or differs along it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, Measured, Question, Relation, Side, names_of
from bench.reports.claims.estimates import by_side, estimate
from bench.reports.claims.grammar import Axes
from bench.reports.claims.rules import Rule
from bench.reports.statistics import Comparison, any_difference


class AlongAxis(Relation):
    """What relations along an axis share."""

    value = Axes
    kind = "an axis"
    tests: tuple[str, ...] = ("t", "sign-flip")

    def __init__(self, name: str):
        self.name = name

    def check(self, claim: Any) -> None:
        if len(claim.than) != 1:
            raise ValueError(f"`{self.name}` is along one axis: make a claim for each, or hold the others by `each`")

    def axis(self, claim: Any) -> str:
        return next(iter(claim.than))

    def axes(self, claim: Any) -> Mapping[str, list[str] | None]:
        axes: Mapping[str, list[str] | None] = claim.than
        return axes

    def places(self, claim: Any, find: ArmFinder) -> list[tuple[float, Side]]:
        """Return every level with its position, from the lowest to the highest, and the subject there. Raises BenchError."""
        axis, name = self.axis(claim), self.name
        points = {labels[axis]: side for labels, side in find.points(claim.than)}
        if len(points) < 2:
            raise find.error(f"`{name}` needs two levels of axis {axis!r}", "take it out of `exclude`, or name more levels", name)
        try:
            positions = ordered(list(points), claim.scale)
        except ValueError as error:
            raise find.error(str(error), "take `scale: order`, or leave it out", "scale") from None
        return [(position, points[level]) for level, position in positions.items()]

    def measure(self, question: Question) -> Measured:
        return estimate(question)


class Trend(AlongAxis):
    """The change along the least-squares line over the levels, seed by seed, from the lowest level to the highest."""

    remark = "Along an axis, the estimate is the change on the least-squares line from the lowest level to the highest."

    def __init__(self, name: str, sign: int):
        super().__init__(name)
        self.sign = sign

    def contrasts(self, claim: Any, find: ArmFinder) -> list[ClaimContrast]:
        places = self.places(claim, find)
        weights = slope_weights([position for position, _ in places])
        sides = tuple(side for _, side in places)
        return [ClaimContrast("", sides, weights, Rule("beyond", self.sign), text=arrow(sides, " → "))]

    def sentence(self, claim: Any) -> str:
        return f"is {'higher' if self.sign > 0 else 'lower'} the further one goes along {self.axis(claim)}"

    def quantity(self, metric: str, ratio: bool) -> str:
        return f"change of {metric} along the axis"


class DiffersAlong(AlongAxis):
    """At least two levels differ: over two levels their difference, over more the exact test that exchanges them within each
    seed."""

    tests = ("t",)
    remark = (
        "For differs_along over more than two levels, the estimate is the largest difference of two levels, and p that of the "
    )
    remark += "permutation test within seeds."

    def contrasts(self, claim: Any, find: ArmFinder) -> list[ClaimContrast]:
        sides = tuple(side for _, side in self.places(claim, find))
        if len(sides) > 2 and claim.margin is not None:
            mend = "take it out, or say `same_along` to hold every pair against it"
            raise find.error(f"`{self.name}` over {len(sides)} levels has no margin: it asks whether any differ", mend, "margin")
        if len(sides) == 2:
            return [ClaimContrast("", sides, (1.0, -1.0), Rule("differs"))]
        weights = (1.0,) * len(sides)
        return [ClaimContrast("", sides, weights, Rule("differs"), joint=True, text=arrow(sides, ", "))]

    def measure(self, question: Question) -> Measured:
        if not question.contrast.joint:
            return estimate(question)
        ratio = question.contrast.ratio
        if ratio and any(value <= 0 for arm in question.arms for value in arm.values.values()):
            return Measured(Comparison(test="permutation", ratio=True, reason="a ratio needs values above 0"))
        sides = by_side(question)
        tested = any_difference([[values[seed] for values in sides] for seed in sides[0]], list(sides[0]))
        if ratio and tested.difference is not None:
            tested = replace(tested, ratio=True, difference=math.exp(tested.difference))
        return Measured(tested)

    def sentence(self, claim: Any) -> str:
        return f"differs along {self.axis(claim)}"

    def quantity(self, metric: str, ratio: bool) -> str:
        return f"largest {'ratio' if ratio else 'difference'} of {metric}"


RELATIONS = (Trend("higher_along", 1), Trend("lower_along", -1), DiffersAlong("differs_along"))


def ordered(labels: Sequence[str], scale: str | None = None) -> dict[str, float]:
    """Return level → its position: from the lowest number to the highest (`10%` is 10), where all are different numbers; else as
    they are listed. scale: linear, log or order. ValueError where the levels have no place on it."""
    try:
        numbers = {label: float(label.removesuffix("%")) for label in labels}
    except ValueError:
        numbers = {}
    if len(set(numbers.values())) < len(labels) or not all(map(math.isfinite, numbers.values())):
        numbers = {}
    if scale in ("linear", "log") and not numbers:
        raise ValueError(f"levels {', '.join(labels)} are not all different numbers, which `scale: {scale}` needs")
    if scale == "log" and min(numbers.values()) <= 0:
        raise ValueError("a logarithmic scale needs levels above 0")
    if not numbers:
        return {label: float(place) for place, label in enumerate(labels)}
    by_size = dict(sorted(numbers.items(), key=lambda item: item[1]))
    if scale == "order":
        return {label: float(place) for place, label in enumerate(by_size)}
    return {label: math.log(value) for label, value in by_size.items()} if scale == "log" else by_size


def slope_weights(positions: Sequence[float]) -> tuple[float, ...]:
    """Return weights that give the change along a least-squares line from the lowest position to the highest."""
    middle = sum(positions) / len(positions)
    spread = sum((position - middle) ** 2 for position in positions)
    return tuple((position - middle) / spread * (max(positions) - min(positions)) for position in positions)


def arrow(sides: Sequence[Side], between: str) -> str:
    """Return the levels of an axis, one after the other."""
    first, *others = names_of([side.arm for side in sides])
    return between.join([first, *(name.partition("=")[2] or name for name in others)])
