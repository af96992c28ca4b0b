"""Figures of a stage: learning curves, bars by class, confusion matrices."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.reports.figures.cells import Store, arms, by_metric, lacking, notes, place, sample, seeds_told
from bench.reports.figures.data import Classes, Confusion, Curve, Curves, Matrix, Sample
from bench.reports.figures.ranges import SHARE, axis_range, is_cut
from bench.reports.records.collect import Record
from bench.reports.tables.build import BETWEEN, natural
from bench.trackers import contents
from bench.trackers.record import Artifact, Outcome

if TYPE_CHECKING:
    from bench.reports.figures.grammar import Classes as ClassesSpec
    from bench.reports.figures.grammar import Confusion as ConfusionSpec
    from bench.reports.figures.grammar import Curves as CurvesSpec

NO_CURVE = "without recorded epochs"
NO_MATRIX = "without a stored confusion matrix"
FEW_SEEDS, FEW_ARMS = 5, 6
"""Most seeds, and most arms, for which seeds are drawn as curves of their own."""


def curves(name: str, spec: "CurvesSpec", records: Sequence[Record], store: Store | None) -> tuple[Curves, str]:
    """Return the learning curves of a stage's finished trials, and the caption."""
    cells = place(name, spec, records, spec.lines)
    run_ids = [
        record.run.run_id for cell in cells.values() for record in cell if record.run and record.outcome is Outcome.FINISHED
    ]
    found = store.histories(run_ids, spec.metric) if store and run_ids else {}
    made: dict[tuple[str, str, str], Curve] = {}
    short: dict[str, dict[tuple[str, str], str]] = {metric: {} for metric in spec.metric}
    for (where, arm), cell in cells.items():
        for metric in spec.metric:
            histories = {record.seed: dict(points) for record in cell if (points := _history(record, found, metric))}
            made[metric, where, arm] = curve(histories)
            short[metric][where, arm] = lacking(cell, histories, NO_CURVE)
    panels, names = _order(cells)
    ranges = {metric: _range([one for (key, _, _), one in made.items() if key == metric]) for metric in spec.metric}
    data = Curves(
        metrics=tuple(spec.metric),
        panels=panels,
        arm_title=BETWEEN.join(spec.lines),
        arms=arms(records, spec.lines, names),
        curves=made,
        ranges=ranges,
        singles=len(names) <= FEW_ARMS and 1 < max((len(one.seeds) for one in made.values()), default=0) <= FEW_SEEDS,
        notes=by_metric({metric: notes(short[metric], panels) for metric in spec.metric}),
    )
    return data, _curves_caption(data, [len(cell) for cell in cells.values()])


def curve(seeds: Mapping[int, Mapping[int, float]]) -> Curve:
    """Return the curves of some seeds, seed → epoch → value, with mean and 95 % t-interval at the epochs that all have."""
    own = tuple(tuple(sorted(seeds[seed].items())) for seed in sorted(seeds))
    steps = sorted(set.intersection(*(set(points) for points in seeds.values()))) if seeds else []
    samples = [sample({seed: points[step] for seed, points in seeds.items()}, len(seeds)) for step in steps]
    mean, low, high = (tuple(getattr(one, name) for one in samples) for name in ("mean", "low", "high"))
    return Curve(own, tuple(steps), mean, low, high)


def classes(name: str, spec: "ClassesSpec", records: Sequence[Record]) -> tuple[Classes, str]:
    """Return the metrics `spec.metric/<class>` of a stage's cells by class, and the caption."""
    cells = place(name, spec, records, spec.bars)
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
    samples: dict[tuple[str, str, str], Sample] = {}
    short = {}
    for (where, arm), cell in cells.items():
        for one in names:
            by_seed = {record.seed: value for record in cell if (value := record.value(prefix + one)) is not None}
            samples[where, one, arm] = sample(by_seed, len(cell))
        having = {record.seed for record in cell if _has(record, prefix)}
        short[where, arm] = lacking(cell, having, f"without {spec.metric}")
    if spec.sorted:
        names.sort(key=lambda one: -_mean_of(samples, one))
    panels, labels = _order(cells)
    values = [value for one in samples.values() for value in one.values]
    reach = axis_range([0.0, *values], [(one.low, one.high) for one in samples.values()])
    share = all(0 <= value <= 1 for value in values)
    axis = SHARE if share else (reach[0] if min(values) < 0 else 0.0, reach[1])
    data = Classes(
        metric=spec.metric,
        classes=tuple(names),
        panels=panels,
        arm_title=BETWEEN.join(spec.bars),
        arms=arms(records, spec.bars, labels),
        samples=samples,
        range=axis,
        notes=notes(short, panels),
    )
    if not values:
        return data, "No trial has a result."
    told = f"Bars: the mean over {seeds_told(map(len, cells.values()))}"
    told += "; whiskers: its 95 % t-interval" if any(one.low is not None for one in samples.values()) else ""
    told += "; dots: a seed each." if any(one.spread for one in samples.values()) else "."
    told += " The largest mean first." if spec.sorted else ""
    if any(is_cut(axis, one.low, one.high) for one in samples.values()):
        told += " Whiskers end with the axis." if not share else " Whiskers end at 0 and 1."
    return data, told


def _mean_of(samples: Mapping[tuple[str, str, str], Sample], name: str) -> float:
    """Return the mean of a class over panels and arms; of one without any value, less than any other."""
    means = [one.mean for (_, other, _), one in samples.items() if other == name and one.mean is not None]
    return sum(means) / len(means) if means else -math.inf


def confusion(name: str, spec: "ConfusionSpec", records: Sequence[Record], store: Store | None) -> tuple[Confusion, str]:
    """Return the mean confusion matrix of each panel, and the caption."""
    cells = place(name, spec, records, [])
    found = {where: _matrix(where, cell, spec.split, store) for (where, _), cell in cells.items()}
    short = {(where, where): text for where, (_, text) in found.items()}
    data = Confusion(tuple(one for one, _ in found.values() if one), notes(short, [""]) if any(found) else tuple(short.values()))
    if not data.panels:
        return data, "No trial has stored a confusion matrix."
    told = "Of the images of a true class (row), the share in % that was taken for each class (column)"
    return data, f"{told}, on the {spec.split} set: mean over {seeds_told(map(len, cells.values()))}."


def _matrix(where: str, cell: Sequence[Record], split: str, store: Store | None) -> tuple[Matrix | None, str]:
    """Return the mean matrix of a cell, and what is lacking of it."""
    found = {record.seed: one for record in cell if (one := _stored(record, split, store))}
    known = list(found.values())
    lack = lacking(cell, found, NO_MATRIX)
    if not known:
        return None, lack
    names = known[0][0]
    same = [counts for other, counts in known if other == names]
    by_seed = [[[count / sum(row) if sum(row) else None for count in row] for row in counts] for counts in same]
    shares = tuple(tuple(_mean([one[i][j] for one in by_seed]) for j in range(len(names))) for i in range(len(names)))
    if len(same) < len(known):
        lack = ", ".join(text for text in (lack, f"{len(known) - len(same)} with other classes left out") if text)
    return Matrix(where, names, shares, len(same), len(cell)), lack


def _stored(record: Record, split: str, store: Store | None) -> tuple[tuple[str, ...], list[list[float]]] | None:
    """Return the class names and counts [true][predicted] that a finished trial stored; None where there are none to read."""
    if not (store and record.run and record.outcome is Outcome.FINISHED):
        return None
    try:
        told = contents.confusion(store.artifact(record.run.run_id, Artifact.CONFUSION) or b"")
    except contents.Damaged:
        return None
    return (told["classes"], told[split]) if split in told else None


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _history(record: Record, found: Mapping, metric: str) -> list[tuple[int, float]]:
    if record.outcome is not Outcome.FINISHED or not record.run:
        return []
    return found.get(record.run.run_id, {}).get(metric, [])


def _has(record: Record, prefix: str) -> bool:
    stored = record.run.metrics if record.run and record.outcome is Outcome.FINISHED else {}
    return any(key.startswith(prefix) for key in stored)


def _order(cells: Mapping[tuple[str, str], object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the panels and the arms, each in the order of the cells."""
    return tuple(dict.fromkeys(where for where, _ in cells)), tuple(dict.fromkeys(arm for _, arm in cells))


def _range(found: Sequence[Curve]) -> tuple[float, float]:
    values = [value for one in found for points in one.seeds for _, value in points]
    return axis_range(values, [ends for one in found for ends in zip(one.low, one.high, strict=True)])


def _curves_caption(data: Curves, planned: Sequence[int]) -> str:
    found = data.curves.values()
    if not any(one.seeds for one in found):
        return "No trial has recorded epochs."
    told = f"Lines: the mean over {seeds_told(planned)}"
    told += "; bands: its 95 % t-interval" if any(low is not None for one in found for low in one.low) else ""
    told += "; thin lines: a seed each." if data.singles else "."
    if data.singles and any(len(points) > len(one.steps) for one in found for points in one.seeds):
        told += " Mean and band end where the first seed ends."
    cut = any(
        is_cut(data.ranges[metric], low, high)
        for (metric, _, _), one in data.curves.items()
        for low, high in zip(one.low, one.high, strict=True)
    )
    return told + (" Bands go on beyond the panels where they touch an edge." if cut else "")
