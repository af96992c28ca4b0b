"""What the arms of a contrast come to: their weighted sum, seed by seed, with the test that the claim names."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.reports.claims.base import Measured, Question
from bench.reports.claims.rules import LEAST_SEEDS
from bench.reports.records.arms import Arm, ArmValues
from bench.reports.records.predictions import ALONE, crossed_comparison, labels_said
from bench.reports.statistics import Comparison, one_sample, paired, pitman_morgan, welch_sum
from bench.trackers import contents


def estimate(question: Question) -> Measured:
    """Test a contrast's weighted sum of arms against its number, or against 0; of a ratio the sum of logarithms."""
    contrast, arms, test = question.contrast, question.arms, question.claim.test or "t"
    if question.claim.spread is not None:
        left, right = arms
        return Measured(pitman_morgan(left.values, right.values, confidence=question.confidence))
    if test == "crossed":
        if len(arms) != 2 or contrast.number is not None:
            return Measured(Comparison(reason="a test over seeds and images compares two arms"))
        left, right = arms
        tested, remark = crossed_comparison(left, right, question.claim.measure, question.confidence, question.predictions)
        alone = ALONE if tested.test == "mcnemar" else ""
        return Measured(in_unit(tested, question.metric.factor), "" if alone else remark, described=alone)
    weights = [weight for weight, _ in contrast.terms]
    if test == "welch" and contrast.number is None:
        summed = _once(question)
        values = [arm.values for _, arm in summed]
        return Measured(welch_sum(values, [weight for weight, _ in summed], ratio=contrast.ratio, confidence=question.confidence))
    if weights == [1.0, -1.0] and contrast.number is None:
        a, b = (arm.values for arm in arms)
        step = _resolution(question)
        tested = paired(a, b, ratio=contrast.ratio, test=test, confidence=question.confidence, resolution=step)
        equal = tested.n >= LEAST_SEEDS and not any(tested.deltas.values())
        return Measured(tested, identical=equal and not contrast.ratio and _same_predictions(question))
    return Measured(_paired(question, weights, test))


def _once(question: Question) -> list[tuple[float, ArmValues]]:
    """Return each arm of a contrast once, with its weights summed: an arm that stands twice is not two independent ones."""
    summed: list[tuple[float, Arm, ArmValues]] = []
    for (weight, arm), values in zip(question.contrast.terms, question.arms, strict=True):
        same = next((i for i, (_, known, _) in enumerate(summed) if known.is_same(arm)), None)
        if same is None:
            summed.append((weight, arm, values))
        else:
            summed[same] = (summed[same][0] + weight, arm, values)
    return [(weight, values) for weight, _, values in summed if weight]


def _paired(question: Question, weights: Sequence[float], test: str) -> Comparison:
    contrast, arms = question.contrast, question.arms
    common = sorted(set.intersection(*(set(arm.values) for arm in arms)))
    values = [[arm.values[seed] for seed in common] for arm in arms]
    number = contrast.number or 0.0
    if contrast.ratio:
        low = [seed for seed, *of_seed in zip(common, *values, strict=True) if min(of_seed) <= 0]
        if low or (contrast.number is not None and number <= 0):
            what = f"that of seed {low[0]}" if low else "the number"
            return Comparison(n=len(common), test=test, ratio=True, reason=f"a ratio needs values above 0, and {what} is not")
        values = [[math.log(value) for value in of_arm] for of_arm in values]
        number = math.log(number) if contrast.number is not None else 0.0
    sums = {
        seed: math.fsum(weight * of_arm[i] for weight, of_arm in zip(weights, values, strict=True)) - number
        for i, seed in enumerate(common)
    }
    scale = max((abs(value) for of_arm in values for value in of_arm), default=0.0)
    scale = max(scale, abs(number), float(contrast.ratio))
    resolution = 0.0 if contrast.ratio else _resolution(question)
    return one_sample(sums, scale, test=test, confidence=question.confidence, ratio=contrast.ratio, resolution=resolution)


def by_side(question: Question) -> list[dict[int, float]]:
    """Return the value of each side of a contrast by seed, of the seeds that all have; logarithms, where it is a ratio."""
    contrast, arms = question.contrast, iter(question.arms)
    common = sorted(set.intersection(*(set(arm.values) for arm in question.arms)))
    put = math.log if contrast.ratio else float
    sides = []
    for side in contrast.sides:
        terms = [(weight, next(arms)) for weight, _ in side.terms]
        sides.append({seed: math.fsum(weight * put(arm.values[seed]) for weight, arm in terms) for seed in common})
    return sides


def _same_predictions(question: Question) -> bool:
    """Whether two arms, of one cell each, have made the same predictions in every seed."""
    if question.metric.counts != "images" or question.predictions is None or len(question.arms) != 2:
        return False
    left, right = question.arms
    for seed in left.values.keys() & right.values.keys():
        said = []
        for arm in (left, right):
            of_seed = arm.records[seed]
            run = of_seed[0].run if len(of_seed) == 1 else None
            content = question.predictions(run.run_id) if run else None
            if content is None:
                return False
            try:
                said.append(labels_said(content, question.claim.measure.partition("/")[0]))
            except contents.Damaged:
                return False
        if said[0] != said[1]:
            return False
    return True


def _resolution(question: Question) -> float:
    """Return the step of the sum that is tested: of a metric that counts N items 1/N, over the cells that are averaged; 0 where
    that is not known, and of what counts nothing."""
    if question.metric.counts != "images":
        return 0.0
    steps = []
    for (weight, arm), values in zip(question.contrast.terms, question.arms, strict=True):
        items = values.items(question.claim.measure)
        if not items:
            return 0.0
        steps.append(question.metric.factor * abs(weight) / (items * len(arm.cells)))
    return max(steps, default=0.0)


def in_unit(c: Comparison, factor: float) -> Comparison:
    """Return a comparison of differences in another unit."""
    if factor == 1:
        return c
    fields = ("difference", "ci_low", "ci_high", "error", "sd")
    scaled: dict[str, Any] = {name: None if (value := getattr(c, name)) is None else factor * value for name in fields}
    return replace(c, **scaled, deltas={seed: factor * delta for seed, delta in c.deltas.items()}, scale=factor * c.scale)


def shown(tested: Comparison, number: float | None) -> Comparison:
    """Return a comparison as the reader sees it: of a ratio that is held against a number, the ratio itself."""
    if not tested.ratio or number is None or tested.difference is None:
        return tested
    return replace(
        tested,
        difference=tested.difference * number,
        ci_low=None if tested.ci_low is None else tested.ci_low * number,
        ci_high=None if tested.ci_high is None else tested.ci_high * number,
        deltas={seed: delta * number for seed, delta in tested.deltas.items()},
    )
