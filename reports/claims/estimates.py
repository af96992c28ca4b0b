"""What the arms of a contrast come to: their weighted sum, seed by seed, with the test that the claim names."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.reports.claims.base import Measured, Question
from bench.reports.claims.rules import LEAST_SEEDS
from bench.reports.records.arms import overlapping
from bench.reports.records.predictions import ALONE, crossed_comparison, labels_said
from bench.reports.statistics import Comparison, Crossed, compared_over_splits, one_sample, paired, pitman_morgan, welch_sum
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
        found = crossed_comparison(left, right, question.claim.measure, question.confidence, question.predictions)
        alone = ALONE if found.comparison.test == "mcnemar" else ""
        return Measured(in_unit(found.comparison, question.metric.factor), described=alone, crossed=found)
    if test == "welch" and contrast.number is None:  # an arm that stands twice is not two independent ones
        once = [(weight, arms[place].values) for weight, place in contrast.once if weight]
        values, weights = [values for _, values in once], [weight for weight, _ in once]
        return Measured(welch_sum(values, weights, ratio=contrast.ratio, confidence=question.confidence))
    if test == "t" and question.splits:
        over = _over_splits(question)
        if not over.constant:  # else there is no error of splits, and seeds are judged by the step of the metric
            return Measured(over.comparison, crossed=over)
    if contrast.is_of_two:
        a, b = (arm.values for arm in arms)
        step = _resolution(question)
        tested = paired(a, b, ratio=contrast.ratio, test=test, confidence=question.confidence, resolution=step)
        tested = overlapping(tested, question.test_to_train)
        equal = tested.n >= LEAST_SEEDS and not any(tested.deltas.values())
        return Measured(tested, identical=equal and not contrast.ratio and _same_predictions(question))
    return Measured(overlapping(_paired(question, test), question.test_to_train))


def _paired(question: Question, test: str) -> Comparison:
    contrast = question.contrast
    number = contrast.number
    if contrast.ratio:
        low = [seed for seed in _common(question) if min(arm.values[seed] for arm in question.arms) <= 0]
        if low or (number is not None and number <= 0):
            what = f"that of seed {low[0]}" if low else "the number"
            return Comparison(
                n=len(_common(question)), test=test, ratio=True, reason=f"a ratio needs values above 0, and {what} is not"
            )
    sums, scale = _sums(question)
    step = _resolution(question)
    return one_sample(sums, scale, test=test, confidence=question.confidence, ratio=contrast.ratio, resolution=step)


def _sums(question: Question) -> tuple[dict[int, float], float]:
    """Return the contrast's weighted sum by seed, less its number, and the size of the values that it comes from."""
    contrast = question.contrast
    put = math.log if contrast.ratio else float
    against = 0.0 if contrast.number is None else put(contrast.number)
    sides = by_side(question)
    sums = {
        seed: math.fsum(weight * values[seed] for weight, values in zip(contrast.weights, sides, strict=True)) - against
        for seed in sides[0]
    }
    scale = max((abs(put(arm.values[seed])) for arm in question.arms for seed in sides[0]), default=0.0)
    return sums, max(scale, abs(against), float(contrast.ratio))


def _over_splits(question: Question) -> Crossed:
    """Test a contrast whose arms run on each of some splits with each seed. An arm that runs on none counts alike on each."""
    contrast, metric = question.contrast, question.claim.measure.replace("*", question.contrast.of_class or "*")
    terms = []
    for (weight, arm), values in zip(contrast.terms, question.arms, strict=True):
        by_seed = {seed: dict.fromkeys(question.splits, value) for seed, value in values.values.items()}
        for split in arm.splits:
            there = replace(arm, cells=tuple(cell for cell in arm.cells if cell.split == split))
            found = question.trials.values(there, metric, list(by_seed)).scaled(question.metric.factor)
            for seed, value in found.values.items():
                by_seed[seed][split] = value
        if arm.splits:
            by_seed = {seed: {split: by_split[split] for split in arm.splits} for seed, by_split in by_seed.items()}
        terms.append((weight, by_seed))
    return compared_over_splits(
        terms,
        against=contrast.number,
        ratio=contrast.ratio,
        confidence=question.confidence,
        test_to_train=question.test_to_train_of_splits,
    )


def _common(question: Question) -> list[int]:
    """Return the seeds for which every arm has a value."""
    return sorted(set.intersection(*(set(arm.values) for arm in question.arms)))


def by_side(question: Question) -> list[dict[int, float]]:
    """Return the value of each side of a contrast by seed, of the seeds that all have; logarithms, where it is a ratio."""
    contrast, arms = question.contrast, iter(question.arms)
    common = _common(question)
    put = math.log if contrast.ratio else float
    sides = []
    for side in contrast.sides:
        terms = [(weight, next(arms)) for weight, _ in side.terms]
        sides.append({seed: math.fsum(weight * put(arm.values[seed]) for weight, arm in terms) for seed in common})
    return sides


def _same_predictions(question: Question) -> bool:
    """Whether two arms, of one cell each or the same on several splits, have made the same predictions in every seed."""
    if question.metric.counts != "images" or question.predictions is None or len(question.arms) != 2:
        return False
    left, right = question.arms
    for seed in left.values.keys() & right.values.keys():
        said = []
        for arm in (left, right):
            runs = {record.split: record.run for record in arm.records[seed]}
            part = question.claim.measure.partition("/")[0]
            try:
                found = {split: question.predictions(run.run_id) for split, run in runs.items() if run}
                known = {split: content for split, content in found.items() if content is not None}
                if len(known) < len(arm.records[seed]):  # or its cells are not told apart by their splits alone
                    return False
                said.append({split: labels_said(content, part) for split, content in known.items()})
            except contents.Damaged:
                return False
        if said[0] != said[1]:
            return False
    return True


def _resolution(question: Question) -> float:
    """Return the step of the sum that is tested, of a ratio in logarithms: of a metric that counts N items 1/N, of one with a
    step of its own that, over the cells that are averaged; 0 where it is not known, of all others, and of ratios of counts."""
    metric, ratio = question.metric, question.contrast.ratio
    if not metric.step and (ratio or metric.counts != "images"):
        return 0.0
    steps = []
    for (weight, arm), values in zip(question.contrast.terms, question.arms, strict=True):
        items = 1 if metric.step else values.items(question.claim.measure)
        if not items:
            return 0.0
        size = (min(map(abs, values.values.values())) or 1.0) if ratio else 1.0
        steps.append(metric.factor * abs(weight) * (metric.step or 1.0) / (items * len(arm.cells) * size))
    return max(steps, default=0.0)


def in_unit(c: Comparison, factor: float) -> Comparison:
    """Return a comparison of differences in another unit."""
    return c if factor == 1 else replace(_times(c, factor, ("error", "sd")), scale=factor * c.scale)


def shown(tested: Comparison, number: float | None) -> Comparison:
    """Return a comparison as the reader sees it: of a ratio that is held against a number, the ratio itself."""
    return _times(tested, number) if tested.ratio and number is not None else tested


def _times(c: Comparison, factor: float, also: Sequence[str] = ()) -> Comparison:
    """Return a comparison with a multiple of its estimate, its interval, and what else is named."""
    names = ("difference", "ci_low", "ci_high", *also)
    multiples: dict[str, Any] = {name: None if (value := getattr(c, name)) is None else factor * value for name in names}
    return replace(c, **multiples, deltas={seed: factor * delta for seed, delta in c.deltas.items()})
