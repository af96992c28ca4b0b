"""Whether any of k arms differs, over the same seeds: context for the planned contrasts, never a gate before them."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from bench.reports.statistics.moments import LARGEST, RESOLUTION
from bench.reports.statistics.ranking import midranks

COUNTED = 10
"""The most blocks whose orders are counted."""
WORK = 2_000_000
"""The most sums of a step of the count; with more, there is no exact p."""


@dataclass(frozen=True)
class Omnibus:
    """A statistic with its degrees of freedom (df2 None of a chi-squared) and p; `reason` says why one is missing."""

    statistic: float | None = None
    df1: int | None = None
    df2: int | None = None
    p: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Friedman:
    """Friedman's statistic, corrected for ties, its chi-squared p, and the exact p (None where it was not counted)."""

    statistic: float | None = None
    p_chi2: float | None = None
    p_exact: float | None = None
    reason: str = ""


def repeated_measures(blocks: Sequence[Sequence[float]]) -> Omnibus:
    """Return the F-test of n blocks (seeds), each with the values of the same k arms, [n][k]; sphericity is assumed.

    The reason says why there is no p: fewer than two blocks or arms, values not finite, no spread left within the blocks.
    ValueError where the blocks differ in length. Source: Fisher (1935), The Design of Experiments, section 27.
    """
    import numpy as np
    from scipy.special import fdtrc

    if reason := unusable_blocks(blocks):
        return Omnibus(reason=reason)
    values = np.asarray(blocks, dtype=float)
    n, k = values.shape
    arms = values.mean(axis=0) - values.mean()
    rest = values - values.mean(axis=0) - values.mean(axis=1)[:, None] + values.mean()
    df1, df2 = k - 1, (n - 1) * (k - 1)
    scale = float(np.abs(values).max())
    if float(np.abs(rest).max()) <= RESOLUTION * scale:
        return Omnibus(
            df1=df1, df2=df2, reason="the arms differ by the same in every block, so there is no spread to test against"
        )
    # divided by the largest residual, so that squares of tiny values do not vanish
    unit = float(np.abs(rest).max())
    f = float(n * ((arms / unit) ** 2).sum() / df1 / (((rest / unit) ** 2).sum() / df2))
    return Omnibus(f, df1, df2, float(fdtrc(df1, df2, f)))


def friedman(blocks: Sequence[Sequence[float]]) -> Friedman:
    """Return Friedman's test of n blocks (seeds), each with the values of the same k arms, [n][k].

    The exact p counts every order within every block, ties kept, for up to 10 blocks where that is quick; the chi-squared p is
    off at few blocks. Reasons and errors as in `repeated_measures`.
    Source: Friedman (1937), The use of ranks to avoid the assumption of normality implicit in the analysis of variance.
    """
    from scipy.special import chdtrc

    if reason := unusable_blocks(blocks):
        return Friedman(reason=reason)
    ranks = [midranks(block) for block in blocks]
    n, k = len(ranks), len(ranks[0])
    doubled = [[round(2 * rank) for rank in block] for block in ranks]
    tied = sum(size**3 - size for block in doubled for size in Counter(block).values())
    spread = n * (k**3 - k) - tied
    if spread == 0:
        return Friedman(reason="in every block all arms are equal")
    sums = [sum(column) for column in zip(*doubled, strict=True)]
    distance = sum(total**2 for total in sums) - n**2 * k * (k + 1) ** 2  # of doubled ranks: four times that of the ranks
    statistic = 3 * distance * (k - 1) / spread
    result = Friedman(statistic, float(chdtrc(k - 1, statistic)))
    return replace(result, p_exact=_exact(doubled) if n <= COUNTED else None)


def _exact(blocks: list[list[int]]) -> float | None:
    """Return the share of the orders within blocks whose rank sums are at least as far apart; None where that takes long.

    Sums are added up block by block. Which arm has which sum does not matter, so states are sorted sums with their chances,
    each packed into one whole number. The statistic grows with the sum of squares, which is whole: ties are ties.
    """
    import numpy as np
    from numpy.typing import NDArray

    k = len(blocks[0])
    base = 2 * k * len(blocks) + 1
    if k * math.log2(base) > 62 or math.factorial(k) > WORK // 100:
        return None
    all_orders = [np.array(sorted(set(permutations(block))), dtype=np.int64) for block in map(sorted, blocks)]
    # those with most ties first keep the states few; the order of the blocks as given must not matter
    all_orders.sort(key=lambda orders: (len(orders), orders.tolist()))
    powers = base ** np.arange(k, dtype=np.int64)
    states: NDArray[np.int64] = np.zeros((1, k), dtype=np.int64)
    chances: NDArray[np.float64] = np.ones(1)
    for orders in all_orders:
        if len(states) * len(orders) * k > WORK:
            return None
        sums = np.sort((states[:, None, :] + orders[None, :, :]).reshape(-1, k), axis=1)
        _, first, which = np.unique(sums @ powers, return_index=True, return_inverse=True)
        shared = np.bincount(which, weights=np.repeat(chances / len(orders), len(orders)))
        chances = np.asarray(shared, dtype=np.float64)  # which it is already; NumPy's types know only counts
        states = sums[first]
    observed = sum(sum(column) ** 2 for column in zip(*blocks, strict=True))
    return min(1.0, float(chances[(states**2).sum(axis=1) >= observed].sum()))


def unusable_blocks(blocks: Sequence[Sequence[float]]) -> str:
    """Return a sentence part about what keeps blocks, [n][k], from a test; "" where nothing does.

    ValueError where they differ in length.
    """
    if len({len(block) for block in blocks}) > 1:
        raise ValueError("blocks must all have the same number of arms")
    if len(blocks) < 2 or len(blocks[0]) < 2:
        return "a test needs at least two blocks and two arms"
    for i, block in enumerate(blocks, start=1):
        for value in block:
            if not (math.isfinite(value) and abs(value) <= LARGEST):
                return f"block {i} holds {value:g}, which cannot be compared"
    return ""
