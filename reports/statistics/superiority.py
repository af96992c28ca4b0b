"""How often one arm is above another."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping

from bench.reports.statistics.moments import RESOLUTION


def superiority(a: Mapping[int, float], b: Mapping[int, float], *, paired: bool = True) -> float | None:
    """Return P(A > B), the share of pairs of values in which a's is the larger; ties, equal but for rounding, count half.

    paired: the pairs are the seeds that both arms have; else every seed of one with every seed of the other.
    None where there is no pair, or a value is not finite.
    Source: McGraw and Wong (1992), A common language effect size statistic; Vargha and Delaney (2000), for ties.
    """
    seeds = sorted(a.keys() & b.keys())
    left, right = ([arm[seed] for seed in seeds] if paired else sorted(arm.values()) for arm in (a, b))
    if not left or not right or not all(map(math.isfinite, left + right)):
        return None
    slack = RESOLUTION * max(map(abs, left + right))
    if paired:
        above = [(x - y > slack) + (x - y >= -slack) for x, y in zip(left, right, strict=True)]
        return sum(above) / (2 * len(above))
    halves = sum(bisect_left(right, x - slack) + bisect_right(right, x + slack) for x in left)
    return halves / (2 * len(left) * len(right))
