"""How far an axis reaches: over every value, but not to the end of an interval that would squeeze the values together."""

import math
from collections.abc import Iterable

Range = tuple[float, float]
"""The two ends of an axis."""
SHARE: Range = (0.0, 1.0)
MOST = 1.0
"""How far the axis follows intervals beyond the values, in widths of the values' span."""
ANY: Range = (-math.inf, math.inf)
"""Of what may be any number."""
PAD = 0.05
TINY = 1e-300
"""A share of a smaller number may be none."""


def axis_range(
    values: Iterable[float],
    intervals: Iterable[tuple[float | None, float | None]] = (),
    ratio: bool = False,
    bounds: Range = ANY,
) -> Range:
    """Return the ends of an axis that shows all values, and intervals as far as they leave room for the values.

    ratio: of a logarithmic axis; values there are above 0. bounds: the lowest and the highest number that there can be, beyond
    which the axis goes for the sake of a value alone.
    """
    to, back = (math.log, math.exp) if ratio else (float, float)
    known = [to(value) for value in values if math.isfinite(value) and not (ratio and value <= 0)]
    if not known:
        return (0.5, 2.0) if ratio else (0.0, 1.0)
    low, high = least, most = min(known), max(known)
    span = high - low
    if span <= 1e-9 * max(abs(low), abs(high)):
        size = 1.0 if ratio else max(abs(low), abs(high))
        span = 0.1 * (size if size > TINY else 1.0)
    first, last = low - MOST * span, high + MOST * span
    for start, end in intervals:
        if start is not None and end is not None:
            low = min(low, max(_log(start) if ratio else start, first))
            high = max(high, min(_log(end) if ratio else end, last))
    pad = PAD * max(high - low, span)
    if ratio:
        return back(low - pad), back(high + pad)
    return max(low - pad, min(bounds[0], least)), min(high + pad, max(bounds[1], most))


def is_cut(axis: Range, low: float | None, high: float | None) -> bool:
    """Whether an interval goes on beyond the ends of its axis."""
    return low is not None and high is not None and (low < axis[0] or high > axis[1])


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
