"""What there is to do: every trial of a suite, looked up by its fingerprint in what the tracker holds."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from bench.errors import BenchError
from bench.grammar.cells import Cell, Trial
from bench.grammar.stages import Search, Start
from bench.runner.messages import Facts, Fault
from bench.suite.suite import Suite
from bench.trackers import StoredRun


class State(StrEnum):
    """How a job stands."""

    TODO = "todo"
    DONE = "done"
    PRUNED = "pruned"
    """Ended early by its search."""
    FAILED = "failed"
    """With another outcome that stands."""
    UNAVAILABLE = "unavailable"
    """It cannot be run here."""
    RUNNING = "running"
    """By another coordinator."""
    WAITING = "waiting"
    """For what another stage gives."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of it."""
        return self in (State.DONE, State.PRUNED, State.FAILED, State.UNAVAILABLE)


class ReasonKind(StrEnum):
    """Why a job is in its state, where something is decided by that; its `reason` says it in words."""

    HUB_WEIGHTS = "hub-weights"
    """Published weights are not in the local hub cache; `bench data prepare` fetches them."""
    WEIGHTS = "weights"
    """Other weights cannot be had here."""
    ORIGIN = "origin"
    """The trial whose weights it starts from."""
    BEST = "best"
    """The best of a stage, from which it starts."""
    MEMBERS = "members"
    """The trials that are to vote."""
    OUTCOME = "outcome"
    """How it ended."""
    ELSEWHERE = "elsewhere"
    """Who runs it."""
    NOT_KEPT = "not-kept"
    """It finished, but its weights were not kept."""
    LOST = "lost"
    """It finished, but what it stored is lost or damaged."""


class SearchKey(NamedTuple):
    """One search: a stage, and the labels of its axes beside the trials."""

    stage: str
    labels: tuple[tuple[str, str], ...]


CellKey = tuple[str, tuple[tuple[str, str], ...]]
"""A cell: its stage, and its labels in order."""


def full_name(cell: Cell) -> str:
    """Return how a cell is told: its stage, and its labels."""
    return f"{cell.stage}[{cell.name}]"


def key(cell: Cell) -> CellKey:
    """Return what tells a cell from every other of its suite."""
    return cell.stage, tuple(cell.labels.items())


Kind = tuple[str, str, str]
"""What tells a configuration, or what is checked of it, from every other."""


def digests(cell: Cell) -> Kind:
    """What tells a configuration from every other."""
    return (cell.data.key, cell.model.key, cell.train.key)


def kind(cell: Cell) -> Kind:
    """What the check of a configuration depends on."""
    train = cell.train.config
    return (cell.data.key, cell.model.key, train.model_dump_json(include={"precision", "compile", "loss", "class_groups"}))


def search_of(suite: Suite, stage: str) -> Search:
    """Return how a stage searches, which does."""
    search = suite.spec.stages[stage].search
    assert search, f"stage {stage} does not search"
    return search


@dataclass
class Job:
    """One fingerprint: a trial that is run once, however many cells ask for it. seconds: estimated time of one run, if known."""

    trial: Trial
    cells: list[Cell]
    state: State = State.TODO
    reason: str = ""
    reason_kind: ReasonKind | None = None
    run: StoredRun | None = None
    seconds: float | None = None
    step: float | None = None
    """Estimated seconds of one of its training steps, with its share of the validation, where known."""
    keeps: bool = False
    """Whether its weights are to be kept, for another stage."""
    must_keep: bool = False
    """Whether it is known that another stage starts from its weights."""
    origin: "Job | None" = None
    """The trial from whose weights it starts."""
    origins: list["Job"] = field(default_factory=list)
    """Of a search's trial that is not drawn yet: those that may be its origin; else its origin alone."""
    members: list["Job"] = field(default_factory=list)
    """The trials that vote, of an ensemble."""
    search: SearchKey | None = None
    """Of a search's trial: which search."""
    parameters: dict[str, str] | None = None
    """Of a search's trial: what was drawn, None before it is."""
    pilot: bool = False
    """Whether it is of a pilot, which sets sizes and never counts."""

    @property
    def name(self) -> str:
        cell = self.trial.cell
        return f"{cell.stage}: {cell.name}, seed={self.trial.seed}"

    @property
    def result(self) -> StoredRun:
        """The run of a job that is done."""
        assert self.run, f"{self.name} is {self.state}"
        return self.run

    def mark(self, state: State, kind: ReasonKind | None = None, reason: str = "") -> None:
        """Set the state, and why."""
        self.state, self.reason_kind, self.reason = state, kind, reason


@dataclass(frozen=True)
class Kept:
    """A cell that was the best of its stage, and from which another stage starts.

    on: the labels for which it was sought. tied: other cells that were as good, and are declared after it.
    """

    stage: str
    on: dict[str, str]
    start: Start
    cell: Cell
    value: float
    parameters: dict[str, str]
    tied: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The cell: its stage, its labels, and what a search drew for it."""
        drawn = (f"{name}={text}" for name, text in self.parameters.items())
        return f"{self.start.stage}: {', '.join([self.cell.name, *drawn])}"

    @property
    def text_with_ties(self) -> str:
        """The cell, and which others were as good."""
        tied = f" (as good as {' and '.join(self.tied)}; the first declared is kept)" if self.tied else ""
        return self.text + tied


@dataclass
class Plan:
    """All trials of a suite, and the jobs that they come to.

    facts: what `preflight` found, by kind of cell. unresolved: the claims for which cells have gone beyond their first look.
    kept: what stages start from. past: the runs of each search so far.
    """

    suite: Suite
    entries: list[tuple[Trial, Job]] = field(default_factory=list)
    """Every trial, and the job that gives its result."""
    jobs: dict[str, Job] = field(default_factory=dict)
    facts: dict[Kind, Facts] = field(default_factory=dict)
    faulty: dict[Kind, Fault] = field(default_factory=dict)
    """Of those the ones whose check came to no end, of which nothing else is known; each error with its place."""
    unmeasured: dict[str, BenchError] = field(default_factory=dict)
    """Cells of which no time can be told, by their names, and why; each error with its place."""
    unresolved: list[str] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    past: dict[SearchKey, list[StoredRun]] = field(default_factory=lambda: defaultdict(list))
    drawn: Callable[[Cell, Mapping[str, str]], tuple[Trial, Job | None]] | None = None
    """The trial that a search's cell becomes with the parameters that were drawn, and the one from whose weights it starts."""
    to_denoise: int = 0
    """Images that are to be denoised first, or found on disk."""
    denoising: float = 0.0
    """Processor or GPU seconds that this takes, at most."""
    keepers: frozenset[CellKey] = frozenset()
    """The cells from whose weights others start."""
    possible_keepers: frozenset[CellKey] | None = None
    """The cells that may turn out to be such a one; None where that was not asked."""
    weights_kept: int = 0
    """Bytes of the weights that the trials to come keep, at most."""
    pilot_only: bool = False
    """Whether only the trials of pilots are part of it."""
    weights_refused: int = 0
    """Bytes that the weights of possible sources would take, where that is too much and they are not kept."""

    @property
    def trials(self) -> list[Trial]:
        return [trial for trial, _ in self.entries]

    def counts(self) -> Counter[State]:
        return Counter(job.state for job in self.jobs.values())

    @property
    def pilot(self) -> list[tuple[Trial, Job]]:
        """The trials of pilots, each with its job."""
        return [(trial, job) for trial, job in self.entries if job.pilot]

    @property
    def counting(self) -> list[tuple[Trial, Job]]:
        """All trials but those of pilots, each with its job: what tables, tests and figures are made from."""
        return [(trial, job) for trial, job in self.entries if not job.pilot]

    @property
    def complete(self) -> bool:
        """Whether nothing is missing; of a pilot nothing need be there, unless it is all that was asked for."""
        states = {job.state for job in self.jobs.values() if self.pilot_only or not job.pilot}
        return states <= {State.DONE, State.PRUNED}

    def todo(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.state is State.TODO]

    def fault(self, cell: Cell) -> Fault | None:
        """Return why a cell's trials need not begin: its check hung, died or crashed. None where it may be trained."""
        return self.faulty.get(kind(cell)) if self.faulty else None

    def faults(self) -> dict[str, Fault]:
        """Return the cells whose check hung, died or crashed, by their names; those that a search may draw included."""
        if not self.faulty:
            return {}
        cells = [job.trial.cell for job in self.jobs.values() if not job.trial.cell.ensemble]
        cells += [cell for stage in self.suite.cells for cell in self.suite.all_cells[stage].samples]
        return {full_name(cell): fault for cell in cells if (fault := self.fault(cell))}

    def kept_by(self, cell: Cell) -> Kept | None:
        """Return what a cell starts from, if it starts from another and that is known."""
        for kept in self.kept if cell.start else ():
            if kept.stage == cell.stage and kept.start == cell.start and kept.on.items() <= cell.labels.items():
                return kept
        return None

    def ahead(self) -> list[Job]:
        """Return what is to do now, and what is to do after it."""
        return [job for job in self.jobs.values() if job.state in (State.TODO, State.WAITING)]
