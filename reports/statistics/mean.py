"""Tests of a mean: per-seed quantities against zero, and two paired arms."""

import math
from collections.abc import Mapping
from dataclasses import replace

from bench.reports.statistics.comparison import CONFIDENCE, Comparison, check_share, interval, least_sd
from bench.reports.statistics.exact import EXACT_MOST, sign_flip, smallest_sign_flip
from bench.reports.statistics.moments import RESOLUTION, logs, moments, size, unusable


def one_sample(
    deltas: Mapping[int, float],
    scale: float,
    *,
    ratio: bool = False,
    test: str = "t",
    confidence: float = CONFIDENCE,
    resolution: float = 0.0,
) -> Comparison:
    """Test the mean of per-seed quantities (double differences, slopes) against 0 with the one-sample t-test.

    scale: the size of the values that the quantities come from; a spread below their rounding is none.
    ratio: the quantities are logarithms; estimate and interval are exponentiated.
    test: "t", or "sign-flip", which makes p the exact sign-flip p (up to 20 seeds), also where each seed's quantity is the same.
    The interval is Student's in both.
    resolution: the step of a metric that counts N items, 1 / N, of a ratio that of the logarithms; 0 where it has none. A
    standard deviation below resolution / sqrt(12) is raised to that; p is then the larger one of this t-test and the exact
    sign-flip test, unless the mean is ten steps or more from 0. There is no d_z then.
    Returns a Comparison whose reason says why there is no p: no seed, one seed, no spread, a value that is not finite.
    ValueError where test, confidence or resolution is unknown or out of range.
    """
    _check(test, confidence, resolution)
    return _one_sample(deltas, scale, test, confidence, what="quantity", ratio=ratio, resolution=resolution)


def paired(
    a: Mapping[int, float],
    b: Mapping[int, float],
    *,
    ratio: bool = False,
    test: str = "t",
    confidence: float = CONFIDENCE,
    resolution: float = 0.0,
) -> Comparison:
    """Compare two arms, value by seed, over the seeds that both have: the mean of a - b with the paired t-test.

    ratio: compare a / b instead, by the mean of its logarithms, exponentiated (a geometric-mean ratio and its interval).
    test, confidence, resolution, reasons and errors: as in `one_sample`.
    """
    _check(test, confidence, resolution)
    seeds = sorted(a.keys() & b.keys())
    n = len(seeds)
    blank = Comparison(n=n, test=test, ratio=ratio, confidence=confidence, smallest_p=smallest_sign_flip(n))
    if n == 0:
        return replace(blank, reason="the two arms have no seed in common")
    left, right = ({seed: arm[seed] for seed in seeds} for arm in (a, b))
    if reason := unusable(left, ratio=ratio) or unusable(right, ratio=ratio):
        return replace(blank, reason=reason)
    if ratio:
        left, right = logs(left), logs(right)
    deltas = {seed: left[seed] - right[seed] for seed in seeds}
    return _one_sample(
        deltas,
        max(size(left, ratio=ratio), size(right, ratio=ratio)),
        test,
        confidence,
        ratio=ratio,
        resolution=resolution,
        what="ratio" if ratio else "difference",
        whose=" in common",
    )


def with_interval(c: Comparison) -> Comparison:
    """Fill in the interval at the comparison's own confidence."""
    low, high = interval(c, c.confidence) or (None, None)
    return replace(c, ci_low=low, ci_high=high)


def _one_sample(
    deltas: Mapping[int, float],
    scale: float,
    test: str,
    confidence: float,
    *,
    what: str,
    whose: str = "",
    ratio: bool = False,
    resolution: float = 0.0,
) -> Comparison:
    deltas = dict(sorted(deltas.items()))
    n = len(deltas)
    blank = Comparison(
        n, test=test, ratio=ratio, confidence=confidence, smallest_p=smallest_sign_flip(n), scale=scale, resolution=resolution
    )
    if n == 0:
        return replace(blank, reason=f"no seed{whose}; a test needs two")
    if reason := unusable(deltas):
        return replace(blank, reason=reason)
    mean, sd = moments(list(deltas.values()))
    exact = sign_flip(deltas, scale)
    shown_deltas = {seed: blank.shown(delta) for seed, delta in deltas.items()}
    comparison = replace(blank, deltas=shown_deltas, difference=blank.shown(mean), exact_p=exact)
    if sd is None:
        return replace(comparison, reason=f"one seed{whose}; a test needs two")
    if sd <= RESOLUTION * scale and not resolution:
        if test == "sign-flip" and exact is not None and abs(mean) > RESOLUTION * scale:
            return replace(comparison, p=exact)  # it counts signs, and needs no spread; there is no interval
        return replace(comparison, reason=f"the {what} is the same for every seed, so there is no spread to test it against")
    sd = max(sd, least_sd(resolution))
    error = sd / math.sqrt(n)
    comparison = replace(comparison, t=mean / error, df=n - 1.0, error=error, sd=sd)
    if not comparison.floored:
        comparison = replace(comparison, d_z=mean / sd)
    return with_interval(with_p(comparison))


def with_p(c: Comparison) -> Comparison:
    """Fill in the p of a mean that has t and its deltas, or the reason why it has none."""
    assert c.t is not None
    if c.test == "sign-flip" and c.exact_p is None:
        return replace(c, reason=f"an exact sign-flip test is for up to {EXACT_MOST} seeds, and there are {c.n}")
    p = 0.0 if c.test == "sign-flip" else 2 * c.tail(abs(c.t))
    return replace(c, p=max(p, c.exact_p or 0.0) if c.counts_signs() else p)


def _check(test: str, confidence: float, resolution: float) -> None:
    if test not in ("t", "sign-flip"):
        raise ValueError(f"test must be t or sign-flip, not {test!r}")
    check_share("confidence", confidence)
    if not 0 <= resolution < math.inf:
        raise ValueError(f"a resolution must be a finite number of at least 0, not {resolution}")
