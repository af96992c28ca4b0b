"""Correction for the number of tests in a family. A test that was not done, None, does not count."""

from collections.abc import Sequence

from bench.reports.statistics.comparison import check_share


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted by Holm's step-down procedure, in the order given. None stays None and does not count.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6.
    """
    tested = _ascending(p)
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for rank, (value, i) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * value))
        adjusted[i] = highest
    return adjusted


def holm_levels(p: Sequence[float | None], alpha: float) -> list[float]:
    """Return the level at which Holm's procedure reads each hypothesis, in the order given: it is rejected where p <= level.

    Of m hypotheses the smallest p is read at alpha / m, the next at alpha / (m - 1), and so on while they are rejected; the
    first that is not gives its level to all after it. What is None gets alpha / m, or alpha where nothing counts.
    ValueError unless 0 < alpha < 1. Source: as of `holm`.
    """
    check_share("alpha", alpha)
    tested = _ascending(p)
    levels = [alpha / max(1, len(tested))] * len(p)
    left, stopped = len(tested), False
    for value, i in tested:
        levels[i] = alpha / left
        stopped = stopped or value > levels[i]
        left -= not stopped
    return levels


def benjamini_hochberg(p: Sequence[float | None]) -> list[float | None]:
    """Return p-values adjusted for the false discovery rate, in the order given. None stays None and does not count.

    Source: Benjamini and Hochberg (1995), Controlling the false discovery rate, Journal of the Royal Statistical Society B 57.
    """
    tested = _ascending(p)
    adjusted: list[float | None] = [None] * len(p)
    lowest = 1.0
    for rank in range(len(tested), 0, -1):
        value, i = tested[rank - 1]
        lowest = min(lowest, len(tested) / rank * value)
        adjusted[i] = lowest
    return adjusted


def _ascending(p: Sequence[float | None]) -> list[tuple[float, int]]:
    """Return the p-values that there are, the smallest first, each with its place."""
    return sorted((value, i) for i, value in enumerate(p) if value is not None)
