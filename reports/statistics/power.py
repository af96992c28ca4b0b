"""How large an effect n seeds can find, and how many seeds an effect needs. Effects are in standard deviations.

Rejection probabilities are integrals over the sample standard deviation s (in units of the true one; df s^2 is chi-squared):
given s, the mean is normal. scipy's noncentral t cumulative gives nan for the large effects that two or three seeds need.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from bench.reports.statistics.comparison import ALPHA, Comparison, check_share

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

POWER = 0.8
MOST = 10_000
LARGEST_FACTOR = 1000.0
NODES = 128
REACH = 8.5
"""Standard normal deviate beyond which nothing is left."""


def detectable(n: int, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Return the mean difference, in SDs of the differences, that a two-sided paired t-test of n seeds finds.

    power: the chance to find it. None below two seeds. ValueError unless 0 < alpha < power < 1.
    Source: Cohen (1988), Statistical Power Analysis for the Behavioral Sciences, chapter 2.
    """
    _check(alpha, power)
    return _noncentrality(n - 1, alpha, power) / math.sqrt(n) if n >= 2 else None


def detectable_independent(n: int, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Return the difference of two means, in SDs of either arm, that a two-sided t-test of n seeds an arm finds.

    Otherwise as `detectable`.
    """
    _check(alpha, power)
    return _noncentrality(2 * n - 2, alpha, power) / math.sqrt(n / 2) if n >= 2 else None


def seeds_to_detect(
    effect_in_sd: float, alpha: float = ALPHA, power: float = POWER, most: int = MOST, test_to_train: float = 0.0
) -> int | None:
    """Return the fewest seeds with which a two-sided paired t-test finds a mean difference of so many SDs of the differences.

    test_to_train: of seeds that each split the data anew, see `resampled`; its part of the error does not shrink with them.
    None where more than `most` would be needed. ValueError where the effect is not finite, or as in `detectable`.
    """
    _check(alpha, power)
    effect = abs(_finite("an effect", effect_in_sd))
    return _fewest(lambda n: _power(n - 1, effect / math.sqrt(1 / n + test_to_train), alpha) >= power, most)


def seeds_to_show_equivalence(
    margin_in_sd: float, alpha: float = ALPHA, power: float = POWER, most: int = MOST, test_to_train: float = 0.0
) -> int | None:
    """Return the fewest seeds with which TOST, each side at alpha, shows two equal arms to be equivalent.

    test_to_train: as in `seeds_to_detect`.
    margin_in_sd: the margin in SDs of the differences; above 0. None where more than `most` would be needed. ValueError where
    the margin is not above 0, or as in `detectable`. Source: Phillips (1990), Power of the two one-sided tests procedure in
    bioequivalence.
    """
    _check(alpha, power)
    if _finite("a margin", margin_in_sd) <= 0:
        raise ValueError(f"a margin must be above 0, not {margin_in_sd}")
    return _fewest(lambda n: _equivalence_power(n - 1, margin_in_sd / math.sqrt(1 / n + test_to_train), alpha) >= power, most)


@cache
def _noncentrality(df: int, alpha: float, power: float) -> float:
    """Return the mean, in standard errors, that a two-sided t-test at alpha finds with this power."""
    low, high = 0.0, 1.0
    while _power(df, high, alpha) < power:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _power(df, middle, alpha) < power else (low, middle)
    return high


def smallest_detectable(tested: Comparison, alpha: float) -> float | None:
    """Return the difference (of times the factor; or the correlation) that a test finds with 80 % power at its n and spread.

    None where there is no test, and of a factor above 1,000: the spread is too large to tell.
    """
    if tested.p is None or tested.error is None:
        return None
    if tested.correlates:
        return math.tanh(quantiles(alpha) * tested.error)
    assert tested.df is not None  # as all have that are tested, but correlations
    like = max(2, round(tested.df) + 1)  # the seeds of a paired t-test with as many degrees of freedom
    effect = detectable(like, alpha, POWER)
    size = None if effect is None else tested.distance(effect * math.sqrt(like))
    if size is None or not tested.ratio:
        return size
    return math.exp(size) if size <= math.log(LARGEST_FACTOR) else None


def quantiles(alpha: float) -> float:
    """Return how many standard errors an effect must have to be found with 80 % power, where the error is normal."""
    from scipy.special import ndtri

    return float(ndtri(1 - alpha / 2) + ndtri(POWER))


def _power(df: int, shift: float, alpha: float) -> float:
    """Return the chance that a two-sided t-test rejects, the true mean being `shift` standard errors."""
    from scipy.special import ndtr, stdtrit

    critical = -float(stdtrit(df, alpha / 2))

    def beyond(towards: float) -> float:
        return _mean_over_s(df, lambda s: ndtr(towards - critical * s), towards / critical, REACH / critical)

    return beyond(shift) + beyond(-shift)


def _equivalence_power(df: int, edge: float, alpha: float) -> float:
    """Return the chance that both one-sided tests reject, the true mean being 0 and the margin `edge` standard errors."""
    from scipy.special import ndtr, stdtrit

    critical = -float(stdtrit(df, alpha))
    if critical <= 0:  # alpha of a half or more: the two rejection regions overlap
        raise ValueError(f"the alpha of an equivalence test must be below 0.5, not {alpha}")
    last = edge / critical  # a larger s leaves no mean that both tests would accept
    return _mean_over_s(df, lambda s: 2 * ndtr(edge - critical * s) - 1, last - REACH / critical / 2, REACH / critical / 2)


def _mean_over_s(df: int, chance: "Callable[[Floats], Floats]", centre: float, reach: float) -> float:
    """Return the mean of a chance over s. It is 1 below centre - reach and 0 above centre + reach."""
    import numpy as np
    from scipy.special import chdtr, chdtri, gammaln

    certain = max(0.0, centre - reach)
    low = max(certain, math.sqrt(chdtri(df, 1 - 1e-15) / df))
    high = min(centre + reach, math.sqrt(chdtri(df, 1e-15) / df))
    below = float(chdtr(df, df * certain**2))
    if high <= low:
        return below
    nodes, weights = _nodes()
    s = low + (high - low) / 2 * (1 + nodes)
    log_density = math.log(2) + df / 2 * math.log(df / 2) - gammaln(df / 2) + (df - 1) * np.log(s) - df * s**2 / 2
    return min(1.0, below + float((weights * np.exp(log_density) * chance(s)).sum()) * (high - low) / 2)


@cache
def _nodes() -> "tuple[Floats, Floats]":
    from numpy.polynomial.legendre import leggauss

    return leggauss(NODES)


def _fewest(enough: Callable[[int], bool], most: int) -> int | None:
    """Return the smallest n from 2 to `most` that is enough; every larger one is."""
    if most < 2 or not enough(most):
        return None
    low, high = 1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value}")
    return value


def _check(alpha: float, power: float) -> None:
    check_share("alpha", alpha)
    check_share("power", power)
    if power <= alpha:
        raise ValueError(f"power, {power}, must be above alpha, {alpha}")
