"""Whether arms in a stated order rise: Page's test."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import TYPE_CHECKING

from bench.reports.statistics.omnibus import unusable_blocks
from bench.reports.statistics.ranking import midranks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_LEVELS = 8
"""The most levels whose orders within a block, 8! = 40,320, are counted."""
MOST_BLOCKS = 1000


@dataclass(frozen=True)
class Page:
    """Page's L and the exact one-sided p that the levels rise in the order given; `reason` says why one is missing."""

    statistic: float | None = None
    p: float | None = None
    reason: str = ""


def page_trend(blocks: Sequence[Sequence[float]]) -> Page:
    """Return Page's test of n blocks (seeds), each with the values of the same k levels in their order, [n][k].

    L is the sum over the levels of place (1 to k) times rank sum. The p is the share of all orders within the blocks, ties kept,
    whose L is as large; for falling levels hand the values with the other sign. It is counted up to 8 levels and 1,000 blocks.
    The reason says why there is no p. ValueError where the blocks differ in length.
    Source: Page (1963), Ordered hypotheses for multiple treatments, Journal of the American Statistical Association 58.
    """
    import numpy as np

    if reason := unusable_blocks(blocks):
        return Page(reason=reason)
    # ranks are doubled, so that those of ties are whole, and L is counted in halves
    ranks = [tuple(round(2 * rank) for rank in midranks(block)) for block in blocks]
    places = range(1, len(ranks[0]) + 1)
    halves = sum(place * rank for block in ranks for place, rank in zip(places, block, strict=True))
    if all(len(set(block)) == 1 for block in ranks):
        return Page(halves / 2, reason="in every block all levels are equal")
    if len(places) > MOST_LEVELS or len(ranks) > MOST_BLOCKS:
        most = f"up to {MOST_LEVELS} levels and {MOST_BLOCKS} blocks"
        return Page(halves / 2, reason=f"an exact p is counted for {most}, not {len(places)} and {len(ranks)}")
    chances: NDArray[np.float64] = np.ones(1)
    lowest = 0
    for block in ranks:
        least, shares = _of_block(tuple(sorted(block)))
        lowest += least
        chances = np.convolve(chances, shares)
    return Page(halves / 2, min(1.0, float(chances[halves - lowest :].sum())))


@cache
def _of_block(ranks: tuple[int, ...]) -> "tuple[int, NDArray[np.float64]]":
    """Return the smallest L of a block's orders, and the share of the orders with this and each larger whole L."""
    import numpy as np

    orders = np.array(list(permutations(ranks)), dtype=np.int64)
    sums = orders @ np.arange(1, len(ranks) + 1)
    return int(sums.min()), np.bincount(sums - sums.min()) / math.factorial(len(ranks))
