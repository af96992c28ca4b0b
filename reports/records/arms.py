"""One side of a comparison: its values seed by seed, and what they come from."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from bench.errors import BenchError
from bench.grammar.cells import Cell
from bench.grammar.derived import Derived, described, stored
from bench.grammar.metrics import Metric, by_name
from bench.reports.records.collect import OverSplits, Record
from bench.reports.statistics import Comparison, paired, resampled, welch
from bench.trackers.record import Outcome
from bench.trackers.record import classes as classes_of
from bench.trackers.record import conditions as of_run
from bench.trackers.record import items as items_of
from bench.trackers.record import redrawn as redrawn_of
from bench.trackers.record import resplit as resplit_of

Place = TypeVar("Place", bound=tuple[str, ...])


@dataclass(frozen=True)
class Arm:
    """One side of a comparison: cells of a stage, whose mean counts, seed by seed."""

    stage: str
    labels: Mapping[str, str]
    """axis → label, or what is averaged, as the claim named them."""
    cells: tuple[Cell, ...]
    averaged: tuple[str, ...] = ()
    """The axes over which it is a mean."""
    members: tuple[Cell, ...] = ()
    """Of an ensemble, the cells whose trials vote."""

    def points(self, axes: Sequence[str]) -> set[tuple[str | None, ...]]:
        """Return the levels of some axes that its cells have."""
        return {tuple(cell.labels.get(axis) for axis in axes) for cell in self.cells}

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that its cells are of, where the stage crosses several with its seeds."""
        return tuple(dict.fromkeys(cell.split for cell in self.cells if cell.crossed))

    def is_same(self, other: "Arm") -> bool:
        """Whether it has the cells of another arm."""
        places = [{(arm.stage, tuple(cell.labels.items())) for cell in arm.cells} for arm in (self, other)]
        return places[0] == places[1]


@dataclass(frozen=True)
class ArmValues:
    """A metric of an arm. values: by seed, the mean over its cells where it has several; only seeds that every cell has."""

    name: str
    values: dict[int, float] = field(default_factory=dict)
    records: dict[int, tuple[Record, ...]] = field(default_factory=dict)
    """seed → the trials that the value comes from."""
    without: dict[int, str] = field(default_factory=dict)
    """seed → why it has no value."""

    def items(self, metric: str) -> int:
        """Return how many images a metric's split has, as its trials say; 0 where they do not say so, or not alike."""
        known = {items_of(record.run, metric) for records in self.records.values() for record in records if record.run}
        return known.pop() if len(known) == 1 else 0

    def redrawn(self, metric: str) -> float:
        """Return the ratio of images measured on to images trained on, where each seed splits the former off anew; 0 where they
        stay the same."""
        return max((redrawn(record, metric) for records in self.records.values() for record in records), default=0.0)

    def resplit(self, metric: str) -> float:
        """Return the same where each split that is crossed with the seeds holds them out anew."""
        return max((resplit(record, metric) for records in self.records.values() for record in records), default=0.0)

    @property
    def classes(self) -> int:
        """How many classes its trials told apart; 0 where they do not say so, or not alike."""
        known = {classes_of(record.run) for records in self.records.values() for record in records if record.run}
        return known.pop() if len(known) == 1 else 0

    def scaled(self, factor: float) -> "ArmValues":
        """Return the same in another unit."""
        return self if factor == 1 else replace(self, values={seed: factor * value for seed, value in self.values.items()})

    @property
    def run_ids(self) -> list[str]:
        return [record.run.run_id for records in self.records.values() for record in records if record.run]

    @property
    def conditions(self) -> frozenset[tuple[str, ...]]:
        return frozenset(conditions(record) for records in self.records.values() for record in records)


def redrawn(record: Record, metric: str) -> float:
    """Return the ratio of images measured on to images trained on, of a metric of images that each seed splits off anew; the
    largest of what it is made from; 0 where the images stay the same."""
    if not record.run:
        return 0.0
    return max((redrawn_of(record.run, name) for name in stored(metric, record.derived)), default=0.0)


def resplit(record: Record, metric: str) -> float:
    """Return the same of a metric of images that each split holds out anew, of those that are crossed with the seeds."""
    names, runs = list(stored(metric, record.derived)), [trial.run for trial in record.trials if trial.run]
    return max((resplit_of(run, name) for run in runs for name in names), default=0.0)


def conditions(record: Record) -> tuple[str, ...]:
    """Return under which conditions a finished trial was timed."""
    return of_run(record.run) if record.run else ()


def unlike(run_conditions: Iterable[tuple[str, ...]], *metrics: str) -> str:
    """Say why metrics that were taken under these conditions cannot be compared, of those that depend on the machine; "" if they
    can."""
    of_machine = [known for known in map(by_name, metrics) if known.is_ratio]
    run_conditions = set(run_conditions)
    if not of_machine:
        return ""
    if not any(known.crowded for known in of_machine):
        return _on_unlike_devices({(device, pack) for device, *_, pack in run_conditions})
    if any(not all(condition[:3]) for condition in run_conditions):
        return "the runs do not say on what device, with how many workers and threads they were timed"
    if len(run_conditions) > 1:
        listing = " and ".join(
            f"{device} ({', '.join([f'{workers} × {threads}', *filter(None, [precision]), *[f'packs of {pack}'] * bool(pack)])})"
            for device, workers, threads, precision, pack in sorted(run_conditions)
        )
        return f"timed under unlike conditions, device (workers × threads, precision, packs): {listing}"
    return ""


def _on_unlike_devices(devices: set[tuple[str, str]]) -> str:
    """Say why what trials need cannot be compared, whatever runs beside them. devices: each with the number of trials a pack."""
    if not all(device for device, _ in devices):
        return "the runs do not say on what device they were measured"
    if len(devices) > 1:
        listing = " and ".join(device + (f" (packs of {pack})" if pack else "") for device, pack in sorted(devices))
        return f"measured on unlike devices, or in unlike packs: {listing}"
    return ""


def compared(
    left: Mapping[int, float],
    right: Mapping[int, float],
    *,
    test: str,
    ratio: bool,
    confidence: float,
    test_to_train: float = 0.0,
) -> Comparison:
    """Compare two arms, value by seed, with the test that the suite declares. test_to_train: of images that each seed splits off
    anew, see `redrawn`."""
    if test == "welch":
        return welch(left, right, ratio=ratio, confidence=confidence)
    return overlapping(paired(left, right, ratio=ratio, test=test, confidence=confidence), test_to_train)


def overlapping(tested: Comparison, test_to_train: float) -> Comparison:
    """Return a comparison over seeds with the error that overlapping splits have, if it is a t-test and they do."""
    return resampled(tested, test_to_train) if test_to_train and tested.test == "t" else tested


class Records:
    """The records of a suite, found by cell and seed."""

    def __init__(self, records: Sequence[Record]):
        self.records = records
        self.cells: dict[tuple, dict[int, Record]] = {}
        known: dict[tuple[str, int], dict[int, Record]] = {}  # a cell's trials share their labels
        for record in records:
            cell = record.stage, id(record.labels)
            if cell not in known:
                known[cell] = self.cells.setdefault(_key(record.stage, record.labels), {})
            known[cell][record.seed] = record

    @property
    def derived(self) -> Mapping[str, Derived]:
        """The suite's own metrics."""
        return self.records[0].derived if self.records else {}

    def described(self, metric: str) -> Metric:
        """Return what is known of a metric."""
        return described(metric, self.derived)

    def run_ids(self, stage: str) -> set[str]:
        """Return the runs that stand for a stage's trials."""
        return {record.run.run_id for _, by_seed in self.of_stage(stage) for record in by_seed.values() if record.run}

    def of_stage(self, stage: str) -> Iterator[tuple[Mapping[str, str], dict[int, Record]]]:
        """Yield the labels of every cell of a stage, in order, with its trials by seed."""
        for (of, labels), by_seed in self.cells.items():
            if of == stage:
                yield dict(labels), by_seed

    def placed(
        self,
        stage: str,
        where: Mapping[str, Sequence[str]],
        place: Callable[[Mapping[str, str]], Place],
        asked_by: str,
        mend: str,
        *,
        over_splits: bool = False,
    ) -> dict[Place, dict[int, Record]]:
        """Return place → the trials by seed of the cell that stands there. where: axis → the labels that are wanted.
        over_splits: whether the splits that are crossed with the seeds are one place, see `OverSplits`.

        BenchError where two cells fall on one place; asked_by: what has these places.
        """
        places: dict[tuple[Place, str], dict[int, Record]] = {}
        taken: dict[Place, dict[int, Record]] = {}
        for labels, by_seed in self.of_stage(stage):
            if any(labels.get(axis) not in allowed for axis, allowed in where.items()):
                continue
            at, one = place(labels), next(iter(by_seed.values()))
            split = one.split if over_splits else ""
            if at in taken and (not split or (at, split) in places):
                first, second = next(iter(taken[at].values())).cell, one.cell
                suffix = f" ({', '.join(filter(None, at))})" if any(at) else ""
                raise BenchError(f"two cells fall on one place{suffix}: {first} and {second}", where=asked_by, mend=mend)
            places[at, split] = taken[at] = by_seed
        return _over_splits(places)

    def has(self, arm: Arm) -> bool:
        """Whether all of the arm's cells are part of this report (`--only` leaves some out)."""
        return all(_key(arm.stage, cell.labels) in self.cells for cell in arm.cells)

    def of(self, arm: Arm, seeds: Sequence[int]) -> list[Record]:
        """Return the arm's trials with these seeds."""
        cells = [self.cells[_key(arm.stage, cell.labels)] for cell in arm.cells]
        return [by_seed[seed] for by_seed in cells for seed in seeds if seed in by_seed]

    def finished(self, arm: Arm, seeds: Sequence[int]) -> ArmValues:
        """Return which of an arm's trials with these seeds have finished, with 1 for the value of each."""
        result = ArmValues(", ".join(f"{axis}={text}" for axis, text in arm.labels.items()))
        for record in self.of(arm, seeds):
            if record.outcome is Outcome.FINISHED:
                result.values[record.seed] = 1.0
                result.records[record.seed] = (*result.records.get(record.seed, ()), record)
            else:
                result.without[record.seed] = record.outcome
        return result

    def values(self, arm: Arm, metric: str, seeds: Sequence[int]) -> ArmValues:
        """Return the arm's values of a metric for these seeds."""
        result = ArmValues(", ".join(f"{axis}={text}" for axis, text in arm.labels.items()))
        cells = [self.cells[_key(arm.stage, cell.labels)] for cell in arm.cells]
        for seed in seeds:
            records = [by_seed[seed] for by_seed in cells if seed in by_seed]
            if not records:
                continue
            measurements = [record.value(metric) for record in records]
            lacking = [record for record, value in zip(records, measurements, strict=True) if value is None]
            values = [value for value in measurements if value is not None]
            if lacking:
                result.without[seed] = lacking[0].why(metric)
            elif len(records) == len(arm.cells):
                result.values[seed] = sum(values) / len(values)
                result.records[seed] = tuple(records)
        return result


def _over_splits(by_split: Mapping[tuple[Place, str], dict[int, Record]]) -> dict[Place, dict[int, Record]]:
    """Return place → trials by seed, those of all splits as one. by_split: by place and split, "" of a cell without."""
    places: dict[Place, dict[str, dict[int, Record]]] = {}
    for (at, split), by_seed in by_split.items():
        places.setdefault(at, {})[split] = by_seed
    merged: dict[Place, dict[int, Record]] = {}
    for place, splits in places.items():
        first = next(iter(splits.values()))
        seeds = [seed for seed in first if all(seed in by_seed for by_seed in splits.values())]
        parts = {seed: {split: by_seed[seed] for split, by_seed in splits.items()} for seed in seeds}
        merged[place] = first if len(splits) == 1 else {seed: OverSplits.of(parts[seed]) for seed in seeds}
    return merged


def _key(stage: str, labels: Mapping[str, str]) -> tuple:
    return stage, tuple(labels.items())
