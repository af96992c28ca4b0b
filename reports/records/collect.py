"""Put what was planned and what was recorded together: one record a planned trial, none dropped."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bench.grammar.cells import SPLIT
from bench.grammar.derived import curves_of
from bench.reports.records.derived import Curves, absent, measured
from bench.trackers import StoredRun, record
from bench.trackers.record import Outcome

if TYPE_CHECKING:
    from bench.grammar.derived import Derived


@dataclass(frozen=True)
class Expected:
    """One planned trial: a cell of a stage, with a seed. `unavailable` says why it cannot be run here, if so."""

    stage: str
    labels: dict[str, str]
    """axis → label of the cell."""
    seed: int
    fingerprint: str
    unavailable: str = ""
    start: str = ""
    """The cell of another stage whose configuration it starts from, if any."""
    run_id: str = ""
    """The run that stands for it, where that is known."""
    vary: tuple[str, ...] = ()
    """What its seed draws beside training."""

    @property
    def cell(self) -> str:
        return ", ".join(f"{axis}={label}" for axis, label in self.labels.items())


@dataclass(frozen=True)
class Record(Expected):
    """A planned trial and what became of it.

    derived: the suite's own metrics. curves: by epoch, of the metrics that some of these are made from.
    """

    run: StoredRun | None = None
    outcome: Outcome = Outcome.MISSING
    derived: Mapping[str, "Derived"] = field(default_factory=dict, repr=False)
    curves: Curves = field(default_factory=dict, repr=False)

    @property
    def split(self) -> str:
        """The label of its split, of those that are crossed with the seeds; "" where none are."""
        return self.labels[SPLIT] if self.vary == ("splits",) else ""

    @property
    def trials(self) -> "Sequence[Record]":
        """The trials that it stands for."""
        return (self,)

    @property
    def message(self) -> str:
        """Why there is no result, where something is known about it."""
        return record.message(self.run) if self.run else self.unavailable

    def value(self, metric: str) -> float | None:
        """Return a finished trial's metric, None where it has none that can be reckoned with, or did not finish."""
        if self.run is None or self.outcome is not Outcome.FINISHED:
            return None
        return measured(metric, self.run.metrics, self.derived, self.curves)

    def why(self, metric: str) -> str:
        """Say why it has no value of a metric."""
        if self.run and self.outcome is Outcome.FINISHED:
            return absent(metric, self.run.metrics, self.derived, self.curves)
        return f"{self.outcome}: {self.message}" if self.outcome is Outcome.UNAVAILABLE and self.message else self.outcome


@dataclass(frozen=True)
class OverSplits(Record):
    """The trials of a cell with one seed on each of several splits, as one: a metric is their mean. run: the first one's.

    parts: split → its trial.
    """

    parts: Mapping[str, Record] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, parts: Mapping[str, Record]) -> "OverSplits":
        """Return trials as one. It has the outcome of the first that did not finish."""
        first = next(iter(parts.values()))
        outcome = next((part.outcome for part in parts.values() if part.outcome is not Outcome.FINISHED), Outcome.FINISHED)
        labels = {axis: label for axis, label in first.labels.items() if axis != SPLIT}
        return cls(**vars(first) | {"labels": labels, "outcome": outcome}, parts=parts)

    @property
    def trials(self) -> Sequence[Record]:
        return tuple(self.parts.values())

    def value(self, metric: str) -> float | None:
        values = [part.value(metric) for part in self.parts.values()]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if len(known) == len(values) else None

    def why(self, metric: str) -> str:
        return next(part.why(metric) for part in self.parts.values() if part.value(metric) is None)


Histories = Callable[[Sequence[str], Sequence[str]], Mapping[str, Curves]]
"""(run ids, metrics) → run id → curves, as of a tracker."""


def collect(
    expected: Iterable[Expected],
    runs: Iterable[StoredRun],
    derived: Mapping[str, "Derived"] | None = None,
    histories: Histories | None = None,
) -> list[Record]:
    """Return a record for every expected trial, in order, with its run. derived: the suite's own metrics. histories: reads the
    epochs of runs; it is asked once, for the metrics of which a derived one needs them.

    Of several runs with one fingerprint the first counts by `record.rank`, unless one is named. A run
    without a fingerprint, logged by something else, counts by its tags: stage, axis.<axis> and seed. What a search pruned says
    nothing of a trial elsewhere. Runs that nobody expects are ignored.
    """
    best: dict[str | tuple, StoredRun] = {}
    for run in sorted(runs, key=record.rank, reverse=True):
        best[record.fingerprint(run) or _place(run)] = best[run.run_id] = run
    derived_metrics = derived or {}
    records = []
    for trial in expected:
        stored = best.get(trial.run_id) or best.get(trial.fingerprint) or best.get(_key(trial))
        pruned_elsewhere = (
            stored and record.outcome(stored) is Outcome.PRUNED and record.stage(stored, default=trial.stage) != trial.stage
        )
        records.append(_record(trial, None if pruned_elsewhere else stored, derived_metrics))
    return _with_curves(records, curves_of(derived_metrics), histories) if histories else records


def _with_curves(records: list[Record], metrics: Sequence[str], histories: Histories) -> list[Record]:
    finished = [record.run.run_id for record in records if record.run and record.outcome is Outcome.FINISHED]
    if not metrics or not finished:
        return records
    curves = histories(list(dict.fromkeys(finished)), metrics)
    return [replace(record, curves=curves.get(record.run.run_id, {})) if record.run else record for record in records]


def _place(run: StoredRun) -> tuple:
    """Return where a run belongs that others logged, without a fingerprint."""
    return record.stage(run), frozenset(record.labels(run).items()), record.seed(run)


def _key(trial: Expected) -> tuple:
    return trial.stage, frozenset(trial.labels.items()), str(trial.seed)


def _record(trial: Expected, run: StoredRun | None, derived: Mapping[str, "Derived"]) -> Record:
    without = Outcome.UNAVAILABLE if trial.unavailable else Outcome.MISSING
    outcome = record.outcome(run) if run else without
    return Record(**vars(trial), run=run, outcome=outcome, derived=derived)
