"""Every seed of a table as a dot, with the mean and its interval; arms of a line stand together."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from bench.reports.figures.base import (
    FigureSource,
    FigureSpec,
    Kind,
    check_table,
    table_of,
)
from bench.reports.figures.cells import seeds_told
from bench.reports.figures.drawing.marks import seeds, whisker
from bench.reports.figures.drawing.sheet import NOTHING, Key, Sheet
from bench.reports.figures.drawing.style import GREY, PALE, SMALL, WIDTH, colour, marker
from bench.reports.figures.drawing.text import rows, width, wrap
from bench.reports.figures.parts import Sample
from bench.reports.figures.ranges import is_cut
from bench.reports.figures.seeds import DotPanel, TableSeeds, seeds_of_table
from bench.reports.records.collect import Record
from bench.reports.tables.build import TableData

ROW = 0.19
"""Inches of an arm's row."""
GAP = 0.6
"""Between two lines, in rows."""
LABEL = 1.5
"""Most inches of a line's label."""
ACROSS = 3
"""Most panels side by side."""
BELOW = 0.2
"""How far the seeds stand below the interval, in rows."""


class Dots(FigureSpec):
    """Every seed as a dot, with mean and interval: a panel for each value of a table."""

    kind: Literal["dots"]
    table: str


def _data(table: TableData, records: Sequence[Record]) -> tuple[TableSeeds, str]:
    """Return the seeds of every cell of a table, and the caption."""
    data = seeds_of_table(table, records)
    shown = [(sample, panel.range) for panel in data.panels for sample in panel.samples.values() if sample.values]
    if not shown:
        return data, "No trial has a result."
    phrases = (
        ["small dots: a seed each" + ", its mean over splits" * data.of_splits]
        if any(len(sample.values) > 1 for sample, _ in shown)
        else []
    )
    phrases += ["large marks: " + ("their mean" if phrases else "the only seed")]
    alone = " over the seeds alone, for these splits" if data.of_splits else ""
    phrases += [f"lines: its 95 % t-interval{alone}"] if any(sample.low is not None for sample, _ in shown) else []
    text = f"{'; '.join(phrases)} ({seeds_told(sample.planned for sample, _ in shown)})."
    if any(is_cut(span, sample.low, sample.high) for sample, span in shown):
        text += " An arrowhead: the interval goes on."
    return data, text[0].upper() + text[1:]


def draw(data: TableSeeds):
    """Return the drawing of every seed of a table."""
    alone = data.is_one_line
    labels = [wrap(arm.label, LABEL) for arm in data.arms] if alone else [wrap(line, LABEL) for line in data.lines]
    places = _places(data, labels, alone)
    top, bottom = -0.5 - GAP / 2, max(places.values(), default=0.0) + 0.5 + GAP / 2
    tall = (bottom - top) * ROW
    across = min(ACROSS, len(data.panels)) or 1
    down = math.ceil(len(data.panels) / across) or 1
    empty = [arm.label for arm in data.arms if not any(_has(panel, arm.label) for panel in data.panels)]
    key = None if alone or len(data.arms) == 1 else Key(data.arm_title, data.arms, "dot", empty)
    sheet = Sheet(down * (tall + 0.5), key)
    if not data.panels or not places:
        sheet.say(NOTHING)
        return sheet.figure
    left = max(width(part, SMALL) for text in labels for part in text.split("\n"))
    room = (WIDTH - left - 0.3) / across - 0.25
    grid = sheet.grid(down, across, sharey=True)
    for ax in grid.flat[len(data.panels) :]:
        ax.set_visible(False)
    for number, panel in enumerate(data.panels):
        ax = grid.flat[number]
        _panel(ax, data, panel, places, room)
        ax.set_xlabel(wrap(panel.label, room))
        ax.set_ylim(bottom, top)
        arm_ys = [[places[data.lines[0], arm.label]] for arm in data.arms]
        centres = arm_ys if alone else [[y for (other, _), y in places.items() if other == line] for line in data.lines]
        ax.set_yticks([sum(ys) / len(ys) for ys in centres], labels)
        ax.tick_params(axis="y", length=0)
        if number % across:
            ax.tick_params(labelleft=False)
        else:
            ax.set_ylabel(wrap(data.arm_title if alone else data.line_title, tall, most=2))
        for above, below in pairwise(centres):
            ax.axhline((max(above) + min(below)) / 2, color=PALE, linewidth=0.6, zorder=0)
    return sheet.figure


def _places(data: TableSeeds, labels: list[str], alone: bool) -> dict[tuple[str, str], float]:
    """Return (line, arm label) → how far down it stands, in rows."""
    result: dict[tuple[str, str], float] = {}
    y = 0.0
    for number, line in enumerate(data.lines):
        if alone:
            for arm, label in zip(data.arms, labels, strict=True):
                room = max(1.0, 0.75 * rows(label))
                result[line, arm.label] = y + (room - 1) / 2
                y += room
            continue
        room = max(len(data.arms), 0.75 * rows(labels[number]))
        first = y + (room - len(data.arms)) / 2
        result |= {(line, arm.label): first + i for i, arm in enumerate(data.arms)}
        y += room + GAP
    return result


def _panel(ax, data: TableSeeds, panel: DotPanel, places: dict[tuple[str, str], float], room: float) -> None:
    ax.set_xlim(*panel.range)
    ax.grid(axis="x")
    ax.spines["left"].set_visible(False)
    if not any(sample.values for sample in panel.samples.values()):
        ax.set_xticks([])
    for arm in data.arms:
        for line in data.lines:
            sample, y = panel.samples.get((line, arm.label)), places[line, arm.label]
            if sample is None:
                continue
            if sample.mean is None:
                full_text = f"{NOTHING} ({sample.note})" if sample.note else NOTHING
                text = full_text if width(full_text, SMALL) < room else NOTHING
                ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
                ax.text(0.01, y, text, transform=ax.get_yaxis_transform(), size=SMALL, color=GREY, va="center", bbox=ground)
                continue
            _sample(ax, sample, y, arm.place)


def _sample(ax, sample: Sample, y: float, place: int) -> None:
    tone = colour(place)
    if sample.low is not None and sample.high is not None:
        whisker(ax, y - BELOW / 2, sample.low, sample.high, tone)
    if len(sample.values) > 1:
        seeds(ax, sample.values, [y + BELOW] * len(sample.values), tone)
    mark = {"marker": marker(place), "markersize": 4.5, "markeredgecolor": "white", "markeredgewidth": 0.4}
    ax.plot([sample.mean], [y - BELOW / 2], color=tone, clip_on=False, zorder=4, **mark)
    if len(sample.values) < sample.planned:
        text = f"n={len(sample.values)} of {sample.planned}"
        ax.text(1.01, y, text, transform=ax.get_yaxis_transform(), size=SMALL, color=GREY, va="center")


def _has(panel: DotPanel, arm: str) -> bool:
    return any(sample.mean is not None for (_, label), sample in panel.samples.items() if label == arm)


def build(name: str, figure: Dots, source: FigureSource) -> tuple[str, TableSeeds, str]:
    table = table_of(name, figure.table, source)
    return f"{table.title}: every seed", *_data(table, source.records)


KIND = Kind(Dots, check_table, build, draw)
