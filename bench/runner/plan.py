"""What there is to do: every trial of a suite, looked up by its fingerprint in what the tracker holds."""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.config import Data
from bench.errors import BenchError
from bench.registry import own_digest
from bench.runner.worker import Facts
from bench.suite import Cell, Section, Suite, Trial
from bench.suite.stages import Start
from bench.trackers import StoredRun

logger = logging.getLogger("bench")

ENDED = ("done", "pruned", "failed", "unavailable")
"""States of which nothing more will come."""


@dataclass
class Job:
    """One fingerprint: a trial that is run once, however many cells ask for it.

    state: todo, done, pruned (by a search), failed (another outcome that stands), unavailable (cannot be run here), running
    (elsewhere), or waiting (for what another stage gives). seconds: estimated time of one run, where known.
    """

    trial: Trial
    cells: list[Cell]
    state: str = "todo"
    reason: str = ""
    run: StoredRun | None = None
    seconds: float | None = None
    step: float | None = None
    """Estimated seconds of one of its training steps, with its share of the validation, where known."""
    keeps: bool = False
    """Whether its weights are to be kept, for another stage."""
    origin: "Job | None" = None
    """The trial from whose weights it starts."""
    members: list["Job"] = field(default_factory=list)
    """The trials that vote, of an ensemble."""
    search: tuple | None = None
    """Of a search's trial: which search, (stage, labels of its axes …)."""
    parameters: dict[str, str] | None = None
    """Of a search's trial: what was drawn, None before it is."""

    @property
    def name(self) -> str:
        cell = self.trial.cell
        return f"{cell.stage}: {cell.name}, seed={self.trial.seed}"


@dataclass(frozen=True)
class Kept:
    """A cell that was the best of its stage, and from which another stage starts. on: the labels for which it was sought."""

    stage: str
    on: dict[str, str]
    start: Start
    cell: Cell
    value: float
    parameters: dict[str, str]

    @property
    def text(self) -> str:
        """The cell: its stage, its labels, and what a search drew for it."""
        drawn = (f"{name}={text}" for name, text in self.parameters.items())
        return f"{self.start.stage}: {', '.join([self.cell.name, *drawn])}"


@dataclass
class Plan:
    """All trials of a suite, and the jobs that they come to.

    facts: what `inspect` found, by kind of cell. unresolved: the claims for which cells have gone beyond their first look.
    kept: what stages start from. past: the runs of each search so far.
    """

    suite: Suite
    entries: list[tuple[Trial, Job]] = field(default_factory=list)
    """Every trial, and the job that gives its result."""
    jobs: dict[str, Job] = field(default_factory=dict)
    facts: dict[tuple[str, ...], Facts] = field(default_factory=dict)
    unresolved: list[str] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    past: dict[tuple, list[StoredRun]] = field(default_factory=lambda: defaultdict(list))
    drawn: Callable[[Cell, Mapping[str, str]], tuple[Trial, Job | None]] | None = None
    """The trial that a search's cell becomes with the parameters that were drawn, and the one from whose weights it starts."""
    to_denoise: int = 0
    """Images that are to be denoised first, or found on disk."""
    denoising: float = 0.0
    """Processor or GPU seconds that this takes, at most."""

    @property
    def trials(self) -> list[Trial]:
        return [trial for trial, _ in self.entries]

    def counts(self) -> Counter[str]:
        return Counter(job.state for job in self.jobs.values())

    def todo(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.state == "todo"]

    def kept_by(self, cell: Cell) -> Kept | None:
        """Return what a cell starts from, if it starts from another and that is known."""
        for kept in self.kept if cell.start else ():
            if kept.stage == cell.stage and kept.start == cell.start and kept.on.items() <= cell.labels.items():
                return kept
        return None

    def ahead(self) -> list[Job]:
        """Return what is to do now, and what is to do after it."""
        return [job for job in self.jobs.values() if job.state in ("todo", "waiting")]


def make_plan(
    suite: Suite, runs: list[StoredRun], *, retry: bool = False, looks: Mapping[tuple[str, tuple], int] | None = None
) -> Plan:
    """Return the plan of a suite, given the runs of its experiment.

    retry: failed outcomes that would otherwise stand are to do again. looks: (stage, labels) of a cell → the look that its
    seeds have come to, from 0; other cells are at their first.
    """
    from bench.runner.planner import Planner

    return Planner(suite, runs, retry, looks or {}).plan()


def identity(section: Section) -> str:
    """Return the content hash of the files that a section reads; "" where its name alone says what they hold.

    CIFAR and digits are fixed by their names (CIFAR's files are checked against the official MD5), so a report can be
    written where they are not at hand. Hub weights are fixed by theirs. A part of the user's own is known by its file.
    """
    found = [own_digest(name) for name in section.own]
    weights = getattr(section.config, "weights", None)
    if isinstance(section.config, Data) and (section.config.path or ":" in section.config.source):
        from bench import data

        try:
            found.append(data.prepare(section.config, say=logger.info).digest)
        except BenchError as error:
            told = f"{error.where}: {error.message}" if error.where else error.message
            where = section.place(("path" if section.config.path else "source",))
            raise BenchError(told, where=where, mend=error.mend) from None
    if isinstance(weights, str):
        file = Path(weights)
        found.append(_sha256(file, file.stat().st_mtime_ns) if file.is_file() else "no such file")
    return "\n".join(found)


def ensemble_fingerprint(cell: Cell, seed: int, members: Sequence[Job]) -> str:
    """Return the hash of what determines a vote: its rules, and the trials that may vote."""
    said = cell.ensemble.config.model_dump_json(exclude={"stages"})
    if measured := cell.train.config.class_metrics:
        said += f"\n{measured}"
    voters = sorted(job.trial.fingerprint for job in members)
    return hashlib.sha256("\n".join([said, str(seed), *voters]).encode()).hexdigest()[:32]


@cache
def _sha256(path: Path, _mtime: int) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BenchError(f"cannot be read: {error.strerror}", where=str(path), mend="make the weights file readable") from None
