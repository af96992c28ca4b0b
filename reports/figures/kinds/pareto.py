"""What cells earn against what they cost: two metrics, with the front of those that no other cell beats in both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from bench.grammar.cells import Cells
from bench.grammar.derived import Derived, described
from bench.grammar.document import DocPath, Document
from bench.grammar.metrics import OF_NETWORK, by_name
from bench.reports.figures.base import FigureSource, Kind, OfStage, check_labels
from bench.reports.figures.base import Named as NamedMetric
from bench.reports.figures.cells import differing, label, lacking, notes, place, sample
from bench.reports.figures.drawing.labels import Box, spots
from bench.reports.figures.drawing.marks import amount, ticks
from bench.reports.figures.drawing.sheet import NOTHING, Sheet
from bench.reports.figures.drawing.style import GREY, INK, LINE, PALE, SMALL, WIDTH, colour
from bench.reports.figures.drawing.text import rows, width, wrap
from bench.reports.figures.parts import Sample
from bench.reports.figures.quantities import Quantity, quantity
from bench.reports.figures.ranges import Range, axis_range, is_cut
from bench.reports.records.arms import conditions, redrawn, unlike
from bench.reports.records.collect import Record
from bench.reports.tables.grammar import Table as TableSpec

TALL, LEFT, BELOW, RIGHT = 2.6, 0.62, 0.45, 0.22
"""Inches: of a panel, and beside and below it."""
NAME = 1.5
"""Most inches of a cell's name."""
FACTOR = 10
"""From which ratio of the largest value to the smallest on an axis is logarithmic, unless the suite says otherwise."""
LACKS = "without both metrics"


class Pareto(OfStage):
    """One metric against another, a point a cell, with the front: the cells that no other is better than in both (Pareto).

    Times and memory are drawn only where they were taken under like conditions.
    """

    kind: Literal["pareto"]
    x: str = "parameters"
    """What it costs. Its better end is the metric's; of counts of parameters the lower one."""
    y: str = "test/accuracy"
    """What it earns."""
    scale: Literal["linear", "log"] | None = None
    """Of x. Left out: log where its values reach over a factor of 10."""


@dataclass(frozen=True)
class Point:
    """A cell: its name, and both metrics by seed."""

    name: str
    x: Sample
    y: Sample
    on_front: bool = False

    @property
    def at(self) -> tuple[float, float]:
        assert self.x.mean is not None and self.y.mean is not None
        return self.x.mean, self.y.mean


@dataclass(frozen=True)
class ParetoPanel:
    """points: those of the front in its order, from left to right, then the others. why: why there is none."""

    label: str
    points: tuple[Point, ...]
    why: str = ""

    @property
    def front(self) -> list[tuple[float, float]]:
        return [point.at for point in self.points if point.on_front]


@dataclass(frozen=True)
class ParetoData:
    """Two metrics against each other. x, y: with their units; better: the better end of either, higher or lower."""

    x: str
    y: str
    better: tuple[str, str]
    log: bool
    ranges: tuple[Range, Range]
    panels: tuple[ParetoPanel, ...]
    notes: tuple[str, ...] = ()


def _data(name: str, spec: Pareto, records: Sequence[Record]) -> tuple[ParetoData, str]:
    """Return the cells of a stage by two metrics, and the caption."""
    x, y = quantity(spec.x, records), quantity(spec.y, records)
    better = x.better or _better(spec.x), y.better or _better(spec.y)
    own = [record for record in records if record.stage == spec.stage]
    axes = [axis for axis in dict.fromkeys(axis for record in own for axis in record.labels) if axis not in spec.panels]
    short_axes = differing(spec, records, axes)
    cells: dict[str, dict[str, list[Record]]] = {}
    for (where, _), cell in place(name, spec, records, axes).items():
        cells.setdefault(where, {})[label(cell[0], short_axes)] = cell
    short: dict[tuple[str, str], str] = {}
    panels = []
    for where, named in cells.items():
        for cell_name, cell in named.items():
            short[where, cell_name] = lacking(cell, {record.seed for record in cell if _has(record, spec)}, LACKS)
        points = [point for cell_name, cell in named.items() if (point := _point(cell_name, cell, spec, x, y))]
        having = [record for cell in named.values() for record in cell if _has(record, spec)]
        why = unlike(map(conditions, having), spec.x, spec.y) if having else ""
        panels.append(ParetoPanel(where, () if why else _with_front(points, better), why))
    shown = [point for panel in panels for point in panel.points]
    log = spec.scale == "log" if spec.scale else _wide([value for point in shown for value in point.x.values])
    spans = []
    for axis, what, ratio in (("x", x, log), ("y", y, False)):
        samples: list[Sample] = [getattr(point, axis) for point in shown]
        values = [value for one in samples for value in one.values]
        spans.append(axis_range(values, [(one.low, one.high) for one in samples], ratio, what.bounds))
    data = ParetoData(x.label, y.label, better, log, (spans[0], spans[1]), tuple(panels), notes(short, list(cells)))
    return data, _caption(data, shown)


def _better(metric: str) -> str:
    """Return the better end of a metric of which the suite says none."""
    return "lower" if metric in OF_NETWORK else by_name(metric).better


def _has(record: Record, spec: Pareto) -> bool:
    return record.value(spec.x) is not None and record.value(spec.y) is not None


def _point(name: str, cell: Sequence[Record], spec: Pareto, x: Quantity, y: Quantity) -> Point | None:
    having = [record for record in cell if _has(record, spec)]
    if not having:
        return None
    samples = []
    for metric, what in ((spec.x, x), (spec.y, y)):
        values = {record.seed: value for record in having if (value := record.value(metric)) is not None}
        samples.append(sample(what.of(values), len(cell), test_to_train=max(redrawn(record, metric) for record in having)))
    return Point(name, samples[0], samples[1])


def _wide(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0 and max(values) > FACTOR * min(values)


def _with_front(points: Sequence[Point], better: tuple[str, str]) -> tuple[Point, ...]:
    """Return points with those of the front marked and first, from left to right."""
    front = {number for number in range(len(points)) if not any(_beats(other, points[number], better) for other in points)}
    marked = [Point(point.name, point.x, point.y, number in front) for number, point in enumerate(points)]
    return tuple(sorted(marked, key=lambda point: (not point.on_front, point.at if point.on_front else ())))


def _beats(one: Point, other: Point, better: tuple[str, str]) -> bool:
    """Whether a point is at least as good by both means, and better by one of them (Pareto dominance)."""
    gains = [(a - b) * (1 if end == "higher" else -1) for a, b, end in zip(one.at, other.at, better, strict=True)]
    return min(gains) >= 0 and max(gains) > 0


def _caption(data: ParetoData, shown: Sequence[Point]) -> str:
    if not shown:
        return "Not drawn." if any(panel.why for panel in data.panels) else "No trial has both metrics."
    caption = "A point a cell, the mean over its seeds"
    ends = any(one.low is not None for point in shown for one in (point.x, point.y))
    caption += ", with the 95 % t-intervals of both means" if ends else ""
    caption += (
        f". Better: {data.better[0]} {data.x}, {data.better[1]} {data.y}. Filled, on the line: the front, cells that no other"
    )
    caption += " is at least as good as in both means and better in one; where intervals overlap, other seeds may tell otherwise."
    cut = any(
        is_cut(span, one.low, one.high) for point in shown for span, one in zip(data.ranges, (point.x, point.y), strict=True)
    )
    return caption + (" An interval that ends with the panel goes on beyond it." if cut else "")


def draw(data: ParetoData):
    """Return the drawing: panels below each other, wide enough for the names of their points."""
    if not any(panel.points or panel.why for panel in data.panels):
        sheet = Sheet(0.4, notes=data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    wide = WIDTH - LEFT - RIGHT
    titles = [wrap(panel.label, wide, most=2) for panel in data.panels]
    above = [0.1 + LINE * rows(title) * bool(title) for title in titles]
    talls = [TALL if panel.points else 0.5 for panel in data.panels]
    sheet = Sheet(sum(above) + sum(talls) + BELOW * len(talls), notes=data.notes)
    top = 0.0
    for panel, title, room, tall in zip(data.panels, titles, above, talls, strict=True):
        if panel.points:
            ax = sheet.place(LEFT, top + room, wide, tall)
            ax.set_title(title)
            _panel(ax, data, panel, wide)
        else:
            text = f"{title + ': ' if title else ''}{'not drawn, ' + panel.why if panel.why else NOTHING}"
            sheet.say(text, top + room, tall)
        top += room + tall + BELOW
    return sheet.figure


def _panel(ax, data: ParetoData, panel: ParetoPanel, wide: float) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

    (left, right), (low, high) = data.ranges
    if data.log:
        ax.set_xscale("log")
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xticks(ticks((left, right)))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.yaxis.set_major_locator(MaxNLocator(6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: amount(value)))
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    ax.grid(color=PALE)
    ax.set_xlabel(wrap(data.x + (" (logarithmic)" if data.log else ""), wide, most=1))
    ax.set_ylabel(wrap(data.y, TALL, most=2))
    # in steps: what lies beyond them is beaten by one of the front
    steps = "steps-pre" if data.better[0] == "higher" else "steps-post"
    ax.plot(*zip(*panel.front, strict=True), color=INK, linewidth=1, zorder=2, drawstyle=steps)
    for point in panel.points:
        x, y = point.at
        tone = colour(0) if point.on_front else GREY
        for one, flat in ((point.x, True), (point.y, False)):
            if one.low is not None and one.high is not None and one.high > one.low:
                first, last = (left, right) if flat else (low, high)
                ends = [max(one.low, first), min(one.high, last)]
                ax.plot(*((ends, [y, y]) if flat else ([x, x], ends)), color=tone, linewidth=0.8, alpha=0.6, zorder=3)
        face = tone if point.on_front else "white"
        ax.plot([x], [y], "o", color=tone, markerfacecolor=face, markersize=5, markeredgewidth=1, zorder=4, clip_on=False)
    _names(ax, data, panel, wide)


def _names(ax, data: ParetoData, panel: ParetoPanel, wide: float) -> None:
    """Write each point's name beside it."""
    flat = ax.transData + ax.transAxes.inverted()

    def inches(x: float, y: float) -> tuple[float, float]:
        u, v = flat.transform((x, y))
        return u * wide, v * TALL

    texts = [wrap(point.name, NAME, SMALL, most=2) for point in panel.points]
    sizes = [(max(width(line, SMALL) for line in text.split("\n")) + 0.03, 0.13 * rows(text)) for text in texts]
    taken = []
    for point in panel.points:
        x, y = point.at
        (left, right), (low, high) = data.ranges
        if point.y.low is not None and point.y.high is not None:
            taken.append(_between(inches(x, max(point.y.low, low)), inches(x, min(point.y.high, high))))
        if point.x.low is not None and point.x.high is not None:
            taken.append(_between(inches(max(point.x.low, left), y), inches(min(point.x.high, right), y)))
    places = [inches(*point.at) for point in panel.points]
    for first, second in pairwise(inches(*at) for at in panel.front):
        corner = (first[0], second[1]) if data.better[0] == "higher" else (second[0], first[1])
        taken += [_between(first, corner), _between(corner, second)]
    for text, spot, (x, y) in zip(texts, spots(places, sizes, (wide, TALL), taken), places, strict=True):
        if spot is None:
            continue
        if spot.leads:
            ends = [x / wide, spot.x / wide], [y / TALL, spot.y / TALL]
            ax.plot(*ends, transform=ax.transAxes, color=GREY, linewidth=0.4, zorder=1)
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.2, "alpha": 0.8} if spot.leads else None
        at = spot.x / wide, spot.y / TALL
        ax.text(*at, text, transform=ax.transAxes, size=SMALL, ha="center", va="center", linespacing=1.1, bbox=ground, zorder=5)


def _between(one: tuple[float, float], other: tuple[float, float]) -> Box:
    """Return the room that an upright or level line takes, in inches."""
    (left, right), (low, high) = (sorted((one[i], other[i])) for i in (0, 1))
    return Box(left - 0.01, low - 0.01, right + 0.01, high + 0.01)


def check(document: Document, at: DocPath, figure: Pareto, stages: Mapping[str, Cells], tables: Mapping[str, TableSpec]) -> None:
    check_labels(document, at, figure, stages)
    derived = {name: Derived.model_validate(rule) for name, rule in (document.data.get("metrics") or {}).items()}
    for part, metric in (("x", figure.x), ("y", figure.y)):
        if not (described(metric, derived).better or _better(metric)):
            mend = f"say it: `metrics: {{{metric}: {{better: lower}}}}`"
            raise document.error((*at, part), f"which end of {metric!r} is better is not known, and so no front", mend)


def build(name: str, figure: Pareto, source: FigureSource) -> tuple[str, ParetoData, str]:
    return f"{figure.y} against {figure.x}, stage {figure.stage}", *_data(name, figure, source.records)


def metrics(figure: Pareto) -> Iterator[NamedMetric]:
    yield ("x",), figure.x, False
    yield ("y",), figure.y, False


KIND = Kind(Pareto, check, build, draw, metrics)
