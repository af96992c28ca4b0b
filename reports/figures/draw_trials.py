"""All trials of a search: validation bold, training thin, and the key beside them."""

import math
from collections.abc import Sequence

from bench.reports.figures.data_trials import Course, Trials
from bench.reports.figures.drawing.sheet import NOTHING, Sheet
from bench.reports.figures.drawing.style import GREY, SMALL, WIDTH, colour, dash
from bench.reports.figures.drawing.text import rows, width, wrap

TALL = 2.6
"""Least inches of a panel."""
LINE = 0.135
"""Inches from one entry of the key to the next."""
MOST = 20
"""Most entries one below the other."""
MARK = 0.34
LEFT, BELOW, ABOVE = 0.55, 0.4, 0.12
HEAD = "trial: best val / train"


def draw(data: Trials):
    """Return the drawing of all trials, a panel a search."""
    if not data.panels:
        sheet = Sheet(0.4, notes=data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    titles = {where: wrap(where, WIDTH - LEFT, most=2) for where in data.panels}
    room = {where: max(TALL, LINE * (2 + min(MOST, len(courses)))) for where, courses in data.panels.items()}
    above = {where: ABOVE + 0.16 * rows(title) * bool(title) for where, title in titles.items()}
    sheet = Sheet(sum(room[where] + above[where] + BELOW for where in room), notes=data.notes)
    wide = max(_key_width(courses) for courses in data.panels.values())
    last = max(step for courses in data.panels.values() for course in courses for step, _ in (*course.train, *course.val))
    top = 0.0
    for where, courses in data.panels.items():
        ax = sheet.place(LEFT, top + above[where], WIDTH - LEFT - wide - 0.15, room[where])
        ax.set_title(titles[where])
        _panel(ax, data, courses, last)
        _key(sheet, courses, WIDTH - wide, top + above[where], wide, room[where])
        top += above[where] + room[where] + BELOW
    return sheet.figure


def _panel(ax, data: Trials, courses: Sequence[Course], last: int) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_ylim(*data.range)
    pad = 0.03 * max(last - 1, 1)
    ax.set_xlim(1 - pad, last + pad)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    ax.grid(axis="y")
    ax.set_xlabel("epoch")
    ax.set_ylabel(data.metric)
    for course in reversed(courses):  # the best on top
        look = {"color": colour(course.place), "linestyle": dash(course.place)}
        above = 3 + 1 / (1 + course.place)
        for points, weight in ((course.train, 0.6), (course.val, 1.5)):
            if points:
                single = {"marker": "o", "markersize": 1.5 + weight} if len(points) == 1 else {}
                ax.plot(*zip(*points, strict=True), linewidth=weight, zorder=above, **look, **single)
        if course.ended:
            ax.plot(
                *course.val[-1], "x", color=colour(course.place), markersize=4, markeredgewidth=1, zorder=above, clip_on=False
            )


def _columns(courses: Sequence[Course]) -> list[Sequence[Course]]:
    each = math.ceil(len(courses) / math.ceil(len(courses) / MOST))
    return [courses[first : first + each] for first in range(0, len(courses), each)]


def _key_width(courses: Sequence[Course]) -> float:
    return max(sum(map(_column_width, _columns(courses))), width(HEAD, SMALL))


def _column_width(column: Sequence[Course]) -> float:
    return MARK + max(width(course.label, SMALL) for course in column) + 0.12


def _key(sheet: Sheet, courses: Sequence[Course], left: float, top: float, wide: float, tall: float) -> None:
    """Draw which trial is which, column by column, on axes whose unit is an inch."""
    ax = sheet.place(left, top, wide, tall)
    ax.set_axis_off()
    ax.set_xlim(0, wide)
    ax.set_ylim(tall, 0)
    ax.text(0, LINE / 2, HEAD, size=SMALL, color=GREY, va="center_baseline")
    x = 0.0
    for column in _columns(courses):
        for number, course in enumerate(column, 1):
            y = LINE * (number + 0.5)
            ax.plot([x, x + MARK - 0.06], [y, y], color=colour(course.place), linestyle=dash(course.place), linewidth=1.5)
            ax.text(x + MARK, y, course.label, size=SMALL, va="center_baseline")
        x += _column_width(column)
