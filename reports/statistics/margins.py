"""Whether an effect lies inside a margin."""

from bench.reports.statistics.bounds import edge_of, sign_tail
from bench.reports.statistics.comparison import Comparison


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
