"""Learning curves: the mean over seeds with its interval as a band, and few seeds as thin lines."""

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
from bench.reports.figures.cells import Store, arms, by_metric, differing, lacking, notes, order_of, place, sample, seeds_told
from bench.reports.figures.drawing.sheet import NOTHING, Key, Sheet
from bench.reports.figures.drawing.style import WIDTH, colour, dash, marker
from bench.reports.figures.drawing.text import wrap
from bench.reports.figures.parts import PlotArm
from bench.reports.figures.quantities import quantity
from bench.reports.figures.ranges import Range, axis_range, is_cut
from bench.reports.records.arms import redrawn
from bench.reports.records.collect import Record
from bench.reports.tables.build import BETWEEN
from bench.trackers.record import Outcome

TALL = 1.75
"""Inches of a panel."""
ACROSS = 3
"""Most panels side by side."""
BAND = 0.16
"""Opacity of a band."""
NO_CURVE = "without recorded epochs"
FEW_SEEDS, FEW_ARMS = 5, 6
"""Most seeds, and most arms, for which seeds are drawn as curves of their own."""


class Curves(OfStage):
    """Learning curves: the mean over seeds, with its interval as a band."""

    kind: Literal["curves"]
    metric: Words = ["train/loss", "val/accuracy"]
    """Metrics that were recorded every epoch, a row of panels each."""
    lines: Words
    """Axes whose levels are the lines."""


@dataclass(frozen=True)
class Curve:
    """One arm's learning curve. seeds: a curve each, [(epoch, value), …]. steps: the epochs that all seeds have, at which
    mean, low and high stand (low and high None of one seed)."""

    seeds: tuple[tuple[tuple[int, float], ...], ...] = ()
    steps: tuple[int, ...] = ()
    mean: tuple[float, ...] = ()
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class CurvesData:
    """Learning curves: a row a metric, a column a panel. curves: (metric, panel, arm label) → curve; ranges by metric.

    singles: whether seeds are drawn one by one, too.
    """

    metrics: tuple[str, ...]
    panels: tuple[str, ...]
    arm_title: str
    arms: tuple[PlotArm, ...]
    curves: Mapping[tuple[str, str, str], Curve]
    labels: Mapping[str, str]
    """Metric → itself with its unit."""
    ranges: Mapping[str, Range]
    singles: bool = False
    notes: tuple[str, ...] = ()


def _data(name: str, spec: Curves, records: Sequence[Record], store: Store | None) -> tuple[CurvesData, str]:
    """Return the learning curves of a stage's finished trials, and the caption."""
    axes = differing(spec, records, spec.lines)
    cells = place(name, spec, records, axes)
    run_ids = [
        record.run.run_id for cell in cells.values() for record in cell if record.run and record.outcome is Outcome.FINISHED
    ]
    what = {metric: quantity(metric, records) for metric in spec.metric}
    by_run = store.histories(run_ids, spec.metric) if store and run_ids else {}
    curves: dict[tuple[str, str, str], Curve] = {}
    short: dict[str, dict[tuple[str, str], str]] = {metric: {} for metric in spec.metric}
    for (where, arm), cell in cells.items():
        for metric in spec.metric:
            of_seeds = {record.seed: dict(points) for record in cell if (points := _history(record, by_run, metric))}
            histories = {seed: what[metric].of(points) for seed, points in of_seeds.items()}
            curves[metric, where, arm] = curve(histories, max(redrawn(record, metric) for record in cell))
            short[metric][where, arm] = lacking(cell, histories, NO_CURVE)
    panels, names = order_of(cells)
    ranges = {
        metric: _range([arm_curve for (key, _, _), arm_curve in curves.items() if key == metric], what[metric].bounds)
        for metric in spec.metric
    }
    most_seeds = max((len(arm_curve.seeds) for arm_curve in curves.values()), default=0)
    data = CurvesData(
        metrics=tuple(spec.metric),
        panels=panels,
        arm_title=BETWEEN.join(axes),
        arms=arms(records, axes, names),
        curves=curves,
        labels={metric: what[metric].label for metric in spec.metric},
        ranges=ranges,
        singles=len(names) <= FEW_ARMS and 1 < most_seeds <= FEW_SEEDS,
        notes=by_metric({metric: notes(short[metric], panels) for metric in spec.metric}),
    )
    return data, _caption(data, [len(cell) for cell in cells.values()])


def curve(seeds: Mapping[int, Mapping[int, float]], test_to_train: float = 0.0) -> Curve:
    """Return the curves of some seeds, seed → epoch → value, with mean and 95 % t-interval at the epochs that all have.

    test_to_train: see `bench.reports.records.arms.redrawn`.
    """
    seed_curves = tuple(tuple(sorted(seeds[seed].items())) for seed in sorted(seeds))
    steps = sorted(set.intersection(*(set(points) for points in seeds.values()))) if seeds else []
    by_step = [{seed: points[step] for seed, points in seeds.items()} for step in steps]
    samples = [sample(values, len(seeds), test_to_train=test_to_train) for values in by_step]
    mean, low, high = (tuple(getattr(step_sample, name) for step_sample in samples) for name in ("mean", "low", "high"))
    return Curve(seed_curves, tuple(steps), mean, low, high)


def _history(record: Record, by_run: Mapping, metric: str) -> list[tuple[int, float]]:
    if record.outcome is not Outcome.FINISHED or not record.run:
        return []
    return by_run.get(record.run.run_id, {}).get(metric, [])


def _range(curves: Sequence[Curve], bounds: Range) -> Range:
    values = [value for arm_curve in curves for points in arm_curve.seeds for _, value in points]
    intervals = [ends for arm_curve in curves for ends in zip(arm_curve.low, arm_curve.high, strict=True)]
    return axis_range(values, intervals, bounds=bounds)


def _caption(data: CurvesData, planned: Sequence[int]) -> str:
    curves = data.curves.values()
    if not any(arm_curve.seeds for arm_curve in curves):
        return "No trial has recorded epochs."
    caption = f"Lines: the mean over {seeds_told(planned)}"
    caption += "; bands: its 95 % t-interval" if any(low is not None for arm_curve in curves for low in arm_curve.low) else ""
    caption += "; thin lines: a seed each." if data.singles else "."
    if data.singles and any(len(points) > len(arm_curve.steps) for arm_curve in curves for points in arm_curve.seeds):
        caption += " Mean and band end where the first seed ends."
    cut = any(
        is_cut(data.ranges[metric], low, high)
        for (metric, _, _), arm_curve in data.curves.items()
        for low, high in zip(arm_curve.low, arm_curve.high, strict=True)
    )
    return caption + (" Bands go on beyond the panels where they touch an edge." if cut else "")


def draw(data: CurvesData):
    """Return the drawing of learning curves: a column a panel, a row a metric; further panels follow below."""
    across = min(ACROSS, len(data.panels)) or 1
    parts = [data.panels[first : first + across] for first in range(0, len(data.panels), across)]
    empty = [
        arm.label
        for arm in data.arms
        if not any(arm_curve.seeds for (_, _, arm_), arm_curve in data.curves.items() if arm_ == arm.label)
    ]
    key = Key(data.arm_title, data.arms, "line", empty) if len(data.arms) > 1 else None
    down = len(parts) * len(data.metrics)
    if not any(arm_curve.seeds for arm_curve in data.curves.values()):
        sheet = Sheet(0.4, key, data.notes)
        sheet.say(NOTHING)
        return sheet.figure
    titled = any(data.panels)
    sheet = Sheet(down * TALL + len(parts) * (0.25 + 0.15 * titled), key, data.notes)
    grid = sheet.grid(down, across)
    last = max((step for arm_curve in data.curves.values() for points in arm_curve.seeds for step, _ in points), default=1)
    for number, panels in enumerate(parts):
        for position, metric in enumerate(data.metrics):
            line = grid[number * len(data.metrics) + position]
            for ax, panel in zip(line, panels, strict=False):
                _panel(ax, data, metric, panel, last)
                if position == 0 and titled:
                    ax.set_title(wrap(panel, WIDTH / across - 0.5, most=2))
                if position == len(data.metrics) - 1:
                    ax.set_xlabel("epoch")
                else:
                    ax.tick_params(labelbottom=False)
                if ax is not line[0]:
                    ax.tick_params(labelleft=False)
            line[0].set_ylabel(wrap(data.labels[metric], TALL, most=2))
            for ax in line[len(panels) :]:
                ax.set_visible(False)
    sheet.figure.align_ylabels()
    return sheet.figure


def _panel(ax, data: CurvesData, metric: str, panel: str, last: int) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.set_ylim(*data.ranges[metric])
    pad = 0.03 * max(last - 1, 1)
    ax.set_xlim(1 - pad, last + pad)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.grid(axis="y")
    curves = [
        (arm, arm_curve) for arm in data.arms if (arm_curve := data.curves.get((metric, panel, arm.label))) and arm_curve.seeds
    ]
    for arm, arm_curve in curves:
        _curve(ax, arm_curve, arm.place, data.singles)
    if not curves:
        ax.text(0.5, 0.5, NOTHING, transform=ax.transAxes, ha="center", va="center")


def _curve(ax, arm_curve: Curve, place: int, singles: bool) -> None:
    tone = colour(place)
    if singles and len(arm_curve.seeds) > 1:
        for points in arm_curve.seeds:
            steps, values = zip(*points, strict=True)
            ax.plot(steps, values, color=tone, linewidth=0.5, alpha=0.55, zorder=2)
    low, high = ([math.nan if value is None else value for value in ends] for ends in (arm_curve.low, arm_curve.high))
    ax.fill_between(arm_curve.steps, low, high, color=tone, alpha=BAND, linewidth=0, zorder=1)
    single = {"marker": marker(place), "markersize": 4} if len(arm_curve.steps) == 1 else {}
    ax.plot(arm_curve.steps, arm_curve.mean, color=tone, linewidth=1.6, linestyle=dash(place), zorder=3, **single)


def build(name: str, figure: Curves, source: FigureSource) -> tuple[str, CurvesData, str]:
    title = f"Learning curves of stage {figure.stage}: {', '.join(figure.metric)}"
    return title, *_data(name, figure, source.records, source.store)


def metrics(figure: Curves) -> Iterator[NamedMetric]:
    for i, metric in enumerate(figure.metric):
        yield ("metric", i), metric, True


KIND = Kind(Curves, check_cells, build, draw, metrics)
