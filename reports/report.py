"""The whole report as data, ready for any of the renderers."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bench.reports.about import About
from bench.reports.claims.judge import judge
from bench.reports.claims.pilot import PilotSize
from bench.reports.claims.results import ClaimResult, NotAsked
from bench.reports.declared import Declared
from bench.reports.records.arms import Records
from bench.reports.records.collect import Record
from bench.reports.records.predictions import stored_in
from bench.reports.tables.build import TableData, build
from bench.reports.tables.searches import SearchResult
from bench.reports.tables.searches import searches as found_searches
from bench.trackers.record import (
    DeclaredSeeds,
    commit,
    declared_seeds,
    device,
    instructions,
    pack,
    stage,
    versions,
)

if TYPE_CHECKING:
    from bench.grammar.schedule import Schedule
    from bench.grammar.stages import Stage
    from bench.reports.claims.base import ClaimContrast
    from bench.reports.claims.relations import Claim
    from bench.reports.figures.base import Figure, FigureSpec, Importances
    from bench.reports.figures.cells import Store
    from bench.reports.tables.grammar import Table as TableSpec
    from bench.trackers import StoredRun

LONG_LEDGER = 60
"""Entries from which on the ledger counts cells instead of naming them."""


@dataclass(frozen=True)
class LedgerEntry:
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
    instructions: list[str]
    """Instruction sets of the processors that trained: each rounds in its own way, so that another one is another sample."""
    packs: list[str]
    """How many trials trained as one program, and by which back-end; none of what trained alone."""
    versions: list[str]
    commits: list[str]
    first: float | None
    last: float | None


@dataclass(frozen=True)
class ReportData:
    """One suite under one profile.

    exploratory: why its tests are no confirmation, "" where the seeds are those that were declared before they ran.
    """

    suite: str
    title: str
    profile: str
    tables: list[TableData]
    ledger: list[LedgerEntry]
    summary: Provenance
    complete: bool
    """Whether every planned trial has finished, or was ended early by its search."""
    claims: list[ClaimResult] = field(default_factory=list)
    figures: list["Figure"] = field(default_factory=list)
    searches: list[SearchResult] = field(default_factory=list)
    exploratory: str = ""
    run_url: Callable[[str], str | None] | None = None
    """run id → the address of its page."""
    claim_alphas: dict[str, float] = field(default_factory=dict)
    """claim → its level, of all looks together."""
    declared: Declared | None = None
    """What is known of the suite's declaration, None where there is nothing to say of it."""
    varying: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """stage → what its seeds draw beside training."""
    about: About | None = None
    """What the profile is; None of the suite itself."""
    not_asked: list[NotAsked] = field(default_factory=list)
    """The suite's other claims."""
    pilot: list[PilotSize] = field(default_factory=list)
    """How many seeds the claims need, where a pilot has results."""
    data: str = ""
    """Which images, and how many, "" where that is not known."""
    seeds: dict[str, int] = field(default_factory=dict)
    """stage → how many seeds it has."""
    open_runs: str = ""
    """The command that shows the runs in a browser, "" where their pages have addresses or none is known."""

    def is_exploratory(self, claim: str) -> bool:
        """Whether a claim's verdict is no confirmation: after the first trial seeds were added, or a term of it changed."""
        return bool(self.exploratory) or (self.declared is not None and claim in self.declared.exploratory)


class Asked(Protocol):
    """What a report is on. A suite is one.

    tables: by name. tested_claims: name → the claim, and its contrasts. schedules: stage → the seeds that were declared; a stage
    without them is tested once, at the usual level. searches: the stages that search, by name. not_asked: its other claims.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def tables(self) -> Mapping[str, "TableSpec"]: ...
    @property
    def tested_claims(self) -> Mapping[str, tuple["Claim", Sequence["ClaimContrast"]]]: ...
    @property
    def schedules(self) -> Mapping[str, "Schedule"]: ...
    @property
    def searches(self) -> Mapping[str, "Stage"]: ...
    @property
    def not_asked(self) -> Sequence[NotAsked]: ...


def assemble(
    suite: Asked,
    records: Sequence[Record],
    *,
    figures: Mapping[str, "FigureSpec"] | None = None,
    store: "Store | None" = None,
    run_url: Callable[[str], str | None] | None = None,
    declared: Declared | None = None,
    about: About | None = None,
    pilot: Sequence[PilotSize] = (),
    data: str = "",
    open_runs: str = "",
    importances: "Importances | None" = None,
) -> ReportData:
    """Build every table of a suite, judge every claim, and list the trials without a result and where the rest comes from.

    figures: those to draw, by name. store: gives the histories and artifacts that figures, and claims tested over seeds and
    images, are made from. declared: what is known of the suite's declaration. about: what the profile is, of no profile None.
    pilot: how many seeds the claims need by a pilot. data, open_runs: as `ReportData` has them. importances: of the parameters
    of a search, for figures.
    """
    schedules, trials = suite.schedules, Records(records)
    predictions = stored_in(store) if store else None

    def built(name: str, spec: "TableSpec") -> TableData:
        if (schedule := schedules.get(spec.stage)) is None:
            return build(spec, trials, name)
        return build(spec, trials, name, alpha=schedule.alpha, looks=len(schedule.looks))

    done = [built(name, spec) for name, spec in suite.tables.items()]
    judged = judge(suite.tested_claims, schedules, trials, predictions).claims
    stages = dict.fromkeys(record.stage for record in records)
    drawn = []
    if figures:
        from bench.reports.figures.base import FigureSource
        from bench.reports.figures.build import build as build_figure

        source = FigureSource(records, done, judged, store, **({"importances": importances} if importances else {}))
        drawn = [build_figure(name, spec, source) for name, spec in figures.items()]
    return ReportData(
        suite=suite.name,
        title=suite.title,
        profile=suite.profile,
        tables=done,
        ledger=ledger(records),
        summary=_provenance(records),
        complete=all(record.outcome.is_complete for record in records),
        claims=judged,
        figures=drawn,
        searches=list(found_searches(suite.searches, trials)),
        exploratory=_exploratory(schedules, records),
        run_url=run_url,
        claim_alphas={
            name: schedules[contrasts[0].arms[0].stage].total_alpha for name, (_, contrasts) in suite.tested_claims.items()
        },
        declared=declared,
        varying={record.stage: record.vary for record in records},
        about=about,
        not_asked=[*suite.not_asked, *_left_out(suite, judged)],
        pilot=list(pilot),
        data=data,
        seeds={name: len({record.seed for record in records if record.stage == name}) for name in stages},
        open_runs=open_runs,
    )


def _left_out(suite: Asked, judged: Sequence[ClaimResult]) -> list[NotAsked]:
    """Return the claims whose cells are not all there."""
    names = {result.name for result in judged}
    return [
        NotAsked(name, claim.says, "left out by --only") for name, (claim, _) in suite.tested_claims.items() if name not in names
    ]


def _exploratory(schedules: Mapping[str, "Schedule"], records: Sequence[Record]) -> str:
    """Say where trials were made under another declaration of seeds than the present one."""
    for record in records:
        schedule = schedules.get(record.stage)
        if schedule and record.run and stage(record.run) == record.stage:
            before = declared_seeds(record.run)
            if not before.admits(DeclaredSeeds.read(schedule.text)):
                return (
                    f"the seeds of stage {record.stage} were declared as [{before.text}] when some of its trials ran, and as "
                    f"[{schedule.text}] now; looking before the number of seeds is settled raises the rate of false positives"
                )
    return ""


def ledger(records: Sequence[Record]) -> list[LedgerEntry]:
    """List every trial that has no result, grouped by what they share, in the order of the plan. Pruned ones have."""
    open_trials = [record for record in records if not record.outcome.is_complete]
    groups: dict[tuple[str, str, str, str], list[Record]] = defaultdict(list)
    for record in open_trials:
        groups[record.stage, record.cell, record.outcome, record.message].append(record)
    if len(groups) <= LONG_LEDGER:
        return [
            LedgerEntry(stage, cell, tuple(r.seed for r in group), outcome, message, len(group))
            for (stage, cell, outcome, message), group in groups.items()
        ]
    by_stage: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for record in open_trials:
        by_stage[record.stage, record.outcome, record.message].append(record)
    return [
        LedgerEntry(stage, _cells(group), tuple(sorted({r.seed for r in group})), outcome, message, len(group))
        for (stage, outcome, message), group in by_stage.items()
    ]


def _cells(group: list[Record]) -> str:
    cells = {record.cell for record in group}
    return cells.pop() if len(cells) == 1 else f"{len(cells)} cells"


def _packs(runs: "Iterable[StoredRun]") -> list[str]:
    packs = Counter(packing for run in runs if (packing := pack(run))[0] > 1)
    return [f"{count} trials in packs of {width} ({backend})" for (width, backend), count in sorted(packs.items())]


def _provenance(records: Sequence[Record]) -> Provenance:
    used = {record.run.run_id: record.run for record in records if record.run and record.outcome.is_complete}.values()

    def distinct(read: "Callable[[StoredRun], str]") -> list[str]:
        return sorted({text for run in used if (text := read(run))})

    return Provenance(
        trials=len(records),
        outcomes=dict(Counter(record.outcome for record in records).most_common()),
        devices=distinct(device),
        instructions=distinct(instructions),
        packs=_packs(used),
        versions=distinct(versions),
        commits=distinct(commit),
        first=min((run.start for run in used), default=None),
        last=max((run.end or run.start for run in used), default=None),
    )
