"""Two metrics against each other, over classes or over cells, with their least-squares line."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from bench.grammar.cells import Cells
from bench.grammar.document import DocPath, Document
from bench.reports.figures.base import (
    FigureSource,
    Kind,
    OfStage,
    check_labels,
    check_places,
)
from bench.reports.figures.base import Named as NamedMetric
from bench.reports.figures.cells import lacking, notes, place
from bench.reports.figures.drawing.sheet import NOTHING, Sheet
from bench.reports.figures.drawing.style import GREY, INK, SMALL, WIDTH, colour
from bench.reports.figures.drawing.text import rows, wrap
from bench.reports.figures.quantities import quantity
from bench.reports.figures.ranges import Range, axis_range
from bench.reports.numbers import number, p_is
from bench.reports.records.collect import Record
from bench.reports.records.derived import class_pairs
from bench.reports.statistics import (
    Comparison,
    correlation,
)
from bench.reports.tables.grammar import Table as TableSpec
from bench.trackers.record import Outcome

TALL = 2.4
"""Inches of a panel."""
ACROSS = 2
"""Most panels side by side."""
Named = Mapping[str, tuple[float, float]]
"""Class, or cell → x, y."""
LACKS = "without one of the metrics"
FAR = 4
"""How many points are named that lie farthest from the line."""


class Scatter(OfStage):
    """Two metrics against each other, with the least-squares line and r.

    A dot is a cell; or a class, where both metrics are `PREFIX/*`. Seeds are averaged first.
    """

    kind: Literal["scatter"]
    x: str
    y: str


@dataclass(frozen=True)
class ScatterPanel:
    """Points (x, y), and the least-squares line y = slope x + intercept, if there is one. correlation: in words."""

    label: str
    points: tuple[tuple[float, float], ...]
    line: tuple[float, float] | None
    correlation: str


@dataclass(frozen=True)
class ScatterData:
    """Two metrics against each other."""

    x: str
    """With its unit, as y."""
    y: str
    panels: tuple[ScatterPanel, ...]
    ranges: tuple[Range, ...]
    """Of x, of y."""
    notes: tuple[str, ...] = ()


def _data(name: str, spec: Scatter, records: Sequence[Record]) -> tuple[ScatterData, str]:
    """Return the points of a stage's cells, or of the classes of one cell, and the caption."""
    by_class = spec.x.endswith("/*")
    measured = _of_classes if by_class else _of_cell
    panels, far = [], []
    axes = x, y = quantity(spec.x, records), quantity(spec.y, records)
    short: dict[tuple[str, str], str] = {}
    for where, cells in _panels(name, spec, records, by_class).items():
        points = {
            label: (x.factor * point[0], y.factor * point[1])
            for cell, cell_records in cells.items()
            for label, point in measured(spec, cell, cell_records).items()
        }
        for cell, cell_records in cells.items():
            short[where, cell] = lacking(
                cell_records, {record.seed for record in cell_records if measured(spec, "", [record])}, LACKS
            )
        tested = correlation(*([point[i] for point in points.values()] for i in (0, 1)))
        line = least_squares(list(points.values())) if tested.difference is not None else None
        text = f"{_told(tested)}, n={len(points)} {'classes' if by_class else 'cells'}"
        panels.append(ScatterPanel(where, tuple(points.values()), line, text))
        if line and len(points) > FAR:
            far.append(f"{where + ': ' if where else ''}{', '.join(_farthest(points, line))}")
    every = [point for panel in panels for point in panel.points]
    data = ScatterData(
        x=x.label,
        y=y.label,
        panels=tuple(panels),
        ranges=tuple(axis_range((point[i] for point in every), bounds=axis.bounds) for i, axis in enumerate(axes)),
        notes=notes(short, [panel.label for panel in panels] if by_class else [""]),
    )
    if not every:
        return data, "No trial has a result."
    caption = (
        f"A dot a {'class' if by_class else 'cell'}, the mean over its seeds; line: least squares; r with its 95 % interval."
    )
    return data, caption + (f" Farthest from the line: {'; '.join(far)}." if far else "")


def least_squares(points: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Return slope and intercept of the line with the least squared distances in y; None where x does not vary."""
    x, y = (fmean(point[i] for point in points) if points else 0.0 for i in (0, 1))
    spread = sum((point[0] - x) ** 2 for point in points)
    if not spread:
        return None
    slope = sum((point[0] - x) * (point[1] - y) for point in points) / spread
    return slope, y - slope * x


def _panels(name: str, spec: Scatter, records: Sequence[Record], by_class: bool) -> dict[str, dict[str, list[Record]]]:
    """Return panel → cell → its records. Of classes a panel shows one cell, which needs no name."""
    axes = (
        []
        if by_class
        else list(dict.fromkeys(axis for record in records if record.stage == spec.stage for axis in record.labels))
    )
    panels: dict[str, dict[str, list[Record]]] = defaultdict(dict)
    for (where, cell), cell_records in place(name, spec, records, axes).items():
        panels[where][cell] = cell_records
    return panels


def _of_classes(spec: Scatter, cell: str, records: Sequence[Record]) -> Named:
    return class_pairs(
        [record.run.metrics for record in records if record.run and record.outcome is Outcome.FINISHED], spec.x, spec.y
    )


def _of_cell(spec: Scatter, cell: str, records: Sequence[Record]) -> Named:
    points = [(record.value(spec.x), record.value(spec.y)) for record in records]
    known = [(x, y) for x, y in points if x is not None and y is not None]
    return {cell: (fmean(x for x, _ in known), fmean(y for _, y in known))} if known else {}


def _farthest(points: Named, line: tuple[float, float]) -> list[str]:
    slope, intercept = line
    return sorted(points, key=lambda name: -abs(points[name][1] - slope * points[name][0] - intercept))[:FAR]


def _told(tested: Comparison) -> str:
    if tested.difference is None:
        return tested.reason
    r = f"r = {number(tested.difference, 2)}"
    if tested.ci_low is None or tested.ci_high is None or tested.p is None:
        return r
    return f"{r} ({number(tested.ci_low, 2)} to {number(tested.ci_high, 2)}), {p_is(tested.p)}"


def draw(data: ScatterData):
    """Return the drawing: a panel each, two side by side."""
    if not any(panel.points for panel in data.panels):
        sheet = Sheet(0.4, notes=data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    across = min(ACROSS, len(data.panels))
    down = math.ceil(len(data.panels) / across)
    wide = WIDTH / across - 0.6
    title_parts = [[text for text in (panel.label, panel.correlation) if text] for panel in data.panels]
    titles = ["\n".join(wrap(text, wide, SMALL, most=2) for text in texts) for texts in title_parts]
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


def _panel(ax, data: ScatterData, panel: ScatterPanel) -> None:
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
    ax.plot(
        *zip(*panel.points, strict=True),
        "o",
        color=colour(0),
        markersize=3.5,
        markeredgewidth=0,
        alpha=0.75,
        zorder=3,
        clip_on=False,
    )


def check(document: Document, at: DocPath, figure: Scatter, stages: Mapping[str, Cells], tables: Mapping[str, TableSpec]) -> None:
    check_labels(document, at, figure, stages)
    by_class = {metric.endswith("/*") for metric in (figure.x, figure.y)}
    if len(by_class) > 1:
        raise document.error((*at, "x"), "a dot is a class or a cell, not both", "end both metrics with `/*`, or neither")
    if by_class == {True}:  # else each cell is a dot
        check_places(document, at, figure, stages)


def build(name: str, figure: Scatter, source: FigureSource) -> tuple[str, ScatterData, str]:
    y, x = (metric.removesuffix("/*") for metric in (figure.y, figure.x))
    return f"{y} against {x}, stage {figure.stage}", *_data(name, figure, source.records)


def metrics(figure: Scatter) -> Iterator[NamedMetric]:
    yield ("x",), figure.x, False
    yield ("y",), figure.y, False


KIND = Kind(Scatter, check, build, draw, metrics)
