"""A weighted sum of arms, seed by seed: a double difference, or a slope."""

import math
from collections.abc import Sequence

from bench.reports.claims.base import Question
from bench.reports.statistics import Comparison, one_sample


def weighted_sum(question: Question, weights: Sequence[float]) -> Comparison:
    """Test a weighted sum of the arms against zero. weights: one an arm."""
    arms = question.arms
    common = sorted(set.intersection(*(set(arm.values) for arm in arms)))
    sums = {seed: math.fsum(w * arm.values[seed] for w, arm in zip(weights, arms, strict=True)) for seed in common}
    scale = max((abs(arm.values[seed]) for arm in arms for seed in common), default=0.0)
    return one_sample(sums, scale, test=question.claim.test, confidence=question.confidence)
