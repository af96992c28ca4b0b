"""Figures of two metrics against each other, over classes or over cells."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from bench.reports.figures.cells import lacking, notes, place
from bench.reports.figures.data import Scatter, ScatterPanel
from bench.reports.figures.ranges import axis_range
from bench.reports.numbers import number, p_is
from bench.reports.records.collect import Record
from bench.reports.records.derived import class_pairs
from bench.reports.statistics import Comparison, correlation
from bench.trackers.record import Outcome

if TYPE_CHECKING:
    from bench.reports.figures.grammar import Scatter as Spec

Named = Mapping[str, tuple[float, float]]
"""Class, or cell → x, y."""
LACKS = "without one of the metrics"
FAR = 4
"""How many points are named that lie farthest from the line."""


def scatter(name: str, spec: "Spec", records: Sequence[Record]) -> tuple[Scatter, str]:
    """Return the points of a stage's cells, or of the classes of one cell, and the caption."""
    by_class = spec.x.endswith("/*")
    measured = _of_classes if by_class else _of_cell
    panels, far = [], []
    short: dict[tuple[str, str], str] = {}
    for where, cells in _panels(name, spec, records, by_class).items():
        points = {one: point for cell, own in cells.items() for one, point in measured(spec, cell, own).items()}
        for cell, own in cells.items():
            short[where, cell] = lacking(own, {record.seed for record in own if measured(spec, "", [record])}, LACKS)
        tested = correlation(*([point[i] for point in points.values()] for i in (0, 1)))
        line = least_squares(list(points.values())) if tested.difference is not None else None
        told = f"{_told(tested)}, n={len(points)} {'classes' if by_class else 'cells'}"
        panels.append(ScatterPanel(where, tuple(points.values()), line, told))
        if line and len(points) > FAR:
            far.append(f"{where + ': ' if where else ''}{', '.join(_farthest(points, line))}")
    every = [point for one in panels for point in one.points]
    data = Scatter(
        x=spec.x.removesuffix("/*"),
        y=spec.y.removesuffix("/*"),
        panels=tuple(panels),
        ranges=(axis_range(x for x, _ in every), axis_range(y for _, y in every)),
        notes=notes(short, [one.label for one in panels] if by_class else [""]),
    )
    if not every:
        return data, "No trial has a result."
    told = f"A dot a {'class' if by_class else 'cell'}, the mean over its seeds; line: least squares; r with its 95 % interval."
    return data, told + (f" Farthest from the line: {'; '.join(far)}." if far else "")


def least_squares(points: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Return slope and intercept of the line with the least squared distances in y; None where x does not vary."""
    x, y = (fmean(point[i] for point in points) if points else 0.0 for i in (0, 1))
    spread = sum((point[0] - x) ** 2 for point in points)
    if not spread:
        return None
    slope = sum((point[0] - x) * (point[1] - y) for point in points) / spread
    return slope, y - slope * x


def _panels(name: str, spec: "Spec", records: Sequence[Record], by_class: bool) -> dict[str, dict[str, list[Record]]]:
    """Return panel → cell → its records. Of classes a panel shows one cell, which needs no name."""
    others = [] if by_class else list(dict.fromkeys(axis for one in records if one.stage == spec.stage for axis in one.labels))
    panels: dict[str, dict[str, list[Record]]] = defaultdict(dict)
    for (where, cell), own in place(name, spec, records, others).items():
        panels[where][cell] = own
    return panels


def _of_classes(spec: "Spec", cell: str, records: Sequence[Record]) -> Named:
    return class_pairs(
        [record.run.metrics for record in records if record.run and record.outcome is Outcome.FINISHED], spec.x, spec.y
    )


def _of_cell(spec: "Spec", cell: str, records: Sequence[Record]) -> Named:
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
