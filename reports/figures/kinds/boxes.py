"""Box plots of a table: the arms of each line side by side, with a dot a seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import quantiles
from typing import Literal

from bench.reports.figures.base import FigureSource, FigureSpec, Kind, check_table, table_of
from bench.reports.figures.cells import by_metric, notes, seeds_told
from bench.reports.figures.drawing import slots
from bench.reports.figures.drawing.marks import seeds_on
from bench.reports.figures.drawing.sheet import NOTHING, Key, Sheet
from bench.reports.figures.drawing.style import GREY, colour, tint
from bench.reports.figures.parts import PlotArm
from bench.reports.figures.ranges import axis_range
from bench.reports.figures.seeds import TableSeeds, placed, seeds_of_table
from bench.reports.records.collect import Record
from bench.reports.tables.build import TableData
from bench.reports.tables.comparisons import TableCell

TALL = 1.9
"""Inches of a panel, without its labels."""
SPREAD = 0.6
"""Share of a box's place over which its seeds stand beside each other."""
CAP = 0.25
"""Half the width of a whisker's end, as a share of the box's."""


class Boxes(FigureSpec):
    """A box plot of each cell of a table, with every seed as a dot: a panel for each value."""

    kind: Literal["boxes"]
    table: str


@dataclass(frozen=True)
class Box:
    """A sample's quartiles, and how far its values reach within 1.5 interquartile ranges of them (Tukey)."""

    low: float
    first: float
    median: float
    third: float
    high: float


@dataclass(frozen=True)
class BoxesData(TableSeeds):
    """Box plots of a table, with its seeds. boxes: (panel label, line, arm label) → box."""

    boxes: Mapping[tuple[str, str, str], Box]
    notes: tuple[str, ...] = ()


def _data(table: TableData, records: Sequence[Record]) -> tuple[BoxesData, str]:
    """Return a box plot of every cell of a table, and the caption."""
    seeds = seeds_of_table(table, records)
    boxes = {
        (panel.label, *at): box(sample.values) for panel in seeds.panels for at, sample in panel.samples.items() if sample.values
    }
    short = {
        panel.label: notes({at: _short(cell) for at, cell in placed(table, stack)}, seeds.lines)
        for panel, stack in zip(seeds.panels, table.stacks, strict=True)
    }
    # values alone set the axis: an interval of the mean is not drawn here
    panels = tuple(
        replace(panel, range=axis_range((v for sample in panel.samples.values() for v in sample.values), bounds=panel.bounds))
        for panel in seeds.panels
    )
    data = BoxesData(**vars(replace(seeds, panels=panels)), boxes=boxes, notes=by_metric(short))
    if not boxes:
        return data, "No trial has a result."
    planned = [sample.planned for panel in panels for sample in panel.samples.values() if sample.values]
    text = "Boxes: the quartiles, with the median; whiskers: the values within 1.5 interquartile ranges of them; "
    text += f"dots: a seed each{', its mean over splits' * data.of_splits} ({seeds_told(planned)})."
    lacking = any(sample.mean is None for panel in panels for sample in panel.samples.values())
    return data, text + (" ×: no result." if lacking else "")


def box(values: Sequence[float]) -> Box:
    """Return quartiles, linearly interpolated (type 7 of Hyndman and Fan 1996), and the ends of Tukey's whiskers."""
    first, median, third = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [values[0]] * 3
    reach = 1.5 * (third - first)
    inside = [value for value in values if first - reach <= value <= third + reach]
    return Box(min([first, *inside]), first, median, third, max([third, *inside]))


def _short(cell: TableCell) -> str:
    """Say how many of a cell's seeds have a value; "" where all have."""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in cell.without.items())
    if not outcomes:
        return ""
    return f"n={len(cell.values)} of {cell.planned} seeds ({outcomes})" if cell.values else f"no result ({outcomes})"


def draw(data: BoxesData):
    """Return the drawing of the box plots of a table; where one line has all arms, each arm has a place of its own."""
    alone = data.is_one_line
    has = {arm.label for arm in data.arms for _, _, label in data.boxes if label == arm.label}
    empty = [arm.label for arm in data.arms if arm.label not in has]
    key = None if alone or len(data.arms) == 1 else Key(data.arm_title, data.arms, "bar", empty)
    if not data.boxes:
        sheet = Sheet(0.4, key, data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    shown = [arm for arm in data.arms if arm.label in has]

    def paint(ax, number: int, arm: PlotArm, at: Mapping[str, float], wide: float) -> None:
        panel = data.panels[number]
        for name, x in at.items():
            drawn_arm = next(other for other in data.arms if other.label == name) if alone else arm
            place = (data.lines[0] if alone else name), drawn_arm.label
            sample = panel.samples.get(place)
            if sample is None or sample.mean is None:
                ax.plot([x], [0.02], "x", transform=ax.get_xaxis_transform(), color=GREY, markersize=3, markeredgewidth=0.7)
                continue
            _box(ax, data.boxes[panel.label, *place], x, 0.8 * wide, drawn_arm.place)
            step = SPREAD * wide / len(sample.values)
            beside = [x + step * (i - (len(sample.values) - 1) / 2) for i in range(len(sample.values))]
            seeds_on(ax, beside, list(sample.values), colour(drawn_arm.place))

    names = [arm.label for arm in data.arms] if alone else data.lines
    panels = [slots.Panel("", panel.label, panel.range) for panel in data.panels]
    axis = data.arm_title if alone else data.line_title
    return slots.draw(names, panels, data.arms[:1] if alone else shown, key, data.notes, TALL, paint, axis)


def _box(ax, box: Box, x: float, wide: float, place: int) -> None:
    line = {"color": colour(place), "zorder": 2}  # a box can be too flat to show its own colour
    bar = {"bottom": [box.first], "color": tint(place), "edgecolor": colour(place), "linewidth": 0.7, "zorder": 2}
    ax.bar([x], [box.third - box.first], width=wide, **bar)
    ax.hlines([box.median], x - wide / 2, x + wide / 2, linewidth=1.5, **line | {"zorder": 3})
    ax.vlines([x, x], [box.low, box.third], [box.first, box.high], linewidth=0.7, **line)
    ax.hlines([box.low, box.high], x - CAP * wide, x + CAP * wide, linewidth=0.7, **line)


def build(name: str, figure: Boxes, source: FigureSource) -> tuple[str, BoxesData, str]:
    table = table_of(name, figure.table, source)
    return f"{table.title}: box plots", *_data(table, source.records)


KIND = Kind(Boxes, check_table, build, draw)
