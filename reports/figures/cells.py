"""From records to what is drawn: which cell stands where, in which colour, and its values seed by seed."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, Protocol

from bench.reports.figures.parts import PlotArm, Sample
from bench.reports.records.arms import Records, overlapping
from bench.reports.records.collect import Record
from bench.reports.statistics import one_sample, summary
from bench.reports.tables.build import ABSENT, place_label
from bench.trackers.record import Outcome

MOST_NAMED = 4


class Store(Protocol):
    """Where histories and artifacts come from; a tracker is one."""

    def histories(self, run_ids: Sequence[str], metrics: Sequence[str]) -> dict[str, dict[str, list[tuple[int, float]]]]:
        """Return the epochs of runs: run id → metric → [(epoch, value), …]; what has none is left out."""

    def artifact(self, run_id: str, name: str) -> bytes | None:
        """Return the content of an artifact, None where the run has none of this name."""

    def unreachable(self, run_id: str) -> str:
        """Return why no artifact of a run can be read from here, "" where they can be."""


def sample(values: Mapping[int, float], planned: int, note: str = "", test_to_train: float = 0.0) -> Sample:
    """Return seed → value as a sample with its mean and 95 % t-interval.

    test_to_train: see `bench.reports.records.arms.redrawn`.
    """
    interval = overlapping(one_sample(values, max(map(abs, values.values()), default=0.0)), test_to_train)
    mean = summary(values.values()).mean
    return Sample(tuple(value for _, value in sorted(values.items())), planned, mean, interval.ci_low, interval.ci_high, note)


def arms(records: Sequence[Record], axes: Sequence[str], labels: Iterable[str]) -> tuple[PlotArm, ...]:
    """Return the arms of these labels, in the order given, each with its place among all that the suite has on these axes."""
    levels: dict[str, dict[str, int]] = {axis: {} for axis in axes}
    for record in records:
        for axis, known in levels.items():
            if axis in record.labels:
                known.setdefault(record.labels[axis], len(known))
    places: dict[str, tuple[int, ...]] = {}
    for record in records:
        if any(axis in record.labels for axis in axes):
            places[label(record, axes)] = tuple(levels[axis].get(record.labels.get(axis, ""), len(levels[axis])) for axis in axes)
    order = sorted(places, key=places.__getitem__)
    return tuple(PlotArm(text, order.index(text) if text in places else len(order)) for text in labels)


def label(record: Record, axes: Sequence[str]) -> str:
    """Return the labels of a record on some axes as a table writes them."""
    return place_label(record.labels, axes)


def differing(spec: Any, records: Sequence[Record], axes: Sequence[str]) -> list[str]:
    """Return those of some axes in which the cells of a figure of a stage differ, so that a key need not repeat what all share;
    all of them where none does."""
    shown = [
        record.labels
        for record in records
        if record.stage == spec.stage and all(record.labels.get(axis) in allowed for axis, allowed in spec.where.items())
    ]
    return [axis for axis in axes if len({labels.get(axis) for labels in shown}) > 1] or list(axes)


def panel(labels: Mapping[str, str], axes: Sequence[str]) -> str:
    """Return the heading of the panel that a cell belongs to."""
    return ", ".join(f"{axis} = {labels.get(axis, ABSENT)}" for axis in axes)


def place(name: str, spec: Any, records: Sequence[Record], across: Sequence[str]) -> dict[tuple[str, str], list[Record]]:
    """Return (panel, arm label) → the records of its cell, of a figure of a stage. across: the axes of the arms.

    BenchError where two cells would be drawn as one.
    """
    cells = Records(records).placed(
        spec.stage,
        spec.where,
        lambda labels: (panel(labels, spec.panels), place_label(labels, across)),
        f"figure {name}",
        "pin the other axes with `where`, or add them to the panels",
    )
    return {at: list(by_seed.values()) for at, by_seed in cells.items()}


def lacking(records: Sequence[Record], having: Container[int], missing: str) -> str:
    """Say how many of a cell's seeds there are and what became of the others; "" where all are there.

    having: the seeds that have what is drawn. missing: what to say of a trial that finished without it.
    """
    without = Counter(
        missing if record.outcome is Outcome.FINISHED else record.outcome for record in records if record.seed not in having
    )
    if not without:
        return ""
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in without.items())
    left = len(records) - without.total()
    return f"n={left} of {len(records)} seeds ({outcomes})" if left else f"no result ({outcomes})"


def absent(records: Sequence[Record], having: Container[int], missing: str, store: Store | None) -> str:
    """Return what to say of the trials that finished without an artifact: that it is missing, or that it cannot be reached.

    having, missing: see `lacking`.
    """
    without = (record.run for record in records if record.run and record.seed not in having)
    return next((f"{missing}, which {why}" for run in without if store and (why := store.unreachable(run.run_id))), missing)


def notes(texts: Mapping[tuple[str, str], str], panels: Sequence[str]) -> tuple[str, ...]:
    """Return one note for each arm and what is lacking of it. texts: (panel, arm label) → what is lacking."""
    merged: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (where, arm), text in texts.items():
        if text:
            merged[arm, text].append(where)
    result = []
    for (arm, text), places in merged.items():
        where = "" if len(places) == len(panels) else f", {some(places)}"
        result.append(f"{arm or 'all'}{where}: {text}.")
    return tuple(result)


def by_metric(metric_notes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return notes, those that do not hold for every metric with the metric before them."""
    shared = [text for text in next(iter(metric_notes.values()), ()) if all(text in texts for texts in metric_notes.values())]
    specific = [f"{metric}: {text}" for metric, texts in metric_notes.items() for text in texts if text not in shared]
    return tuple(shared + specific)


def some(names: Sequence[str]) -> str:
    """Name the first few."""
    more = len(names) - MOST_NAMED
    return "; ".join(names) if more <= 1 else f"{'; '.join(names[:MOST_NAMED])}; and {more} more"


def seeds_told(planned: Iterable[int]) -> str:
    """Return how many seeds a cell has, as a caption says it."""
    counts = sorted(set(planned))
    if not counts:
        return "n=0 seeds"
    return f"n={counts[0]} seed{'s' * (counts[0] != 1)}" if len(counts) == 1 else f"n={counts[0]} to {counts[-1]} seeds"


def order_of(cells: Mapping[tuple[str, str], object]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the panels and the arms, each in the order of the cells."""
    return tuple(dict.fromkeys(where for where, _ in cells)), tuple(dict.fromkeys(arm for _, arm in cells))
