"""Tests against a margin: whether an effect lies inside it, or beyond it."""

import math

from bench.reports.statistics.bounds import edge_of, sign_tail
from bench.reports.statistics.comparison import Comparison
from bench.reports.statistics.exact import sign_flip


def equivalence(c: Comparison, margin: float) -> float | None:
    """Return the p of the hypothesis that the effect is as large as the margin or larger (two one-sided tests, TOST).

    It is the larger of the two one-sided p-values: at most alpha exactly where the interval at confidence 1 - 2 alpha lies
    inside the margin. A sign-flip comparison must pass the exact one-sided tests as well, and gets the larger p; without spread
    these alone.
    margin: above 0, in the metric's unit; of a ratio .1 means between 1 / 1.1 and 1.1; of a correlation r itself, below 1.
    None where the comparison was not tested. ValueError where the margin is out of range.
    Source: Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach.
    """
    edge = edge_of(c, margin)
    if edge == 0:
        raise ValueError("an equivalence margin must be above 0")
    if c.p is None:
        return None
    tails: list[float | None] = []
    low, high = c.studentised(-edge), c.studentised(edge)
    if low is not None and high is not None:
        tails += [c.tail(low), c.tail(-high)]
    tails += [sign_tail(c, side * -edge, side) for side in (1, -1) if c.counts_signs(side * -edge)]
    return max((tail for tail in tails if tail is not None), default=None)


def beyond(c: Comparison, margin: float) -> float | None:
    """Return the two-sided p of the hypothesis that the effect lies within the margin, tested at the nearer edge.

    1.0 where the estimate itself lies within; the comparison's own p with margin 0. By the comparison's own test, so a
    sign-flip test stays exact. margin: as in `equivalence`, or 0. None where the comparison was not tested.
    """
    edge = edge_of(c, margin)
    if c.p is None or edge == 0:
        return c.p
    if c.difference is None:
        return None
    middle = c.tested(c.difference)
    if abs(middle) <= edge:
        return 1.0
    nearer = math.copysign(edge, middle)
    if c.test == "sign-flip":
        return sign_flip({seed: c.tested(delta) - nearer for seed, delta in c.deltas.items()}, c.scale)
    t = c.studentised(nearer)
    if t is None:
        return None
    p = 2 * c.tail(abs(t))
    # Fisher's z knows no error at r = 1; an effect beyond the margin is never surer than one beyond 0
    return max(p, c.p) if c.correlates else p
