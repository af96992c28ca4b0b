"""The forest of claims on the first screen: of each claim its intervals, drawn in the row that names it."""

import math
from html import escape

from bench.reports.figures.ranges import Range, is_cut
from bench.reports.layout.summary import SummaryGroup, SummaryRow
from bench.reports.numbers import digits, number

WIDTH = 220
HEIGHT = 18
"""Of a row with one interval, in pixels."""
STEP = 4
"""Between two intervals of a row, where there are many."""
MOST = 44
"""Of a row with many intervals, in pixels."""


def bar(row: SummaryRow, group: SummaryGroup, label: str) -> str:
    """Return the intervals of a claim as an SVG drawing, "" where there are none. label: what a screen reader says of it."""
    parts = [part for part in row.parts if part.result.difference is not None]
    if not parts:
        return ""
    height = max(HEIGHT, min(MOST, STEP * (len(parts) + 1)))
    place = _Axis(group)
    drawn = []
    if row.band:
        start, end = (place(value) for value in row.band)
        drawn.append(f'<rect class="band" x="{start:.1f}" width="{end - start:.1f}" height="{height}"/>')
    reference = place(parts[0].reference)
    drawn.append(f'<path class="zero" d="M{reference:.1f} 0V{height}"/>')
    for i, part in enumerate(parts):
        y = height * (i + 1) / (len(parts) + 1)
        low, high, estimate = part.result.ci_low, part.result.ci_high, part.result.difference
        if low is not None and high is not None:
            drawn.append(f'<path d="M{place(low):.1f} {y:.1f}H{place(high):.1f}"/>')
            if is_cut(group.range, low, high):
                drawn.append(_arrowheads(group, low, high, y))
        if estimate is not None:
            strong = part.holm is not None and part.holm <= row.alpha
            radius = 3.5 if len(parts) == 1 else 2
            kind = "" if strong else ' class="weak"'
            drawn.append(f'<circle{kind} cx="{place(estimate):.1f}" cy="{y:.1f}" r="{radius}"/>')
    return (
        f'<svg class="bar" role="img" aria-label="{escape(label)}" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}">{"".join(drawn)}</svg>'
    )


def axis(group: SummaryGroup) -> str:
    """Return the numbers at the ends of an axis, and at what estimates are held against where all share it."""
    references = {part.reference for row in group.rows for part in row.parts}
    low, high = group.range
    places = digits(max(abs(low), abs(high)), 2)
    marks = [(0.0, "start", low), (float(WIDTH), "end", high)]
    if len(references) == 1 and WIDTH * 0.25 < (at := _Axis(group)(reference := references.pop())) < WIDTH * 0.75:
        marks.insert(1, (at, "middle", reference))
    texts = "".join(
        f'<text x="{x:.1f}" y="12" text-anchor="{anchor}">{number(value, places if value not in (0, 1) else 0)}</text>'
        for x, anchor, value in marks
    )
    return f'<svg class="bar" aria-hidden="true" viewBox="0 0 {WIDTH} 16" width="{WIDTH}" height="16">{texts}</svg>'


def _arrowheads(group: SummaryGroup, low: float, high: float, y: float) -> str:
    """Return the marks of an interval that goes on beyond the axis."""
    left = f'<path d="M5 {y - 3:.1f}L1 {y:.1f}L5 {y + 3:.1f}"/>' if low < group.range[0] else ""
    right = f'<path d="M{WIDTH - 5} {y - 3:.1f}L{WIDTH - 1} {y:.1f}L{WIDTH - 5} {y + 3:.1f}"/>'
    return left + (right if high > group.range[1] else "")


class _Axis:
    """From values to pixels; what lies beyond an end is put there."""

    def __init__(self, group: SummaryGroup):
        self.range: Range = group.range
        self.ratio = group.ratio

    def __call__(self, value: float) -> float:
        low, high = self.range
        value = min(max(value, low), high)
        if self.ratio:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return WIDTH * (value - low) / (high - low)
