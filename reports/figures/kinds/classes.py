"""Bars by class, arms beside each other, with intervals and seeds."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.grammar.parts import Words
from bench.reports.figures.base import (
    FigureSource,
    Kind,
    OfStage,
    check_cells,
)
from bench.reports.figures.base import Named as NamedMetric
from bench.reports.figures.cells import arms, differing, lacking, notes, order_of, place, sample, seeds_told
from bench.reports.figures.drawing import slots
from bench.reports.figures.drawing.marks import seeds_on, whiskers
from bench.reports.figures.drawing.sheet import NOTHING, Key, Sheet
from bench.reports.figures.drawing.style import GREY, tint
from bench.reports.figures.parts import PlotArm, Sample
from bench.reports.figures.quantities import quantity
from bench.reports.figures.ranges import ANY, Range, axis_range, is_cut
from bench.reports.records.arms import redrawn
from bench.reports.records.collect import Record
from bench.reports.tables.build import BETWEEN, natural
from bench.trackers.record import Outcome

TALL = 1.35
"""Inches of a panel, without its labels."""


class Classes(OfStage):
    """A bar a class, with interval."""

    kind: Literal["classes"]
    metric: str = "test/class_accuracy"
    """The metrics `METRIC/<class>`."""
    bars: Words = []
    """Axes whose levels stand beside each other within a class."""
    sorted: bool = False
    """The class with the largest mean first, instead of the order of their names."""


@dataclass(frozen=True)
class ClassesData:
    """Bars by class. samples: (panel, class, arm label) → sample."""

    metric: str
    classes: tuple[str, ...]
    panels: tuple[str, ...]
    arm_title: str
    arms: tuple[PlotArm, ...]
    samples: Mapping[tuple[str, str, str], Sample]
    range: Range
    is_share: bool = True
    """Whether the axis has all that there can be."""
    notes: tuple[str, ...] = ()


def _data(name: str, spec: Classes, records: Sequence[Record]) -> tuple[ClassesData, str]:
    """Return the metrics `spec.metric/<class>` of a stage's cells by class, and the caption."""
    axes = differing(spec, records, spec.bars)
    cells = place(name, spec, records, axes)
    prefix = f"{spec.metric}/"
    known = {
        key.removeprefix(prefix)
        for cell in cells.values()
        for record in cell
        if record.run and record.outcome is Outcome.FINISHED
        for key in record.run.metrics
        if key.startswith(prefix)
    }
    names = sorted(known, key=natural)
    what = quantity(spec.metric, records)
    samples: dict[tuple[str, str, str], Sample] = {}
    short = {}
    for (where, arm), cell in cells.items():
        for class_name in names:
            by_seed = {record.seed: value for record in cell if (value := record.value(prefix + class_name)) is not None}
            samples[where, class_name, arm] = sample(
                what.of(by_seed), len(cell), test_to_train=max(redrawn(record, spec.metric) for record in cell)
            )
        having = {record.seed for record in cell if _has(record, prefix)}
        short[where, arm] = lacking(cell, having, f"without {spec.metric}")
    if spec.sorted:
        names.sort(key=lambda class_name: -_mean_of(samples, class_name))
    panels, labels = order_of(cells)
    values = [value for bar in samples.values() for value in bar.values]
    reach = axis_range([0.0, *values], [(bar.low, bar.high) for bar in samples.values()], bounds=what.bounds)
    whole = (0.0, what.factor)
    share = what.bounds in (whole, ANY) and all(0 <= value <= what.factor for value in values)
    axis = whole if share or not values else (reach[0] if min(values) < 0 else 0.0, reach[1])
    data = ClassesData(
        metric=what.label,
        classes=tuple(names),
        panels=panels,
        arm_title=BETWEEN.join(axes),
        arms=arms(records, axes, labels),
        samples=samples,
        range=axis,
        is_share=share or not values,
        notes=notes(short, panels),
    )
    if not values:
        return data, "No trial has a result."
    caption = f"Bars: the mean over {seeds_told(map(len, cells.values()))}"
    caption += "; whiskers: its 95 % t-interval" if any(bar.low is not None for bar in samples.values()) else ""
    caption += "; dots: a seed each." if any(bar.spread for bar in samples.values()) else "."
    caption += " The largest mean first." if spec.sorted else ""
    if any(is_cut(axis, bar.low, bar.high) for bar in samples.values()):
        caption += " Whiskers end with the axis." if not share else f" Whiskers end at 0 and {what.factor:g}."
    return data, caption


def _mean_of(samples: Mapping[tuple[str, str, str], Sample], name: str) -> float:
    """Return the mean of a class over panels and arms; of one without any value, less than any other."""
    means = [bar.mean for (_, other, _), bar in samples.items() if other == name and bar.mean is not None]
    return sum(means) / len(means) if means else -math.inf


def _has(record: Record, prefix: str) -> bool:
    stored = record.run.metrics if record.run and record.outcome is Outcome.FINISHED else {}
    return any(key.startswith(prefix) for key in stored)


def draw(data: ClassesData):
    """Return the drawing of bars by class; many classes go on in a further line of bars below."""
    shown = [
        arm for arm in data.arms if any(bar.mean is not None for (_, _, name), bar in data.samples.items() if name == arm.label)
    ]
    empty = [arm.label for arm in data.arms if arm not in shown]
    key = Key(data.arm_title, data.arms, "bar", empty) if data.arm_title else None
    if not shown:
        sheet = Sheet(0.4, key, data.notes)
        sheet.say(NOTHING)
        return sheet.figure

    def paint(ax, number: int, arm: PlotArm, at: Mapping[str, float], wide: float) -> None:
        bars = {name: data.samples.get((data.panels[number], name, arm.label)) for name in at}
        known = {name: bar for name, bar in bars.items() if bar and bar.mean is not None}
        without = [at[name] for name in at if name not in known]
        ax.plot(without, [0.02 * data.range[1]] * len(without), "x", color=GREY, markersize=3, markeredgewidth=0.7)
        ax.bar([at[name] for name in known], [bar.mean for bar in known.values()], width=0.9 * wide, color=tint(arm.place))
        whiskers(ax, [(at[name], bar.low, bar.high) for name, bar in known.items()], arrows=not data.is_share)
        several = [(at[name], value) for name, bar in known.items() if bar.spread for value in bar.values]
        seeds_on(ax, [x for x, _ in several], [y for _, y in several])

    panels = [slots.Panel(panel, data.metric, data.range) for panel in data.panels]
    return slots.draw(data.classes, panels, shown, key, data.notes, TALL, paint)


def build(name: str, figure: Classes, source: FigureSource) -> tuple[str, ClassesData, str]:
    return f"{figure.metric} by class, stage {figure.stage}", *_data(name, figure, source.records)


def metrics(figure: Classes) -> Iterator[NamedMetric]:
    yield ("metric",), f"{figure.metric}/*", False


KIND = Kind(Classes, check_cells, build, draw, metrics)
