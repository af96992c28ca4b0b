"""Whether any of k arms differs, by the orders of the values within each seed: no distribution is assumed."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from bench.reports.statistics.comparison import Comparison
from bench.reports.statistics.moments import RESOLUTION, unusable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COUNTED = 2_000_000
"""The most arrangements that are counted."""
DRAWN = 20_000
"""The arrangements that are drawn where there are more; always the same ones."""


def any_difference(blocks: Sequence[Sequence[float]], seeds: Sequence[int]) -> Comparison:
    """Test whether k arms differ, [n][k] values of n seeds (blocks), by the orders of the values within the blocks.

    The p is the share of the arrangements whose arm means are at least as far apart, by the sum of their squared distances from
    the overall mean; with more than two million arrangements the share of 20,000 drawn ones and the data's own. With two arms it
    is the sign-flip test. seeds: the number of each block.
    Returns a Comparison without interval: `difference` is the largest less the smallest arm mean, `deltas` that of these two arms
    by seed. The reason says why there is no p: fewer than two seeds or arms, values not finite.
    ValueError where the blocks differ in length, or their number from that of the seeds.
    Source: Fisher (1935), The Design of Experiments, section 21; Phipson and Smyth (2010), Permutation p-values should never be
    zero, for those that are drawn.
    """
    import numpy as np

    n = len(blocks)
    if len({len(block) for block in blocks}) > 1:
        raise ValueError("blocks must all have the same number of arms")
    if len(seeds) != n:
        raise ValueError(f"there are {n} blocks and {len(seeds)} seeds")
    k = len(blocks[0]) if n else 0
    blank = Comparison(n, test="permutation")
    if n < 1 or k < 2:
        return replace(blank, reason="no seed; a test needs two" if n < 1 else "fewer than two arms")
    for arm in zip(*blocks, strict=True):
        if reason := unusable(dict(zip(seeds, arm, strict=True))):
            return replace(blank, reason=reason)
    values = np.asarray(blocks, dtype=float)
    means = values.mean(axis=0)
    top, bottom = int(means.argmax()), int(means.argmin())
    deltas = dict(zip(seeds, (values[:, top] - values[:, bottom]).tolist(), strict=True))
    result = replace(blank, difference=float(means[top] - means[bottom]), deltas=deltas, scale=float(np.abs(values).max()))
    if n < 2:
        return replace(result, reason="one seed; a test needs two")
    slack = RESOLUTION * max(result.scale, float(np.ptp(values, axis=1).max()))
    own = values - values.mean(axis=1)[:, None]
    least = float(_apart(own.sum(axis=0))) - slack
    log_count = (n - 1) * math.lgamma(k + 1)  # one block may keep its order: only which arm is which would change
    if log_count <= math.log(COUNTED) + RESOLUTION:
        return replace(result, p=_counted(own, least), smallest_p=math.exp(-log_count))
    return replace(result, p=_drawn(own, least), smallest_p=1 / (DRAWN + 1))


def _apart(sums: "Floats") -> "Floats":
    """Return how far the arms are apart by their sums over the seeds, [..., k]; of two arms the difference of the sums."""
    import numpy as np

    unit = float(np.abs(sums).max()) or 1.0  # squares of tiny or huge values neither vanish nor overflow
    apart: Floats = unit * np.sqrt(2 * ((sums / unit) ** 2).sum(axis=-1))
    return apart


def _counted(values: "Floats", least: float) -> float:
    """Return the share of all arrangements that are at least so far apart."""
    import numpy as np

    sums = values[:1]
    for block in values[1:-1]:
        sums = (sums[:, None, :] + np.array(list(permutations(block)))[None, :, :]).reshape(-1, values.shape[1])
    few, many = sorted((sums, np.array(list(permutations(values[-1])))), key=len)  # the last step need not fit in memory
    far = sum(int((_apart(many + row) >= least).sum()) for row in few)
    return far / (len(few) * len(many))


def _drawn(values: "Floats", least: float) -> float:
    """Return the share of arrangements drawn at random, with the data's own, that are at least so far apart."""
    import numpy as np

    random = np.random.default_rng(0)
    sums = np.zeros((DRAWN, values.shape[1]))
    for block in values:
        sums += random.permuted(np.tile(block, (DRAWN, 1)), axis=1)
    return (int((_apart(sums) >= least).sum()) + 1) / (DRAWN + 1)
