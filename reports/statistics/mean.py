"""Tests of a mean: per-seed quantities against zero, two paired arms, two arms without shared seeds."""

import math
from collections.abc import Mapping
from dataclasses import replace

from bench.reports.statistics.comparison import CONFIDENCE, Comparison, check_share, interval
from bench.reports.statistics.exact import EXACT_MOST, sign_flip, smallest_sign_flip
from bench.reports.statistics.moments import RESOLUTION, moments, unusable


def one_sample(deltas: Mapping[int, float], scale: float, *, test: str = "t", confidence: float = CONFIDENCE) -> Comparison:
    """Test the mean of per-seed quantities (double differences, slopes) against 0 with the one-sample t-test.

    scale: the size of the values that the quantities come from; a spread below their rounding is none.
    test: "t", or "sign-flip", which makes p the exact sign-flip p (up to 20 seeds), also where each seed's quantity is the same.
    The interval is Student's in both.
    Returns a Comparison whose reason says why there is no p: no seed, one seed, no spread, a value that is not finite.
    ValueError where test or confidence is unknown or out of range.
    """
    _check(test, confidence)
    return _one_sample(deltas, scale, test, confidence, what="quantity")


def paired(
    a: Mapping[int, float], b: Mapping[int, float], *, ratio: bool = False, test: str = "t", confidence: float = CONFIDENCE
) -> Comparison:
    """Compare two arms, value by seed, over the seeds that both have: the mean of a - b with the paired t-test.

    ratio: compare a / b instead, by the mean of its logarithms, exponentiated (a geometric-mean ratio and its interval).
    test, confidence, reasons and errors: as in `one_sample`.
    """
    _check(test, confidence)
    seeds = sorted(a.keys() & b.keys())
    n = len(seeds)
    blank = Comparison(n=n, test=test, ratio=ratio, confidence=confidence, smallest_p=smallest_sign_flip(n))
    if n == 0:
        return replace(blank, reason="the two arms have no seed in common")
    left, right = ({seed: arm[seed] for seed in seeds} for arm in (a, b))
    if reason := _unusable(left, ratio) or _unusable(right, ratio):
        return replace(blank, reason=reason)
    if ratio:
        left, right = _logs(left), _logs(right)
    deltas = {seed: left[seed] - right[seed] for seed in seeds}
    return _one_sample(
        deltas,
        max(_scale(left, ratio), _scale(right, ratio)),
        test,
        confidence,
        ratio=ratio,
        what="ratio" if ratio else "difference",
        whose=" in common",
    )


def welch(a: Mapping[int, float], b: Mapping[int, float], *, ratio: bool = False, confidence: float = CONFIDENCE) -> Comparison:
    """Compare two arms that share no seeds: the difference of their means with Welch's t-test; ratio as in `paired`.

    Returns a Comparison whose reason says why there is no p. ValueError where confidence is out of range.
    Source: Welch (1947), The generalization of Student's problem when several different population variances are involved.
    """
    from scipy.special import stdtr

    check_share("confidence", confidence)
    blank = Comparison(len(a) + len(b), test="welch", ratio=ratio, confidence=confidence, n_left=len(a), n_right=len(b))
    if not a or not b:
        return replace(blank, reason="an arm has no seed")
    if reason := _unusable(a, ratio) or _unusable(b, ratio):
        return replace(blank, reason=reason)
    left, right = (_logs(arm) if ratio else arm for arm in (a, b))
    scale = max(_scale(left, ratio), _scale(right, ratio))
    (mean_a, sd_a), (mean_b, sd_b) = (moments(list(arm.values())) for arm in (left, right))
    comparison = replace(blank, difference=blank.shown(mean_a - mean_b), scale=scale)
    if sd_a is None or sd_b is None:
        return replace(comparison, reason="an arm has one seed; a test needs two in each")
    if max(sd_a, sd_b) <= RESOLUTION * scale:
        return replace(comparison, reason="each arm's values are the same for every seed, so there is no spread to test against")
    error_a, error_b = sd_a / math.sqrt(len(a)), sd_b / math.sqrt(len(b))
    error = math.hypot(error_a, error_b)
    df = 1 / ((error_a / error) ** 4 / (len(a) - 1) + (error_b / error) ** 4 / (len(b) - 1))
    t = (mean_a - mean_b) / error
    return with_interval(replace(comparison, t=t, df=df, p=2 * float(stdtr(df, -abs(t))), error=error))


def with_interval(c: Comparison) -> Comparison:
    """Fill in the interval at the comparison's own confidence."""
    low, high = interval(c, c.confidence) or (None, None)
    return replace(c, ci_low=low, ci_high=high)


def _one_sample(
    deltas: Mapping[int, float], scale: float, test: str, confidence: float, *, what: str, whose: str = "", ratio: bool = False
) -> Comparison:
    from scipy.special import stdtr

    deltas = dict(sorted(deltas.items()))
    n = len(deltas)
    blank = Comparison(n, test=test, ratio=ratio, confidence=confidence, smallest_p=smallest_sign_flip(n), scale=scale)
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
    if sd <= RESOLUTION * scale:
        if test == "sign-flip" and exact is not None and abs(mean) > RESOLUTION * scale:
            return replace(comparison, p=exact)  # it counts signs, and needs no spread; there is no interval
        return replace(comparison, reason=f"the {what} is the same for every seed, so there is no spread to test it against")
    error = sd / math.sqrt(n)
    t, reason = mean / error, ""
    p = 2 * float(stdtr(n - 1, -abs(t))) if test == "t" else exact
    if p is None:
        reason = f"an exact sign-flip test is for up to {EXACT_MOST} seeds, and there are {n}"
    return with_interval(replace(comparison, t=t, df=n - 1.0, error=error, sd=sd, d_z=mean / sd, p=p, reason=reason))


def _check(test: str, confidence: float) -> None:
    if test not in ("t", "sign-flip"):
        raise ValueError(f"test must be t or sign-flip, not {test!r}")
    check_share("confidence", confidence)


def _unusable(values: Mapping[int, float], ratio: bool) -> str:
    if reason := unusable(values):
        return reason
    low = [seed for seed, value in values.items() if ratio and value <= 0]
    return f"a ratio needs values above 0, and that of seed {low[0]} is {values[low[0]]:g}" if low else ""


def _logs(values: Mapping[int, float]) -> dict[int, float]:
    return {seed: math.log(value) for seed, value in values.items()}


def _scale(values: Mapping[int, float], ratio: bool) -> float:
    # a value's rounding is a share of it, so that its logarithm is never more exact than a share of 1
    return max(float(ratio), *map(abs, values.values()))
