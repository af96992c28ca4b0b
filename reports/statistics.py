"""Summaries and tests for a few paired seeds. Degenerate input is answered with None and a reason, never with NaN."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

ALPHA = 0.05
CONFIDENCE = 0.95
RESOLUTION = 1e-12
"""A spread below this share of the values is the rounding of binary fractions, not a spread."""


@dataclass(frozen=True)
class Summary:
    """Number of values, their mean (None of none) and sample standard deviation (None of fewer than two)."""

    n: int
    mean: float | None
    sd: float | None


@dataclass(frozen=True)
class Comparison:
    """A paired t-test of a - b over the n seeds that both have; `reason` says why there is no p-value."""

    n: int = 0
    difference: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    t: float | None = None
    p: float | None = None
    d_z: float | None = None
    reason: str = ""


def summary(values: Iterable[float]) -> Summary:
    """Return n, mean and sample standard deviation (ddof=1)."""
    values = list(values)
    if not values:
        return Summary(0, None, None)
    mean, sd = _moments(values)
    return Summary(len(values), mean, sd)


def paired_t(a: Mapping[int, float], b: Mapping[int, float]) -> Comparison:
    """Compare two arms, value by seed, with the two-sided paired t-test and its 95 % interval on the mean of a - b.

    d_z is the mean difference in units of the differences' own standard deviation (not bias-corrected).
    """
    from scipy.special import stdtr, stdtrit

    seeds = sorted(a.keys() & b.keys())
    differences = [a[seed] - b[seed] for seed in seeds]
    n = len(differences)
    if n == 0:
        return Comparison(reason="the two arms have no seed in common")
    mean, sd = _moments(differences)
    if sd is None:
        return Comparison(n, mean, reason="one seed in common; a test needs two")
    scale = max(abs(value) for seed in seeds for value in (a[seed], b[seed]))
    if sd <= RESOLUTION * scale:
        return Comparison(n, mean, reason="the difference is the same for every seed, so there is no spread to test it against")
    error = sd / math.sqrt(n)
    t = mean / error
    half = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * error
    p = 2 * float(stdtr(n - 1, -abs(t)))
    return Comparison(n, mean, mean - half, mean + half, t, p, mean / sd)


def holm(p: list[float | None]) -> list[float | None]:
    """Return p-values adjusted by Holm's step-down procedure, in the order given. None stays None and does not count.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
    """
    tested = sorted((value, i) for i, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for rank, (value, i) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * value))
        adjusted[i] = highest
    return adjusted


def _moments(values: list[float]) -> tuple[float, float | None]:
    n = len(values)
    mean = math.fsum(values) / n
    if n < 2:
        return mean, None
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
