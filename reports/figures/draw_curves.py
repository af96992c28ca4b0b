"""Learning curves: the mean over seeds with its interval as a band, and few seeds as thin lines."""

import math

from bench.reports.figures.data import Curve, Curves
from bench.reports.figures.drawing.sheet import NOTHING, Key, Sheet
from bench.reports.figures.drawing.style import WIDTH, colour, dash, marker
from bench.reports.figures.drawing.text import wrap

TALL = 1.75
"""Inches of a panel."""
ACROSS = 3
"""Most panels side by side."""
BAND = 0.16
"""Opacity of a band."""


def draw(data: Curves):
    """Return the drawing of learning curves: a column a panel, a row a metric; further panels follow below."""
    across = min(ACROSS, len(data.panels)) or 1
    parts = [data.panels[first : first + across] for first in range(0, len(data.panels), across)]
    empty = [
        arm.label for arm in data.arms if not any(one.seeds for (_, _, arm_), one in data.curves.items() if arm_ == arm.label)
    ]
    key = Key(data.arm_title, data.arms, "line", empty)
    down = len(parts) * len(data.metrics)
    if not any(one.seeds for one in data.curves.values()):
        sheet = Sheet(0.4, key, data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    titled = any(data.panels)
    sheet = Sheet(down * TALL + len(parts) * (0.25 + 0.15 * titled), key, data.notes)
    grid = sheet.grid(down, across)
    last = max((step for one in data.curves.values() for points in one.seeds for step, _ in points), default=1)
    for number, panels in enumerate(parts):
        for place, metric in enumerate(data.metrics):
            line = grid[number * len(data.metrics) + place]
            for ax, panel in zip(line, panels, strict=False):
                _panel(ax, data, metric, panel, last)
                if place == 0 and titled:
                    ax.set_title(wrap(panel, WIDTH / across - 0.5, most=2))
                if place == len(data.metrics) - 1:
                    ax.set_xlabel("epoch")
                else:
                    ax.tick_params(labelbottom=False)
                if ax is not line[0]:
                    ax.tick_params(labelleft=False)
            line[0].set_ylabel(wrap(metric, TALL, most=2))
            for ax in line[len(panels) :]:
                ax.set_visible(False)
    sheet.figure.align_ylabels()
    return sheet.figure


def _panel(ax, data: Curves, metric: str, panel: str, last: int) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_ylim(*data.ranges[metric])
    pad = 0.03 * max(last - 1, 1)
    ax.set_xlim(1 - pad, last + pad)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.grid(axis="y")
    found = [(arm.place, one) for arm in data.arms if (one := data.curves.get((metric, panel, arm.label))) and one.seeds]
    for place, one in found:
        _curve(ax, one, place, data.singles)
    if not found:
        ax.text(0.5, 0.5, NOTHING, transform=ax.transAxes, ha="center", va="center")


def _curve(ax, one: Curve, place: int, singles: bool) -> None:
    tone = colour(place)
    if singles and len(one.seeds) > 1:
        for points in one.seeds:
            steps, values = zip(*points, strict=True)
            ax.plot(steps, values, color=tone, linewidth=0.5, alpha=0.55, zorder=2)
    low, high = ([math.nan if value is None else value for value in ends] for ends in (one.low, one.high))
    ax.fill_between(one.steps, low, high, color=tone, alpha=BAND, linewidth=0, zorder=1)
    single = {"marker": marker(place), "markersize": 4} if len(one.steps) == 1 else {}
    ax.plot(one.steps, one.mean, color=tone, linewidth=1.6, linestyle=dash(place), zorder=3, **single)
