"""Names along the x axis, with what belongs to each standing upright above it; many names go on in further lines below."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from bench.reports.figures.drawing.sheet import Key, Sheet
from bench.reports.figures.drawing.style import INK, LINE, SMALL, WIDTH
from bench.reports.figures.drawing.text import lines_of, rows, width, wrap
from bench.reports.figures.parts import PlotArm
from bench.reports.figures.ranges import Range

MOST = 60
"""Most marks, counting the gap between names as one, in a line."""
LABEL = 0.9
"""Most inches of a name where it stands upright."""
ROOM = WIDTH - 0.65
"""Inches between a panel's ends."""
SHARE = 0.86
"""Of the room between two names, what the arms take."""


class Panel(NamedTuple):
    title: str
    quantity: str
    range: Range


Paint = Callable[[object, int, PlotArm, Mapping[str, float], float], None]
"""(axes, number of the panel, arm, name → place, width of a mark) draws an arm."""


def draw(
    names: Sequence[str],
    panels: Sequence[Panel],
    arms: Sequence[PlotArm],
    key: Key | None,
    notes: Sequence[str],
    tall: float,
    paint: Paint,
    axis: str = "",
):
    """Return the drawing: a row of axes a panel (several, where not all names fit), each `tall` inches without its labels.

    axis: what the names are, to stand below them. names and arms: at least one of each.
    """
    slots = len(arms) + (len(arms) > 1)
    lines = math.ceil(len(names) / max(1, MOST // slots))
    each = math.ceil(len(names) / lines)
    parts = [names[first : first + each] for first in range(0, len(names), each)]
    labels, upright = _labels(names, each)
    below = max(width(text, SMALL) for text in labels.values()) if upright else LINE * max(map(rows, labels.values()))
    titled = any(panel.title for panel in panels)
    down = len(panels) * len(parts)
    sheet = Sheet(down * (tall + below + 0.1) + len(panels) * 0.2 * (titled + bool(axis)), key, notes)
    wide = SHARE / len(arms)
    for number, ax in enumerate(sheet.grid(down, 1)[:, 0]):
        panel, part = panels[number // len(parts)], parts[number % len(parts)]
        ax.set_ylim(*panel.range)
        ax.grid(axis="y")
        ax.tick_params(axis="x", length=0)
        if panel.range[0] < 0:
            ax.axhline(0, color=INK, linewidth=0.6)
        for place, arm in enumerate(arms):
            at = {name: i + (place - (len(arms) - 1) / 2) * wide for i, name in enumerate(part)}
            paint(ax, number // len(parts), arm, at, wide)
        ax.set_xlim(-0.5, each - 0.5)
        ax.set_xticks(range(len(part)), [labels[name] for name in part], rotation=90 if upright else 0, color=INK)
        ax.set_ylabel(wrap(panel.quantity, tall, most=2))
        if titled and number % len(parts) == 0:
            ax.set_title(wrap(panel.title, ROOM, most=2))
        if axis and part is parts[-1]:
            ax.set_xlabel(wrap(axis, ROOM, most=1))
    return sheet.figure


def _labels(names: Sequence[str], each: int) -> tuple[dict[str, str], bool]:
    """Return the labels, and whether they stand upright because they are too wide for their places."""
    flat = {name: lines_of(name, ROOM / each - 0.02, SMALL) for name in names}
    if any(len(lines) > 2 or any(_broken(name, *ends) for ends in pairwise(lines)) for name, lines in flat.items()):
        return {name: wrap(name, LABEL, SMALL, most=1) for name in names}, True
    return {name: "\n".join(lines) for name, lines in flat.items()}, False


def _broken(name: str, end: str, start: str) -> bool:
    """Whether a line break stands within a word."""
    return f"{end}{start}" in name and end[-1:].isalnum() and start[:1].isalnum()
