"""What there is to do: every trial of a suite, looked up by its fingerprint in what the tracker holds."""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.config import Data, Model
from bench.errors import BenchError
from bench.runner.worker import Facts
from bench.suite import Cell, Suite, Trial, trials
from bench.suite.expand import collector_paused
from trackers import StoredRun

logger = logging.getLogger("bench")

AGAIN = ("crashed", "interrupted")
"""Outcomes that say nothing about the trial itself; the others (diverged, oom, timeout) stand until `--retry`."""


@dataclass
class Job:
    """One fingerprint: a trial that is run once, however many cells ask for it.

    state: todo, done, failed (an outcome that stands), unavailable (cannot be run here), or running (elsewhere).
    seconds: estimated time of one run, where known.
    """

    trial: Trial
    cells: list[Cell]
    state: str = "todo"
    reason: str = ""
    run: StoredRun | None = None
    seconds: float | None = None

    @property
    def name(self) -> str:
        cell = self.trial.cell
        return f"{cell.stage}: {cell.name}, seed={self.trial.seed}"


@dataclass
class Plan:
    """All trials of a suite, and the jobs that they come to.

    facts: what `inspect` found, by kind of cell. unresolved: the claims for which cells have gone beyond their first look.
    """

    suite: Suite
    trials: list[Trial]
    jobs: dict[str, Job] = field(default_factory=dict)
    facts: dict[tuple[str, ...], Facts] = field(default_factory=dict)
    unresolved: list[str] = field(default_factory=list)

    def counts(self) -> Counter[str]:
        return Counter(job.state for job in self.jobs.values())

    def todo(self) -> list[Job]:
        return [job for job in self.jobs.values() if job.state == "todo"]


def make_plan(
    suite: Suite, runs: list[StoredRun], *, retry: bool = False, looks: Mapping[tuple[str, tuple], int] | None = None
) -> Plan:
    """Return the plan of a suite, given the runs of its experiment.

    retry: failed outcomes that would otherwise stand are to do again. looks: (stage, labels) of a cell → the look that its
    seeds have come to, from 0; other cells are at their first.
    """
    plan = Plan(suite, [])
    stages = suite.cells
    with collector_paused():
        for stage, cells in stages.items():
            by_look = defaultdict(list)
            for cell in cells:
                by_look[looks.get((stage, tuple(cell.labels.items())), 0) if looks else 0].append(cell)
            for look, some in sorted(by_look.items()):
                plan.trials += trials(some, suite.schedule(stage).looks[look], identity)
        for trial in plan.trials:
            job = plan.jobs.get(trial.fingerprint)
            if job is None:
                plan.jobs[trial.fingerprint] = Job(trial, [trial.cell])
            else:
                job.cells.append(trial.cell)
    for run in runs:
        job = plan.jobs.get(run.tags.get("fingerprint", ""))
        if job is None or job.state == "done":
            continue
        outcome = run.tags.get("outcome", "")
        if run.status == "FINISHED":
            job.state, job.run, job.reason = "done", run, ""
        elif run.status == "RUNNING":
            job.state, job.run, job.reason = "running", run, f"by {run.tags.get('coordinator', 'an unknown process')}"
        elif outcome and outcome not in AGAIN and not retry and job.state != "running":
            job.state, job.run, job.reason = "failed", run, outcome
    return plan


def identity(section: Data | Model) -> str:
    """Return the content hash of the files that a section reads; "" where its name alone says what they hold.

    CIFAR and digits are fixed by their names (CIFAR's files are checked against the official MD5), so a report can be
    written where they are not at hand. Hub weights are fixed by theirs.
    """
    if isinstance(section, Data) and section.source == "folder":
        from bench import data

        return data.prepare(section, say=logger.info).digest
    if isinstance(section, Model) and section.weights:
        path = Path(section.weights)
        return _sha256(path, path.stat().st_mtime_ns) if path.is_file() else "no such file"
    return ""


@cache
def _sha256(path: Path, _mtime: int) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BenchError(f"cannot be read: {error.strerror}", where=str(path), mend="make the weights file readable") from None
