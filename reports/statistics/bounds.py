"""Whether an effect lies above or below an edge, read off the two-sided interval."""

import math

from bench.reports.statistics.comparison import Comparison
from bench.reports.statistics.exact import sign_flip_above


def above(c: Comparison, edge: float = 0.0) -> float | None:
    """Return the p, on the two-sided scale, of the hypothesis that the effect does not lie above an edge.

    It is twice the one-sided p, and at most 1: at most alpha exactly where the interval at confidence 1 - alpha lies above the
    edge. A sign-flip comparison counts signs instead, also without spread; where the spread is below the metric's step, p is the
    larger one of both, unless the estimate is ten steps or more from the edge. A correlation of 1, which has no interval, keeps
    its own p.
    edge: on the scale tested, as `edge_of` puts it: 0 is no effect. ValueError where it is not finite.
    None where the comparison was not tested.
    """
    return _beyond_edge(c, edge, 1)


def below(c: Comparison, edge: float = 0.0) -> float | None:
    """Return the p, on the two-sided scale, of the hypothesis that the effect does not lie below an edge; as in `above`."""
    return _beyond_edge(c, edge, -1)


def edge_of(c: Comparison, margin: float) -> float:
    """Return a margin on the scale tested.

    margin: 0 or above, in the metric's unit; of a ratio .1 means times 1.1; of a correlation r itself, below 1. ValueError
    where it is out of range.
    """
    if not (margin >= 0 and math.isfinite(margin)):
        raise ValueError(f"a margin must be a finite number of at least 0, not {margin}")
    if c.ratio:
        return math.log1p(margin)
    if c.correlates and margin >= 1:
        raise ValueError(f"a margin of a correlation must be below 1, not {margin}")
    return c.tested(margin)


def sign_tail(c: Comparison, edge: float, side: int) -> float | None:
    """Return the exact one-sided sign-flip p that the effect lies beyond an edge: above (side 1) or below it (-1)."""
    distances = {seed: side * (c.tested(delta) - edge) for seed, delta in c.deltas.items()}
    return sign_flip_above(distances, max(c.scale, abs(edge)))


def _beyond_edge(c: Comparison, edge: float, side: int) -> float | None:
    if not math.isfinite(edge):
        raise ValueError(f"an edge must be a finite number, not {edge}")
    if c.p is None or c.difference is None:
        return None
    tails: list[float | None] = []
    t = c.studentised(edge)
    if t is not None and math.isinf(t):  # a rank correlation of 1 or -1
        return c.p if t * side > 0 else 1.0
    if t is None and c.correlates and edge == 0:  # its points were exchanged: there is a p, and no interval
        return c.p if c.difference * side > 0 else 1.0
    if t is not None and c.test != "sign-flip":
        tails.append(c.tail(side * t))
    if c.counts_signs(edge):
        tails.append(sign_tail(c, edge, side))
    known = [tail for tail in tails if tail is not None]
    return min(1.0, 2 * max(known)) if known else None
