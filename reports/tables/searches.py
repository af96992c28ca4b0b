"""Search stages as data: every trial of a search, the best first."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.grammar.cells import TRIAL
from bench.grammar.metrics import by_name
from bench.reports.records.arms import Records
from bench.reports.records.collect import Record
from bench.reports.records.derived import measured
from bench.trackers.record import Outcome, parameters

if TYPE_CHECKING:
    from bench.grammar.stages import Search as Spec
    from bench.grammar.stages import Stage

RANKS = (Outcome.FINISHED, Outcome.PRUNED)
"""Outcomes with a value, the better ones first."""


@dataclass(frozen=True)
class SearchTrial:
    """One trial of a search. value: the objective at its end, if it has one. epochs: how many it ran, if known."""

    trial: str
    parameters: dict[str, str]
    value: float | None
    epochs: float | None
    outcome: Outcome
    run_id: str


@dataclass(frozen=True)
class SearchResult:
    """One search: a stage that searches, for one cell of its other axes. metric: the objective.

    attempts: the finished ones, best first; then those that were pruned, best first; then those without a result.
    """

    name: str
    title: str
    metric: str
    attempts: list[SearchTrial]

    @property
    def outcomes(self) -> dict[str, int]:
        """Outcome → number of trials, in the order of the attempts."""
        return dict(Counter(attempt.outcome for attempt in self.attempts))

    @property
    def parameters(self) -> list[str]:
        return list(dict.fromkeys(name for attempt in self.attempts for name in attempt.parameters))


def searches(stages: Mapping[str, "Stage"], trials: Records) -> Iterator[SearchResult]:
    """Yield the searches of some stages."""
    for name, stage in stages.items():
        if stage.search is None:
            continue
        cells: dict[str, list[Record]] = {}
        for labels, by_seed in trials.of_stage(name):
            cell = ", ".join(f"{axis}={label}" for axis, label in labels.items() if axis != TRIAL)
            cells.setdefault(cell, []).extend(by_seed.values())
        for cell, records in cells.items():
            title = (stage.title or name) + (f", {cell}" if cell else "")
            yield SearchResult(f"{name} {cell}".strip(), title, stage.search.metric, ranked(records, stage.search))


def ranked(records: Iterable[Record], search: "Spec") -> list[SearchTrial]:
    """Return the trials of one search in the order of `SearchResult.attempts`."""
    sign = 1 if by_name(search.metric).better == "lower" else -1
    attempts = [_attempt(record, search) for record in records]

    def key(attempt: SearchTrial) -> tuple[int, bool, float]:
        return (*RANKS, attempt.outcome).index(attempt.outcome), attempt.value is None, sign * (attempt.value or 0.0)

    return sorted(attempts, key=key)


def _attempt(record: Record, search: "Spec") -> SearchTrial:
    trial, run = record.labels.get(TRIAL, ""), record.run
    if run is None:
        return SearchTrial(trial, {}, None, None, record.outcome, "")
    drawn = parameters(run)
    order = [name for name in search.space if name in drawn] + sorted(drawn.keys() - search.space.keys())
    value, epochs = (measured(metric, run.metrics, {}) for metric in (search.metric, "epochs"))
    return SearchTrial(trial, {name: drawn[name] for name in order}, value, epochs, record.outcome, run.run_id)
