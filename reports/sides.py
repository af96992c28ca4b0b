"""One of two sets of results that are compared: its trials by cell, and what their runs say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.grammar.cells import SPLIT
from bench.reports.records.arms import Records
from bench.reports.records.collect import Record
from bench.reports.tables.grammar import Table
from bench.trackers import StoredRun
from bench.trackers.record import Artifact

Place = tuple[str, tuple[str, ...]]
"""A cell: its stage, and `axis=label` of each of its axes but the split."""
Seeds = Mapping[int, Record]
"""The trials of a cell by seed; those of several splits as one."""


@dataclass(frozen=True)
class Side:
    """One set of results. name: how it was asked for. tables: of its suite. artifact: gives a run's, see `Tracker.artifact`.
    originals: run id → the run with all of its tags, where that of a record lacks some."""

    name: str
    records: Sequence[Record] = field(repr=False)
    tables: Mapping[str, Table] = field(default_factory=dict, repr=False)
    artifact: Callable[[str, Artifact], bytes | None] = field(default=lambda run_id, name: None, repr=False)
    originals: Mapping[str, StoredRun] = field(default_factory=dict, repr=False)

    def cells(self) -> dict[Place, Seeds]:
        """Return the trials of every cell, in the suite's order."""
        trials = Records(self.records)
        found: dict[Place, Seeds] = {}
        for stage in dict.fromkeys(record.stage for record in self.records):
            placed = trials.placed(stage, {}, _labels, self.name, "compare suites of one version of bench", over_splits=True)
            found |= {(stage, place): by_seed for place, by_seed in placed.items()}
        return found

    def runs(self, seeds: Seeds) -> dict[tuple[int, int], StoredRun]:
        """Return (seed, number of the split) → the run, of trials that finished."""
        return {
            (seed, number): self.originals.get(trial.run.run_id, trial.run)
            for seed, whole in seeds.items()
            for number, trial in enumerate(whole.trials)
            if trial.run and trial.outcome.is_complete
        }


def name_of(place: Place) -> str:
    """Return a cell as one reads it."""
    return f"{place[0]}: {labels_of(place)}" if place[1] else place[0]


def labels_of(place: Place) -> str:
    return ", ".join(place[1])


def _labels(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{axis}={label}" for axis, label in labels.items() if axis != SPLIT)
