"""All trials of a search: validation bold, training thin, and the key beside them."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.grammar.cells import TRIAL, Cells
from bench.grammar.document import DocPath, Document
from bench.reports.figures.base import (
    FigureSource,
    Kind,
    OfStage,
    check_labels,
    check_places,
)
from bench.reports.figures.cells import Store, place, some
from bench.reports.figures.drawing.sheet import NOTHING, Sheet
from bench.reports.figures.drawing.style import GREY, SMALL, WIDTH, colour, dash
from bench.reports.figures.drawing.text import rows, width, wrap
from bench.reports.figures.quantities import quantity, with_unit
from bench.reports.figures.ranges import Range, axis_range
from bench.reports.records.collect import Record
from bench.reports.tables.grammar import Table as TableSpec
from bench.trackers.record import Outcome

TALL = 2.6
"""Least inches of a panel."""
LINE = 0.135
"""Inches from one entry of the key to the next."""
MOST = 20
"""Most entries one below the other."""
MARK = 0.34
LEFT, BELOW, ABOVE = 0.55, 0.4, 0.12
HEAD = "trial: best val / train"
Points = tuple[tuple[int, float], ...]
"""(epoch, value), …"""


class Trials(OfStage):
    """All trials of a search: the validation curve bold, the training curve thin, in the key the best value of each."""

    kind: Literal["trials"]
    metric: Literal["accuracy", "loss"] = "accuracy"


@dataclass(frozen=True)
class Course:
    """One trial of a search, epoch by epoch. ended: whether the search ended it early. place: among all, the best first."""

    label: str
    place: int
    train: Points
    val: Points
    ended: bool


@dataclass(frozen=True)
class TrialsData:
    """All trials of a search, the best first; a panel a search, with a key of its own.

    metric: without its split, with its unit.
    """

    metric: str
    panels: Mapping[str, tuple[Course, ...]]
    range: Range
    notes: tuple[str, ...] = ()


def _data(name: str, spec: Trials, records: Sequence[Record], store: Store | None) -> tuple[TrialsData, str]:
    """Return the learning curves of every trial of a search that recorded any, and the caption."""
    metrics = f"train/{spec.metric}", f"val/{spec.metric}"
    cells = place(name, spec, records, [TRIAL])
    runs = [record.run.run_id for cell in cells.values() for record in cell if record.run]
    histories = store.histories(runs, metrics) if store and runs else {}
    what = quantity(metrics[1], records)
    best = min if what.better == "lower" else max
    by_panel: dict[str, list[tuple[str, Points, Points, bool]]] = defaultdict(list)
    without = []
    for (where, trial), (record, *_) in cells.items():
        by_split = histories.get(record.run.run_id, {}) if record.run else {}
        train, val = (tuple((epoch, what.factor * value) for epoch, value in by_split.get(metric, ())) for metric in metrics)
        if val:
            by_panel[where].append((trial, train, val, record.outcome is Outcome.PRUNED))
        else:
            without.append(f"{where + ', ' if where else ''}{trial} ({record.outcome})")
    panels = {}
    for where, courses in by_panel.items():
        sign = 1 if best is min else -1
        courses.sort(key=lambda course: sign * best(value for _, value in course[2]))
        panels[where] = tuple(
            Course(_told(trial, train, val, best), number, train, val, ended)
            for number, (trial, train, val, ended) in enumerate(courses)
        )
    shown = [course for courses in panels.values() for course in courses]
    values = (value for course in shown for _, value in (*course.train, *course.val))
    span = axis_range(values, bounds=what.bounds)
    notes = (f"Without recorded epochs: trial {some(without)}.",) if without else ()
    label = with_unit(spec.metric, what.unit)
    return TrialsData(label, panels, span, notes), _caption(spec.metric, shown, "highest" if best is max else "lowest")


def _told(trial: str, train: Points, val: Points, best) -> str:
    """Return a trial as the key names it."""
    ends = [f"{best(value for _, value in points):.3f}" if points else "–" for points in (val, train)]
    return f"{trial}: {' / '.join(ends)}"


def _caption(metric: str, shown: Sequence[Course], end: str) -> str:
    if not shown:
        return "No trial has recorded epochs."
    ended = sum(course.ended for course in shown)
    caption = (
        f"{len(shown)} trials. Bold: validation {metric}; thin, in the same colour: training {metric}. Key: trial, and its {end} "
    )
    caption += "validation and training value over all epochs, the best first."
    return caption + (f" ×: ended early by the search ({ended} of {len(shown)})." if ended else "")


def draw(data: TrialsData):
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


def _panel(ax, data: TrialsData, courses: Sequence[Course], last: int) -> None:
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


def check(document: Document, at: DocPath, figure: Trials, stages: Mapping[str, Cells], tables: Mapping[str, TableSpec]) -> None:
    check_labels(document, at, figure, stages)
    if TRIAL not in stages[figure.stage].levels:
        raise document.error((*at, "stage"), f"stage {figure.stage!r} is no search", "name a stage with `search:`")
    check_places(document, at, figure, stages, placed=(TRIAL,))


def build(name: str, figure: Trials, source: FigureSource) -> tuple[str, TrialsData, str]:
    title = f"Trials of stage {figure.stage}: {figure.metric}"
    return title, *_data(name, figure, source.records, source.store)


KIND = Kind(Trials, check, build, draw)
