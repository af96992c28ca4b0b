"""A metric along an axis: a line an arm, the mean over seeds with its interval, and every seed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bench.errors import BenchError
from bench.grammar.cells import Cells
from bench.grammar.document import DocPath, Document
from bench.grammar.parts import Words
from bench.reports.claims.relations.along import ordered
from bench.reports.figures.base import FigureSource, Kind, OfStage, check_cells
from bench.reports.figures.base import Named as NamedMetric
from bench.reports.figures.cells import arms, differing, label, lacking, notes, place, sample, seeds_told
from bench.reports.figures.drawing.marks import levels_below, seeds, whiskers
from bench.reports.figures.drawing.sheet import NOTHING, Key, Sheet
from bench.reports.figures.drawing.style import GREY, WIDTH, colour, dash, marker
from bench.reports.figures.drawing.text import wrap
from bench.reports.figures.parts import PlotArm, Sample
from bench.reports.figures.quantities import quantity
from bench.reports.figures.ranges import Range, axis_range, is_cut
from bench.reports.records.arms import conditions, redrawn, unlike
from bench.reports.records.collect import Record
from bench.reports.tables.build import BETWEEN

TALL = 2.1
"""Inches of a panel, without its labels."""
ACROSS = 3
"""Most panels side by side."""
APART = 0.012
"""Between the intervals of two arms at one level, as a share of the axis."""
PAD = 0.05


class Along(OfStage):
    """A metric along an axis: a line an arm, the mean over seeds with its interval, and every seed as a faint dot."""

    kind: Literal["along"]
    metric: str = "test/accuracy"
    axis: str
    """The axis whose levels stand from left to right."""
    lines: Words = []
    """Axes whose levels are the lines."""
    scale: Literal["linear", "log", "order"] | None = None
    """Where the levels stand: linear and log at their numbers, order evenly apart. Left out: linear, or order where they
    are no numbers."""


@dataclass(frozen=True)
class AlongData:
    """A metric along an axis. samples: (panel, arm label, level) → sample; places: level → where it stands, from left to right.

    metric: with its unit. axis: what stands below, with its scale where that is not plain.
    """

    metric: str
    axis: str
    places: Mapping[str, float]
    panels: tuple[str, ...]
    arm_title: str
    arms: tuple[PlotArm, ...]
    samples: Mapping[tuple[str, str, str], Sample]
    range: Range
    notes: tuple[str, ...] = ()


def _data(name: str, spec: Along, records: Sequence[Record]) -> tuple[AlongData, str]:
    """Return a stage's cells along an axis, and the caption."""
    what, axes = quantity(spec.metric, records), differing(spec, records, spec.lines)
    by_place = place(name, spec, records, [*axes, spec.axis])
    cells = {(where, label(cell[0], axes), cell[0].labels.get(spec.axis)): cell for (where, _), cell in by_place.items() if cell}
    named = {at: cell for at, cell in cells.items() if at[2] is not None}
    samples: dict[tuple[str, str, str], Sample] = {}
    short: dict[tuple[str, str], str] = {}
    for (where, arm, level), cell in named.items():
        by_seed = {record.seed: value for record in cell if (value := record.value(spec.metric)) is not None}
        test_to_train = max(redrawn(record, spec.metric) for record in cell)
        samples[where, arm, str(level)] = sample(what.of(by_seed), len(cell), test_to_train=test_to_train)
        at_level = f"{arm}, {spec.axis} = {level}" if arm else f"{spec.axis} = {level}"
        short[where, at_level] = lacking(cell, by_seed, f"without {spec.metric}")
    panels, labels = (tuple(dict.fromkeys(at[part] for at in samples)) for part in (0, 1))
    shown = [one for one in samples.values() if one.values]
    values = [value for one in shown for value in one.values]
    told = [note for note in (_unlike(spec.metric, named.values()),) if note]
    data = AlongData(
        metric=what.label,
        axis=spec.axis + (" (logarithmic)" if spec.scale == "log" else ""),
        places=ordered(list(dict.fromkeys(level for _, _, level in samples)), spec.scale) if samples else {},
        panels=panels,
        arm_title=BETWEEN.join(axes),
        arms=arms(records, axes, labels) if axes else (PlotArm("", 0),),
        samples=samples,
        range=axis_range(values, [(one.low, one.high) for one in shown], bounds=what.bounds),
        notes=(*notes(short, panels), *told),
    )
    if not shown:
        return data, "No trial has a result."
    parts = [f"Large marks: the mean over {seeds_told(map(len, named.values()))}"]
    parts += ["upright lines: its 95 % t-interval"] if any(one.low is not None for one in shown) else []
    parts += ["faint dots: a seed each"] if any(one.spread for one in shown) else []
    caption = f"{'; '.join(parts)}."
    if any(is_cut(data.range, one.low, one.high) for one in shown):
        caption += " An upright line that ends with the panel goes on beyond it."
    return data, caption


def _unlike(metric: str, cells) -> str:
    """Say why the levels are not to be compared, of a time; "" where they may be."""
    having = [record for cell in cells for record in cell if record.value(metric) is not None]
    why = unlike((conditions(record) for record in having), metric)
    return f"Not to be compared: {why}." if why else ""


def draw(data: AlongData):
    """Return the drawing: panels side by side, further ones below."""
    has = {arm for (_, arm, _), one in data.samples.items() if one.values}
    empty = [arm.label for arm in data.arms if arm.label not in has]
    key = Key(data.arm_title, data.arms, "line", empty) if len(data.arms) > 1 else None
    if not has:
        sheet = Sheet(0.4, key, data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    across = min(ACROSS, len(data.panels))
    down = math.ceil(len(data.panels) / across)
    titled = any(data.panels)
    sheet = Sheet(down * (TALL + 0.4 + 0.15 * titled), key, data.notes)
    grid = sheet.grid(down, across)
    for ax in grid.flat[len(data.panels) :]:
        ax.set_visible(False)
    wide = WIDTH / across - 0.6
    for number, (ax, where) in enumerate(zip(grid.flat, data.panels, strict=False)):
        _panel(ax, data, where, wide)
        ax.set_xlabel(wrap(data.axis, wide, most=2))
        if titled:
            ax.set_title(wrap(where, wide, most=2))
        if number % across:
            ax.tick_params(labelleft=False)
        else:
            ax.set_ylabel(wrap(data.metric, TALL, most=2))
    return sheet.figure


def _panel(ax, data: AlongData, where: str, wide: float) -> None:
    first, last = min(data.places.values()), max(data.places.values())
    span = last - first or 1.0
    pad = (PAD + APART * len(data.arms) / 2) * span
    ax.set_xlim(first - pad, last + pad)
    ax.set_ylim(*data.range)
    ax.grid(axis="y")
    levels_below(ax, data.places, wide)
    for position, arm in enumerate(data.arms):
        aside = (position - (len(data.arms) - 1) / 2) * APART * span
        known = [(at + aside, one) for level, at in data.places.items() if (one := data.samples.get((where, arm.label, level)))]
        _line(ax, [(at, one) for at, one in known if one.values], arm.place)
    if not any(one.values for (panel, _, _), one in data.samples.items() if panel == where):
        ax.text(0.5, 0.5, NOTHING, transform=ax.transAxes, ha="center", va="center", color=GREY)


def _line(ax, known: Sequence[tuple[float, Sample]], place: int) -> None:
    """Draw an arm: levels without a value are passed over."""
    if not known:
        return
    tone = colour(place)
    dots = [(at, value) for at, one in known if one.spread for value in one.values]
    seeds(ax, [at for at, _ in dots], [value for _, value in dots], tone)
    whiskers(ax, [(at, one.low, one.high) for at, one in known], arrows=False, tone=tone)
    look = {"marker": marker(place), "markersize": 4.5, "markeredgecolor": "white", "markeredgewidth": 0.4}
    at, means = [at for at, _ in known], [one.mean for _, one in known]
    ax.plot(at, means, color=tone, linewidth=1.2, linestyle=dash(place), clip_on=False, zorder=4, **look)


def check(document: Document, at: DocPath, figure: Along, stages: Mapping[str, Cells], tables: Mapping) -> None:
    check_cells(document, at, figure, stages, tables)
    if figure.axis in (*figure.lines, *figure.panels):
        raise document.error((*at, "axis"), f"axis {figure.axis!r} is what the lines go along", "take it out of lines and panels")
    levels = [cell.labels[figure.axis] for cell in stages[figure.stage].where(figure.where) if figure.axis in cell.labels]
    try:
        ordered(list(dict.fromkeys(levels)), figure.scale)
    except ValueError as error:
        raise document.error((*at, "scale"), str(error), "leave `scale` out, or pin the levels with `where`") from None


def build(name: str, figure: Along, source: FigureSource) -> tuple[str, AlongData, str]:
    title = f"{figure.metric} along {figure.axis}, stage {figure.stage}"
    try:
        return title, *_data(name, figure, source.records)
    except ValueError as error:  # other levels than the suite's own
        raise BenchError(str(error), where=f"figure {name}", mend="leave `scale` out") from None


def metrics(figure: Along) -> Iterator[NamedMetric]:
    yield ("metric",), figure.metric, False


KIND = Kind(Along, check, build, draw, metrics)
