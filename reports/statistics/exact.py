"""Exact tests that count every arrangement of the data, and the smallest p-values that they can give."""

import math
from bisect import bisect_left
from collections.abc import Mapping

from bench.reports.statistics.moments import RESOLUTION

EXACT_MOST = 20
"""The most seeds whose sign patterns are counted."""


def sign_flip(deltas: Mapping[int, float], scale: float = 0.0) -> float | None:
    """Return the exact two-sided p of the sign-flip test on the sum of per-seed quantities; None of no seed or more than 20.

    It is the share of the 2^n patterns of signs whose sum is at least as far from 0 as the one observed.
    scale: the size of the values that the quantities are differences of; sums that are equal but for its rounding are ties.
    Source: Fisher (1935), The Design of Experiments, section 21.
    """
    if not 1 <= len(deltas) <= EXACT_MOST:
        return None
    observed, slack = abs(math.fsum(deltas.values())), _slack(deltas, scale)
    if observed <= slack:
        return 1.0
    return 2 * _share_of_patterns(deltas, observed - slack)


def sign_flip_above(deltas: Mapping[int, float], scale: float = 0.0) -> float | None:
    """Return the exact one-sided p of the sign-flip test that the quantities lie above 0; None as in `sign_flip`."""
    if not 1 <= len(deltas) <= EXACT_MOST:
        return None
    return _share_of_patterns(deltas, math.fsum(deltas.values()) - _slack(deltas, scale))


def smallest_sign_flip(n: int) -> float | None:
    """Return the smallest two-sided p of a sign-flip test on n seeds; None below one seed."""
    return 2.0 ** (1 - n) if n >= 1 else None


def smallest_permutation(n: int, m: int) -> float | None:
    """Return the smallest two-sided p, twice the smaller tail, of a permutation test of n seeds against m others.

    None where a side is empty.
    """
    return min(1.0, 2 / math.comb(n + m, n)) if min(n, m) >= 1 else None


def _slack(deltas: Mapping[int, float], scale: float) -> float:
    return RESOLUTION * max(scale, *map(abs, deltas.values()), 0.0)


def _share_of_patterns(deltas: Mapping[int, float], least: float) -> float:
    """Return the share of the 2^n patterns of signs whose sum is `least` or more.

    Every sum is one of the first half's plus one of the second half's, so that 2^(n/2) sums are sorted instead of 2^n.
    """
    values = list(deltas.values())
    first, second = ([0.0], [0.0])
    for value in values[::2]:
        first = [total + sign for total in first for sign in (value, -value)]
    for value in values[1::2]:
        second = [total + sign for total in second for sign in (value, -value)]
    second.sort()
    return sum(len(second) - bisect_left(second, least - total) for total in first) / (1 << len(values))
