"""Ranks of values that are equal but for their rounding."""

from collections.abc import Sequence

from bench.reports.statistics.moments import RESOLUTION


def midranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, 1 the smallest; equal values share the mean of their ranks.

    Neighbours closer than the rounding of the largest value are equal, so that 0.3 and 0.1 + 0.2 tie.
    """
    slack = RESOLUTION * max(map(abs, values), default=0.0)
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0.0] * len(values)
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or values[order[end]] - values[order[end - 1]] > slack:
            for i in order[start:end]:
                ranks[i] = (start + 1 + end) / 2
            start = end
    return ranks
