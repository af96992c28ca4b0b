"""Put what was planned and what was recorded together: one record a planned trial, none dropped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.reports.records.derived import absent, measured
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

    @property
    def cell(self) -> str:
        return ", ".join(f"{axis}={label}" for axis, label in self.labels.items())


@dataclass(frozen=True)
class Record(Expected):
    """A planned trial and what became of it.

    derived: the suite's own metrics.
    """

    run: StoredRun | None = None
    outcome: Outcome = Outcome.MISSING
    derived: Mapping[str, "Derived"] = field(default_factory=dict, repr=False)

    @property
    def message(self) -> str:
        """Why there is no result, where something is known about it."""
        return record.message(self.run) if self.run else self.unavailable

    def value(self, metric: str) -> float | None:
        """Return a finished trial's metric, None where it has none that can be reckoned with, or did not finish."""
        return measured(metric, self.run.metrics, self.derived) if self.run and self.outcome is Outcome.FINISHED else None

    def why(self, metric: str) -> str:
        """Say why it has no value of a metric."""
        if self.run and self.outcome is Outcome.FINISHED:
            return absent(metric, self.run.metrics, self.derived)
        return f"{self.outcome}: {self.message}" if self.outcome is Outcome.UNAVAILABLE and self.message else self.outcome


def collect(
    expected: Iterable[Expected], runs: Iterable[StoredRun], derived: Mapping[str, "Derived"] | None = None
) -> list[Record]:
    """Return a record for every expected trial, in order, with its run. derived: the suite's own metrics.

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
    return records


def _place(run: StoredRun) -> tuple:
    """Return where a run belongs that others logged, without a fingerprint."""
    return record.stage(run), frozenset(record.labels(run).items()), record.seed(run)


def _key(trial: Expected) -> tuple:
    return trial.stage, frozenset(trial.labels.items()), str(trial.seed)


def _record(trial: Expected, run: StoredRun | None, derived: Mapping[str, "Derived"]) -> Record:
    without = Outcome.UNAVAILABLE if trial.unavailable else Outcome.MISSING
    outcome = record.outcome(run) if run else without
    return Record(**vars(trial), run=run, outcome=outcome, derived=derived)
