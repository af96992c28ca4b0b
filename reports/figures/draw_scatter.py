"""Points with their least-squares line."""

import math

from bench.reports.figures.data import Scatter, ScatterPanel
from bench.reports.figures.drawing.sheet import NOTHING, Sheet
from bench.reports.figures.drawing.style import GREY, INK, SMALL, WIDTH, colour
from bench.reports.figures.drawing.text import rows, wrap

TALL = 2.4
"""Inches of a panel."""
ACROSS = 2
"""Most panels side by side."""


def draw(data: Scatter):
    """Return the drawing: a panel each, two side by side."""
    if not any(panel.points for panel in data.panels):
        sheet = Sheet(0.4, notes=data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    across = min(ACROSS, len(data.panels))
    down = math.ceil(len(data.panels) / across)
    wide = WIDTH / across - 0.6
    told = [[text for text in (panel.label, panel.told) if text] for panel in data.panels]
    titles = ["\n".join(wrap(text, wide, SMALL, most=2) for text in texts) for texts in told]
    sheet = Sheet(down * (TALL + 0.3 + 0.14 * max(map(rows, titles))), notes=data.notes)
    grid = sheet.grid(down, across)
    for ax in grid.flat[len(data.panels) :]:
        ax.set_visible(False)
    for ax, panel, title in zip(grid.flat, data.panels, titles, strict=False):
        _panel(ax, data, panel)
        ax.set_title(title, size=SMALL)
        ax.set_xlabel(wrap(data.x, wide, most=2))
    for line in grid:
        line[0].set_ylabel(wrap(data.y, TALL, most=2))
    return sheet.figure


def _panel(ax, data: Scatter, panel: ScatterPanel) -> None:
    (first, last), vertical = data.ranges
    ax.set_xlim(first, last)
    ax.set_ylim(*vertical)
    ax.grid()
    if not panel.points:
        ax.text(0.5, 0.5, NOTHING, transform=ax.transAxes, ha="center", va="center", color=GREY)
        return
    if panel.line:
        slope, intercept = panel.line
        ends = [min(x for x, _ in panel.points), max(x for x, _ in panel.points)]
        ax.plot(ends, [slope * x + intercept for x in ends], color=INK, linewidth=1, zorder=2)
    ax.plot(*zip(*panel.points, strict=True), "o", color=colour(0), markersize=3.5, markeredgewidth=0, alpha=0.75, zorder=3)
