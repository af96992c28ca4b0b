"""Whether two quantities go together over cells, classes or tasks."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING

from bench.reports.statistics.comparison import CONFIDENCE, Comparison, check_share
from bench.reports.statistics.mean import with_interval
from bench.reports.statistics.moments import RESOLUTION, moments, unusable
from bench.reports.statistics.ranking import midranks

if TYPE_CHECKING:
    import numpy as np

FEWEST = 4
COUNTED = 8
"""The most items whose orders, 8! = 40,320, are counted."""
FIELLER = 1.03
"""Spearman's rho on Fisher's scale has 1.03 times the error of Pearson's r."""


def correlation(x: Sequence[float], y: Sequence[float], *, method: str = "pearson", confidence: float = CONFIDENCE) -> Comparison:
    """Return r, or Spearman's rho, of at least four items, with its two-sided p and Fisher's interval.

    The p is that of t with n - 2 degrees of freedom; of Spearman's rho over up to 8 items the exact share of the orders, and
    never less than the share of a single order and its mirror image. A perfect r = 1 has neither p nor interval.
    Returns a Comparison whose reason says why there is no p: fewer than four items, constant or not finite values.
    ValueError where x and y differ in length, or method or confidence is unknown or out of range.
    Source: Fisher (1921), On the probable error of a coefficient of correlation; Fieller, Hartley and Pearson (1957), Tests
    for rank correlation coefficients I.
    """
    from scipy.special import stdtr

    if method not in ("pearson", "spearman"):
        raise ValueError(f"method must be pearson or spearman, not {method!r}")
    if len(x) != len(y):
        raise ValueError(f"x has {len(x)} values and y has {len(y)}")
    check_share("confidence", confidence)
    n = len(x)
    blank = Comparison(n, test=method, confidence=confidence)
    if n < FEWEST:
        return replace(blank, reason=f"a correlation needs at least {FEWEST} items, and there are {n}")
    for name, values in (("x", x), ("y", y)):
        if reason := unusable(dict(enumerate(values, start=1)), whose=f"{name} of item"):
            return replace(blank, reason=reason)
        if _spread(values)[1] <= RESOLUTION * max(map(abs, values)):
            return replace(blank, reason=f"{name} is the same for every item")
    if method == "spearman":
        x, y = midranks(x), midranks(y)
    r = _pearson(x, y)
    perfect = 1 - abs(r) <= RESOLUTION
    r = math.copysign(1.0, r) if perfect else r
    error = (FIELLER if method == "spearman" else 1.0) / math.sqrt(n - 3)
    comparison = replace(blank, difference=r, df=n - 2.0)
    if perfect and method == "pearson":
        return replace(comparison, reason="the items lie on a straight line, so there is no spread to test it against")
    if not perfect:
        t = r * math.sqrt((n - 2) / ((1 - r) * (1 + r)))
        comparison = with_interval(replace(comparison, t=t, error=error, p=2 * float(stdtr(n - 2, -abs(t)))))
    if method == "spearman":
        counted = _share_of_orders(x, y) if n <= COUNTED else max(comparison.p or 0.0, 2 / math.factorial(n))
        comparison = replace(comparison, p=counted, error=error)
    return comparison


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation of a correlation's items, of which there are several."""
    mean, sd = moments(values)
    assert sd is not None
    return mean, sd


def _pearson(x: Sequence[float], y: Sequence[float]) -> float:
    (mean_x, sd_x), (mean_y, sd_y) = _spread(x), _spread(y)
    # each factor is scaled before they are multiplied, so that tiny or huge values neither vanish nor overflow
    products = ((a - mean_x) / sd_x * ((b - mean_y) / sd_y) for a, b in zip(x, y, strict=True))
    return max(-1.0, min(1.0, math.fsum(products) / (len(x) - 1)))


def _share_of_orders(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the share of the orders of y whose rank correlation with x is at least as far from 0.

    Ranks are doubled, and n times the sum of products less the product of sums compared: whole numbers, so ties are ties.
    """
    import numpy as np

    left, right = (np.array([round(2 * rank) for rank in ranks]) for ranks in (x, y))
    orders = right[_orders(len(right))]
    constant = left.sum() * right.sum()
    distance = np.abs(len(left) * (orders @ left) - constant)
    return float((distance >= abs(len(left) * int(left @ right) - constant)).mean())


@cache
def _orders(n: int) -> "np.ndarray":
    """Return every order of n items, [n!, n]."""
    import numpy as np

    return np.array(list(permutations(range(n))), dtype=np.int8)
