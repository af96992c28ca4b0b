"""Arms that share no seeds: a difference, or any weighted sum, of their means."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.reports.statistics.comparison import CONFIDENCE, Comparison, check_share
from bench.reports.statistics.mean import with_interval
from bench.reports.statistics.moments import RESOLUTION, logs, moments, size, unusable


def welch(a: Mapping[int, float], b: Mapping[int, float], *, ratio: bool = False, confidence: float = CONFIDENCE) -> Comparison:
    """Compare two arms that share no seeds: the difference of their means with Welch's t-test; ratio as in `paired`.

    Returns a Comparison whose reason says why there is no p. ValueError where confidence is out of range.
    Source: Welch (1947), The generalization of Student's problem when several different population variances are involved.
    """
    return welch_sum((a, b), (1, -1), ratio=ratio, confidence=confidence)


def welch_sum(
    arms: Sequence[Mapping[int, float]], weights: Sequence[float], *, ratio: bool = False, confidence: float = CONFIDENCE
) -> Comparison:
    """Test the weighted sum of the means of arms that share no seeds against 0, with Satterthwaite's degrees of freedom.

    An arm of weight 0 is left out. ratio: of their logarithms, exponentiated. n_left counts the seeds of the arms with weights
    above 0, n_right those of the others. Returns a Comparison whose reason says why there is no p.
    ValueError where arms and weights differ in number, weights are not finite or all 0, or confidence is out of range.
    Source: Satterthwaite (1946), An approximate distribution of estimates of variance components; as in `welch`.
    """
    from scipy.special import stdtr

    check_share("confidence", confidence)
    if len(arms) != len(weights):
        raise ValueError(f"there are {len(arms)} arms and {len(weights)} weights")
    if not all(map(math.isfinite, weights)) or not any(weights):
        raise ValueError(f"weights must be finite numbers, and one of them not 0; they are {', '.join(map(str, weights))}")
    weighted = [(weight, arm) for weight, arm in zip(weights, arms, strict=True) if weight]
    n_left, n_right = (sum(len(arm) for weight, arm in weighted if weight * sign > 0) for sign in (1, -1))
    blank = Comparison(n_left + n_right, test="welch", ratio=ratio, confidence=confidence, n_left=n_left, n_right=n_right)
    if not all(arm for _, arm in weighted):
        return replace(blank, reason="an arm has no seed")
    if reason := next(filter(None, (unusable(arm, ratio=ratio) for _, arm in weighted)), ""):
        return replace(blank, reason=reason)
    weighted = [(weight, logs(arm) if ratio else arm) for weight, arm in weighted]
    scale = max(abs(weight) * size(arm, ratio=ratio) for weight, arm in weighted)
    arm_moments = [(weight, len(arm), *moments(list(arm.values()))) for weight, arm in weighted]
    middle = math.fsum(weight * mean for weight, _, mean, _ in arm_moments)
    comparison = replace(blank, difference=blank.shown(middle), scale=scale)
    errors = [(abs(weight) * sd / math.sqrt(n), n - 1) for weight, n, _, sd in arm_moments if sd is not None]
    if len(errors) < len(arm_moments):
        return replace(comparison, reason="an arm has one seed; a test needs two in each")
    if max(error * math.sqrt(df + 1) for error, df in errors) <= RESOLUTION * scale:
        return replace(comparison, reason="each arm's values are the same for every seed, so there is no spread to test against")
    error = math.hypot(*(part for part, _ in errors))
    df = 1 / math.fsum((part / error) ** 4 / df for part, df in errors)
    t = middle / error
    return with_interval(replace(comparison, t=t, df=df, p=2 * float(stdtr(df, -abs(t))), error=error))
