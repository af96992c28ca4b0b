"""Whether one arm varies more over the seeds than another."""

import math
from collections.abc import Mapping
from dataclasses import replace

from bench.reports.statistics.comparison import CONFIDENCE, Comparison, check_share
from bench.reports.statistics.mean import with_interval
from bench.reports.statistics.moments import RESOLUTION, moments, size, unusable


def pitman_morgan(a: Mapping[int, float], b: Mapping[int, float], *, confidence: float = CONFIDENCE) -> Comparison:
    """Compare the standard deviations of two arms, value by seed, over the seeds that both have: SD_a / SD_b.

    Where the arms vary alike, sums and differences of a seed's values are uncorrelated; t tests that correlation, with n - 2
    degrees of freedom, and the interval holds the ratios that t does not reject. Normal data are assumed. It needs many seeds:
    with five and no correlation a ratio near 5.
    Returns a Comparison whose reason says why there is no p: fewer than three seeds, an arm without spread, arms that move
    together exactly, a value that is not finite. ValueError where confidence is out of range.
    Source: Pitman (1939), A note on normal correlation; Morgan (1939), A test for the significance of the difference between the
    two variances in a sample from a normal bivariate population, both Biometrika 31.
    """
    check_share("confidence", confidence)
    seeds = sorted(a.keys() & b.keys())
    n = len(seeds)
    blank = Comparison(n, test="pitman-morgan", ratio=True, confidence=confidence)
    arms = [{seed: arm[seed] for seed in seeds} for arm in (a, b)]
    if reason := unusable(arms[0]) or unusable(arms[1]):
        return replace(blank, reason=reason)
    if n < 3:
        count = ("no seed", "one seed", "two seeds")[n]
        return replace(blank, reason=f"{count} in common; a test of spreads needs three")
    (mean_a, sd_a), (mean_b, sd_b) = (moments(list(arm.values())) for arm in arms)
    assert sd_a is not None and sd_b is not None  # of three seeds
    if any(sd <= RESOLUTION * size(arm) for sd, arm in zip((sd_a, sd_b), arms, strict=True)):
        return replace(blank, reason="an arm's values are the same for every seed, so there is no ratio of spreads")
    log_ratio = math.log(sd_a) - math.log(sd_b)
    comparison = replace(blank, difference=blank.shown(log_ratio), scale=1.0)
    # each factor in units of its arm's spread, so that their product neither vanishes nor overflows
    products = (((arms[0][seed] - mean_a) / sd_a) * ((arms[1][seed] - mean_b) / sd_b) for seed in seeds)
    r = math.fsum(products) / (n - 1)
    unshared = (1 - r) * (1 + r)
    if unshared <= RESOLUTION:
        return replace(comparison, reason="the two arms move together exactly, so there is no chance to test the spreads against")
    tested = replace(comparison, df=n - 2.0, error=math.sqrt(unshared / (n - 2)))
    t = tested.studentised()
    assert t is not None  # there is an error
    return with_interval(replace(tested, t=t, p=2 * tested.tail(abs(t))))
