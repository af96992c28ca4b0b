"""Tests against a margin: whether an effect lies inside it, or beyond it."""

import math

from bench.reports.statistics.comparison import Comparison
from bench.reports.statistics.exact import sign_flip, sign_flip_above


def equivalence(c: Comparison, margin: float) -> float | None:
    """Return the p of the hypothesis that the effect is as large as the margin or larger (two one-sided tests, TOST).

    It is the larger of the two one-sided p-values: at most alpha exactly where the interval at confidence 1 - 2 alpha lies
    inside the margin. A sign-flip comparison must pass the exact one-sided tests as well, and gets the larger p; without spread
    these alone.
    margin: above 0, in the metric's unit; of a ratio .1 means between 1 / 1.1 and 1.1; of a correlation r itself, below 1.
    None where the comparison was not tested. ValueError where the margin is out of range.
    Source: Schuirmann (1987), A comparison of the two one-sided tests procedure and the power approach.
    """
    edge = _edge(c, margin)
    if edge == 0:
        raise ValueError("an equivalence margin must be above 0")
    if c.p is None:
        return None
    tails: list[float | None] = []
    if c.scaled is not None:
        middle, error = c.scaled
        tails += [c.tail((middle + edge) / error), c.tail((edge - middle) / error)]
    if c.test == "sign-flip":
        above_low = {seed: c.tested(delta) + edge for seed, delta in c.deltas.items()}
        below_high = {seed: edge - c.tested(delta) for seed, delta in c.deltas.items()}
        tails += [sign_flip_above(above_low, c.scale), sign_flip_above(below_high, c.scale)]
    return max((tail for tail in tails if tail is not None), default=None)


def beyond(c: Comparison, margin: float) -> float | None:
    """Return the two-sided p of the hypothesis that the effect lies within the margin, tested at the nearer edge.

    1.0 where the estimate itself lies within; the comparison's own p with margin 0. By the comparison's own test, so a
    sign-flip test stays exact. margin: as in `equivalence`, or 0. None where the comparison was not tested.
    """
    edge = _edge(c, margin)
    if c.p is None or edge == 0:
        return c.p
    if c.difference is None:
        return None
    middle = c.tested(c.difference)
    if abs(middle) <= edge:
        return 1.0
    if c.test == "sign-flip":
        nearer = math.copysign(edge, middle)
        return sign_flip({seed: c.tested(delta) - nearer for seed, delta in c.deltas.items()}, c.scale)
    if c.error is None:
        return None
    error = c.error
    p = 2 * c.tail((abs(middle) - edge) / error)
    # Fisher's z knows no error at r = 1; an effect beyond the margin is never surer than one beyond 0
    return max(p, c.p) if c.correlates else p


def _edge(c: Comparison, margin: float) -> float:
    """Return the margin on the scale tested."""
    if not (margin >= 0 and math.isfinite(margin)):
        raise ValueError(f"a margin must be a finite number of at least 0, not {margin}")
    if c.ratio:
        return math.log1p(margin)
    if c.correlates and margin >= 1:
        raise ValueError(f"a margin of a correlation must be below 1, not {margin}")
    return c.tested(margin)
