"""Put what was planned and what was recorded together: one record a planned trial, none dropped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.reports.derived import absent, measured
from bench.trackers import StoredRun

if TYPE_CHECKING:
    from bench.suite.metrics import Derived

FINISHED, PRUNED = "finished", "pruned"
DONE = (FINISHED, PRUNED)
"""Outcomes of which nothing is missing: a trial that a search ended early did what it was there for."""
BY_STATUS = {"RUNNING": "running", "FINISHED": FINISHED, "FAILED": "failed", "KILLED": "interrupted"}


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

    outcome: finished; pruned; a recorded failure (diverged, oom, timeout, failed, …); interrupted, running, unavailable or
    missing. derived: the suite's own metrics.
    """

    run: StoredRun | None = None
    outcome: str = "missing"
    derived: Mapping[str, "Derived"] = field(default_factory=dict, repr=False)

    @property
    def message(self) -> str:
        """Why there is no result, where something is known about it."""
        return self.run.tags.get("message", "") if self.run else self.unavailable

    def value(self, metric: str) -> float | None:
        """Return a finished trial's metric, None where it has none that can be reckoned with, or did not finish."""
        return measured(metric, self.run.metrics, self.derived) if self.run and self.outcome == FINISHED else None

    def why(self, metric: str) -> str:
        """Say why it has no value of a metric."""
        if self.run and self.outcome == FINISHED:
            return absent(metric, self.run.metrics, self.derived)
        return f"{self.outcome}: {self.message}" if self.outcome == "unavailable" and self.message else self.outcome


def collect(
    expected: Iterable[Expected], runs: Iterable[StoredRun], derived: Mapping[str, "Derived"] | None = None
) -> list[Record]:
    """Return a record for every expected trial, in order, with its run. derived: the suite's own metrics.

    Of several runs with one fingerprint the newest FINISHED one counts, or the newest if none is, unless one is named. A run
    without a fingerprint, logged by something else, counts by its tags: stage, axis.<axis> and seed. What a search pruned says
    nothing of a trial elsewhere. Runs that nobody expects are ignored.
    """
    best: dict[str | tuple, StoredRun] = {}
    for run in sorted(runs, key=lambda run: (run.status == "FINISHED", run.start)):
        best[run.tags.get("fingerprint") or _place(run)] = best[run.run_id] = run
    own = derived or {}
    records = []
    for trial in expected:
        found = best.get(trial.run_id) or best.get(trial.fingerprint) or best.get(_key(trial))
        pruned_elsewhere = found and found.tags.get("outcome") == PRUNED and found.tags.get("stage", trial.stage) != trial.stage
        records.append(_record(trial, None if pruned_elsewhere else found, own))
    return records


def _place(run: StoredRun) -> tuple:
    """Return where a run belongs that others logged, without a fingerprint."""
    axes = {tag.removeprefix("axis."): label for tag, label in run.tags.items() if tag.startswith("axis.")}
    return run.tags.get("stage", ""), frozenset(axes.items()), run.tags.get("seed", "")


def _key(trial: Expected) -> tuple:
    return trial.stage, frozenset(trial.labels.items()), str(trial.seed)


def _record(trial: Expected, run: StoredRun | None, derived: Mapping[str, "Derived"]) -> Record:
    if run:
        outcome = "running" if run.status == "RUNNING" else run.tags.get("outcome") or BY_STATUS[run.status]
    else:
        outcome = "unavailable" if trial.unavailable else "missing"
    return Record(**vars(trial), run=run, outcome=outcome, derived=derived)
