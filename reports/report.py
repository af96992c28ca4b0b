"""The whole report as data, ready for any of the renderers."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.collect import FINISHED, Record
from reports.tables import Table, build

if TYPE_CHECKING:
    from bench.suite.schema import Table as TableSpec

LONG_LEDGER = 60
"""Entries from which on the ledger counts cells instead of naming them."""


@dataclass(frozen=True)
class Entry:
    """Trials without a result that share everything but their seed; or, in a long ledger, their cell too."""

    stage: str
    cell: str
    seeds: tuple[int, ...]
    outcome: str
    message: str
    trials: int


@dataclass(frozen=True)
class Provenance:
    """Where the numbers come from. Times are Unix seconds: begin of the first and end of the last run used."""

    trials: int
    outcomes: dict[str, int]
    devices: list[str]
    versions: list[str]
    commits: list[str]
    first: float | None
    last: float | None


@dataclass(frozen=True)
class Report:
    """One suite under one profile."""

    suite: str
    title: str
    profile: str
    tables: list[Table]
    ledger: list[Entry]
    summary: Provenance
    complete: bool
    """Whether every planned trial has finished."""


def assemble(suite: str, title: str, profile: str, tables: Mapping[str, "TableSpec"], records: Sequence[Record]) -> Report:
    """Build every table of a suite, the ledger of trials without a result, and the provenance of the rest."""
    return Report(
        suite=suite,
        title=title,
        profile=profile,
        tables=[build(spec, records, name) for name, spec in tables.items()],
        ledger=ledger(records),
        summary=_provenance(records),
        complete=all(record.outcome == FINISHED for record in records),
    )


def ledger(records: Sequence[Record]) -> list[Entry]:
    """List every trial that has no result, grouped by what they share, in the order of the plan."""
    open_trials = [record for record in records if record.outcome != FINISHED]
    groups = defaultdict(list)
    for record in open_trials:
        groups[record.stage, record.cell, record.outcome, record.message].append(record)
    if len(groups) <= LONG_LEDGER:
        return [
            Entry(stage, cell, tuple(r.seed for r in group), outcome, message, len(group))
            for (stage, cell, outcome, message), group in groups.items()
        ]
    groups = defaultdict(list)
    for record in open_trials:
        groups[record.stage, record.outcome, record.message].append(record)
    return [
        Entry(stage, _cells(group), tuple(sorted({r.seed for r in group})), outcome, message, len(group))
        for (stage, outcome, message), group in groups.items()
    ]


def _cells(group: list[Record]) -> str:
    cells = {record.cell for record in group}
    return cells.pop() if len(cells) == 1 else f"{len(cells)} cells"


def _provenance(records: Sequence[Record]) -> Provenance:
    used = {record.run.run_id: record.run for record in records if record.run and record.outcome == FINISHED}.values()

    def told(tag: str) -> list[str]:
        return sorted({run.tags[tag] for run in used if run.tags.get(tag)})

    return Provenance(
        trials=len(records),
        outcomes=dict(Counter(record.outcome for record in records).most_common()),
        devices=told("device"),
        versions=told("versions"),
        commits=told("commit"),
        first=min((run.start for run in used), default=None),
        last=max((run.end or run.start for run in used), default=None),
    )
