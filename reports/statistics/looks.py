"""Several looks at growing data: the level of each look that keeps the error of all of them together."""

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

from bench.reports.statistics.comparison import check_share

PATHS = 400_000
FEWEST_BEYOND = 400
"""With fewer simulated errors than this the level is not told from chance, and alpha is split evenly."""


def look_level(sizes: Sequence[int], alpha: float) -> float:
    """Return the two-sided level of each look at a paired t-test that errs with probability alpha over all looks together.

    sizes: the number of seeds at each look, rising, from 2. The level is the same at every look (Pocock), for normal data without
    difference, from 400,000 simulated studies, always the same ones: at .05 it is good to .0003. It lies between alpha / looks
    and alpha, which it is for one look. An alpha below .001 is split evenly.
    ValueError where sizes or alpha are out of range.
    Source: Pocock (1977), Group sequential methods in the design and analysis of clinical trials, Biometrika 64.
    """
    check_share("alpha", alpha)
    sizes = tuple(sizes)
    if not sizes or sizes[0] < 2 or any(later <= size for size, later in pairwise(sizes)):
        raise ValueError(f"looks need rising numbers of seeds, from 2, not {', '.join(map(str, sizes)) or 'none'}")
    return _level(sizes, alpha)


@cache
def _level(sizes: tuple[int, ...], alpha: float) -> float:
    import numpy as np
    from scipy.special import stdtr

    if len(sizes) == 1:
        return alpha
    even = alpha / len(sizes)
    if alpha * PATHS < FEWEST_BEYOND:
        return even
    random = np.random.default_rng(0)
    total, squares, smallest, before = np.zeros(PATHS), np.zeros(PATHS), np.ones(PATHS), 0
    for size in sizes:
        more = size - before
        step = math.sqrt(more) * random.standard_normal(PATHS)
        # the new seeds' sum, and the sum of their squares: that of their mean, and a chi-squared about it
        squares += step**2 / more + (random.chisquare(more - 1, PATHS) if more > 1 else 0.0)
        total += step
        spread = np.sqrt((squares - total**2 / size) / (size - 1))
        t = total / size / (spread / math.sqrt(size))
        smallest = np.minimum(smallest, 2 * stdtr(size - 1, -np.abs(t)))
        before = size
    return min(alpha, max(even, float(np.quantile(smallest, alpha))))
