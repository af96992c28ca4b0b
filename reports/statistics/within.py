"""Whether two quantities go together within blocks, such as the levels of a model: points of one block alone are exchanged."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.reports.statistics.comparison import Comparison
from bench.reports.statistics.moments import RESOLUTION, unusable
from bench.reports.statistics.ranking import midranks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Centred = list[tuple[NDArray[np.float64], NDArray[np.float64]]]

DRAWN = 20_000
"""Orders that are drawn where there are too many to be counted."""
COUNTED = 50_000


def correlation_within(blocks: Sequence[Sequence[tuple[float, float]]], *, method: str = "pearson") -> Comparison:
    """Return the correlation of two quantities about their block means, and the two-sided p of the test that exchanges the second
    one within each block; it has no interval.

    blocks: of each its points (x, y). method: "spearman" ranks both within each block first. All orders are counted up to 50,000;
    of more, 20,000 are drawn with a fixed seed, and p is (those as far from 0 + 1) / (20,000 + 1).
    Returns a Comparison whose reason says why there is no p: no block with two points, constant or not finite values.
    Source: Edgington (1995), Randomization Tests, chapter on correlation.
    """
    import numpy as np

    n = sum(len(block) for block in blocks)
    blank = Comparison(n, test=method)
    for place, name in ((0, "x"), (1, "y")):
        values = {i: point[place] for i, point in enumerate((p for block in blocks for p in block), start=1)}
        if reason := unusable(values, whose=f"{name} of point"):
            return replace(blank, reason=reason)
    centred: Centred = []
    for block in (block for block in blocks if len(block) > 1):
        x, y = ([point[i] for point in block] for i in (0, 1))
        if method == "spearman":
            x, y = midranks(x), midranks(y)
        centred.append((np.array(x) - np.mean(x), np.array(y) - np.mean(y)))
    if not centred:
        return replace(blank, reason="no block has two points that could be exchanged")
    norms = [math.sqrt(sum(float((column[i] ** 2).sum()) for column in centred)) for i in (0, 1)]
    largest = [max((abs(point[i]) for block in blocks for point in block), default=0.0) for i in (0, 1)]
    for name, norm, size in zip(("x", "y"), norms, largest, strict=True):
        if norm <= RESOLUTION * max(size, 1e-300) * math.sqrt(n):
            return replace(blank, reason=f"{name} is the same for every point of a block")
    r = sum(float(x @ y) for x, y in centred) / (norms[0] * norms[1])
    orders = math.prod(math.factorial(len(x)) for x, _ in centred)
    sums = _all_sums(centred) if orders <= COUNTED else _drawn_sums(centred)
    distances, rounding = np.abs(sums), 1e-9 * norms[0] * norms[1]
    far, farthest = (int((distances >= edge - rounding).sum()) for edge in (abs(r) * norms[0] * norms[1], distances.max()))
    if orders > COUNTED:
        return replace(blank, difference=r, p=(far + 1) / (DRAWN + 1), smallest_p=1 / (DRAWN + 1))
    return replace(blank, difference=r, p=far / orders, smallest_p=farthest / orders)  # of ranks the reverse order is as far


def _all_sums(centred: "Centred") -> "NDArray[np.float64]":
    """Return the sum of products of every order of y within each block."""
    from itertools import permutations

    import numpy as np

    sums = np.zeros(1)
    for x, y in centred:
        of_block = np.array([x @ np.array(order) for order in permutations(y)])
        sums = (sums[:, None] + of_block[None, :]).ravel()
    return sums


def _drawn_sums(centred: "Centred") -> "NDArray[np.float64]":
    """Return the same of orders that are drawn."""
    import numpy as np

    rng = np.random.default_rng(0)
    sums = np.zeros(DRAWN)
    for x, y in centred:
        sums += rng.permuted(np.tile(y, (DRAWN, 1)), axis=1) @ x
    return sums
