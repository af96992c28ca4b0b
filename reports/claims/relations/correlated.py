"""The metric is higher, or lower, where another metric is higher: over the points of axes, or over classes."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from bench.reports.claims.arms import ArmFinder
from bench.reports.claims.base import ClaimContrast, Measured, Question, Relation
from bench.reports.claims.grammar import CLASS
from bench.reports.claims.rules import Rule
from bench.reports.records.derived import class_pairs
from bench.reports.statistics import correlation
from bench.reports.statistics.within import correlation_within

LEAST = 4
"""Points from which on a correlation says something."""


class GoesWith(Relation):
    """Seeds are averaged first: the sample is the points, not the seeds.

    Neither the points of a grid nor classes are independent cases: points of one block are exchanged with each other, or nothing
    is tested.
    """

    value = Annotated[str, Field(min_length=1)]
    kind = "a metric"
    sample = "points"
    tests = ("pearson", "spearman")
    remark = "A correlation is over the means of its points, which are exchanged within their blocks, or not tested."

    def __init__(self, name: str, sign: int):
        self.name, self.sign = name, sign

    def check(self, claim: Any) -> None:
        if not claim.across:
            raise ValueError(f"`{self.name}` needs its points: `across: AXIS`, or `across: class` for metrics that end in /*")
        over_classes = CLASS in claim.across
        if over_classes and (len(claim.across) > 1 or claim.within):
            raise ValueError("classes are points by themselves: `across: class`, without other axes and without `within`")
        if any(metric.endswith("/*") != over_classes for metric in (claim.measure, claim.than)):
            raise ValueError("metrics that end in /* go with `across: class`, and others with axes")
        if claim.margin is not None and not claim.margin < 1:
            raise ValueError(f"the margin of a correlation is below 1, not {claim.margin:g}")

    def axes(self, claim: Any) -> Mapping[str, list[str] | None]:
        axes: Mapping[str, list[str] | None] = claim.across | claim.within
        return axes

    def metrics(self, claim: Any) -> dict[str, str]:
        return {"metric": claim.measure, self.name: claim.than}

    def contrasts(self, claim: Any, find: ArmFinder) -> list[ClaimContrast]:
        rule = Rule("beyond", self.sign)
        if CLASS in claim.across:
            return [ClaimContrast("", (find.subject(),), (1.0,), rule, joint=True, text="classes")]
        points = find.points(claim.across | claim.within)
        if len(points) < LEAST:
            raise find.error(f"a correlation over {len(points)} points says nothing", "leave at least four", "across")
        sides = tuple(side for _, side in points)
        return [ClaimContrast("", sides, (1.0,) * len(sides), rule, joint=True, text=f"{len(sides)} points")]

    def measure(self, question: Question) -> Measured:
        claim, method = question.claim, question.claim.test or "pearson"
        if CLASS in claim.across:
            (of_classes,) = question.arms
            runs = [record.run for records in of_classes.records.values() for record in records if record.run]
            pairs = list(class_pairs([run.metrics for run in runs], claim.than, claim.measure).values())
            tested = correlation(*_columns(pairs), method=method, confidence=question.confidence)
            return Measured(tested, described="classes are related, and no independent cases: nothing is tested over them")
        means = [sum(arm.values.values()) / len(arm.values) for arm in question.arms]
        y, x = means[: len(means) // 2], means[len(means) // 2 :]
        pairs = list(zip(x, y, strict=True))
        if not claim.within:
            tested = correlation(*_columns(pairs), method=method, confidence=question.confidence)
            why = "points of a grid are not independent cases: name the axes inside whose levels they may be exchanged, `within:`"
            return Measured(tested, described=why)
        blocks: dict[tuple[str, ...], list[tuple[float, float]]] = defaultdict(list)
        for arm, pair in zip(question.contrast.arms, pairs, strict=True):
            blocks[tuple(arm.labels[axis] for axis in claim.within)].append(pair)
        return Measured(correlation_within(list(blocks.values()), method=method))

    def sentence(self, claim: Any) -> str:
        points = ", ".join(claim.across) + (f", within {', '.join(claim.within)}" if claim.within else "")
        return f"is {'higher' if self.sign > 0 else 'lower'} where {claim.than} is higher, across {points}"

    def quantity(self, metric: str, ratio: bool) -> str:
        return f"correlation of {metric}"

    def is_vacuous(self, contrast: ClaimContrast) -> bool:
        return False  # its arms are the points that it is over


def _columns(pairs: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in pairs], [y for _, y in pairs]


RELATIONS = (GoesWith("higher_with", 1), GoesWith("lower_with", -1))
