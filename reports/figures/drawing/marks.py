"""Marks that several kinds of figures share: intervals, seeds, and the ticks of logarithmic axes."""

import math
from collections.abc import Mapping, Sequence

from bench.reports.figures.drawing.style import INK, SMALL, SPREAD
from bench.reports.figures.drawing.text import width, wrap
from bench.reports.figures.ranges import Range

ARROW = 4.0
LEVEL = 1.2
"""Most inches of a level's name."""
NICE = (1, 1.5, 2, 3, 5, 7)


def whisker(ax, at: float, low: float, high: float, tone: str) -> None:
    """Draw an interval from left to right; where it goes on beyond the axis, an arrowhead stands at the axis's end."""
    first, last = ax.get_xlim()
    ax.plot([max(low, first), min(high, last)], [at, at], color=tone, linewidth=1.3, zorder=3)
    for cut, end, arrow in ((low < first, first, "<"), (high > last, last, ">")):
        if cut:
            ax.plot([end], [at], arrow, markersize=ARROW, color=tone, markeredgewidth=0, clip_on=False, zorder=3)


def whiskers(ax, intervals: Sequence[tuple[float, float | None, float | None]], *, arrows: bool, tone: str = INK) -> None:
    """Draw upright intervals (place, low, high); what goes on beyond the axis ends at it, with an arrowhead if so wished."""
    first, last = ax.get_ylim()
    known = [(at, low, high) for at, low, high in intervals if low is not None and high is not None]
    if not known:
        return
    places, lows, highs = zip(*known, strict=True)
    ends = [max(low, first) for low in lows], [min(high, last) for high in highs]
    ax.vlines(places, *ends, color=tone, linewidth=0.8, zorder=3)
    if arrows:
        for end, arrow, cut in (
            (first, "v", [at for at, low, _ in known if low < first]),
            (last, "^", [at for at, _, high in known if high > last]),
        ):
            if cut:
                ax.plot(cut, [end] * len(cut), arrow, markersize=ARROW, color=INK, markeredgewidth=0, clip_on=False, zorder=3)


def seeds(ax, x, y, tone: str, size: float = 3.0) -> None:
    """Draw a small dot a seed."""
    if len(x):  # an empty line that is not clipped would be given room without end
        ax.plot(x, y, "o", markersize=size, color=tone, alpha=SPREAD, markeredgewidth=0, zorder=2, clip_on=False)


def seeds_on(ax, x, y, tone: str = INK) -> None:
    """Draw a small dot a seed where it must stand out from what is behind it."""
    if x:
        ax.plot(x, y, "o", markersize=2.8, color=tone, markeredgecolor="white", markeredgewidth=0.35, clip_on=False, zorder=4)


def levels_below(ax, places: Mapping[str, float], wide: float) -> None:
    """Write levels below an axis of some inches at their places: those that fit, from the left, and the last one; the others
    have a tick alone."""
    first, last = ax.get_xlim()
    each = min(LEVEL, wide / min(len(places), 4))
    texts = {level: wrap(level, each, SMALL, most=2) for level in places}
    ends: dict[str, tuple[float, float]] = {}
    for level, text in texts.items():
        half = max(width(line, SMALL) for line in text.split("\n")) / 2 + 0.03
        middle = (places[level] - first) / (last - first) * wide
        ends[level] = middle - half, middle + half
    *others, end = places
    kept: list[str] = []
    for level in others:
        if (not kept or ends[kept[-1]][1] <= ends[level][0]) and ends[level][1] <= ends[end][0]:
            kept.append(level)
    named = [*kept, end]
    ax.set_xticks([places[level] for level in named], [texts[level] for level in named])
    ax.set_xticks([places[level] for level in others if level not in named], minor=True)


def amount(value: float) -> str:
    """Return a number as a tick of an axis has it, large ones in thousands (k), millions (M) and billions (G)."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == 'k' else size):.4g} {letter}".replace("-", "−")
    return f"{value:.4g}".replace("-", "−")


def ticks(axis: Range) -> list[float]:
    """Return some four to seven readable places on a logarithmic axis."""
    low, high = axis
    decades = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 2)
    for steps in ((1,), (1, 3), (1, 2, 5), NICE):
        places = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if len(places) >= 4:
            return places[:: math.ceil(len(places) / 7)]
    step = 10.0 ** math.floor(math.log10((high - low) / 3))
    step *= max(factor for factor in (1, 2, 5) if factor * step <= (high - low) / 3 or factor == 1)
    return [round(n * step, 12) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
