"""Runs that no report needs any more: found, and deleted when somebody has seen the list."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from bench.api.plan import planned, records
from bench.errors import BenchError
from bench.runner.plan import Plan, State, key
from bench.runner.planner import make_plan
from bench.suite.load import load_suite
from bench.suite.suite import Suite
from bench.trackers import StoredRun, Tracker, record
from bench.trackers.record import Outcome


class Why(StrEnum):
    """Why no report needs a run."""

    OUTRANKED = "another run of the trial counts"
    REPEATED = "a failed attempt that was repeated"
    UNPLANNED = "of no trial of the suite as it is now"


@dataclass(frozen=True)
class Leftover:
    """A run that no report needs. size: bytes of its artifacts, None where that is not known."""

    run: StoredRun
    why: Why
    size: int | None = None

    @property
    def name(self) -> str:
        """Its trial."""
        return f"{record.stage(self.run)}: {record.cell(self.run)}, seed={record.seed(self.run)}"


def leftovers(suite: Suite, tracker: Tracker) -> list[Leftover]:
    """Return the runs of a suite's experiment that no report needs, the oldest first, each with its size.

    Never among them: what counts in the report of the suite as the file says, or with the overrides that it was loaded with, at
    any look; what runs; what was made for another suite or profile, or by something else. Where a stage waits for another one, or
    cannot be configured on this machine, its trials are not all known, and what may be one of them is left alone.
    """
    runs = tracker.runs(suite.experiment)
    found = _found(suite, tracker, runs)
    return [Leftover(run, why, tracker.artifacts_size(run.run_id)) for run, why in found]


def clean(suite: Suite, tracker: Tracker, listed: Iterable[Leftover]) -> list[Leftover]:
    """Delete those of some runs that no report needs by now, and return them.

    The experiment is held meanwhile. Raises BenchError where a run of the suite is at work; then nothing is deleted.
    """
    chosen = {leftover.run.run_id: leftover for leftover in listed}
    if not chosen:
        return []
    with ExitStack() as held:
        try:
            held.enter_context(tracker.hold(suite.experiment))
        except BenchError as error:
            mend = error.mend if error.code else "nothing is deleted; clean when it has ended"
            raise BenchError(error.message, where=error.where, mend=mend, code=error.code) from None
        found = _found(suite, tracker, tracker.runs(suite.experiment))
        gone = [run for run, _ in found if run.run_id in chosen]
        tracker.delete(gone)
    return [chosen[run.run_id] for run in gone]


def _found(suite: Suite, tracker: Tracker, runs: list[StoredRun]) -> list[tuple[StoredRun, Why]]:
    suites = [suite]
    if suite.changed or suite.only:
        profile = None if suite.profile == "default" else suite.profile
        suites.append(load_suite(suite.document.file, profile=profile, quiet=True))
    plans = [plan for each in suites for plan in _plans(each, tracker, runs)]
    needed = {run_id for plan in plans for run_id in _needed(plan, runs)}
    fingerprints = {job.trial.fingerprint for plan in plans for job in plan.jobs.values()}
    open_stages = {stage for plan in plans for stage in _not_settled(plan)}
    attempts = Counter(record.trial(run.tags) for run in runs)
    found = []
    for run in runs:
        if run.run_id in needed or not _is_ours(run, suite):
            continue
        if record.fingerprint(run) in fingerprints and attempts[record.trial(run.tags)] > 1:
            found.append((run, Why.OUTRANKED if record.outcome(run).is_complete else Why.REPEATED))
        elif record.fingerprint(run) not in fingerprints and record.stage(run) not in open_stages:
            found.append((run, Why.UNPLANNED))
    return found


def _plans(suite: Suite, tracker: Tracker, runs: list[StoredRun]) -> Sequence[Plan]:
    """Return what a suite asks for now, and with all seeds that it may ask for: what was seen once may be asked for again."""
    plan = planned(suite, runs, tracker)
    if not any(schedule.sequential for schedule in suite.schedules.values()):
        return (plan,)
    last = {key(cell): len(suite.schedule(stage).looks) - 1 for stage, cells in suite.all_cells.items() for cell in cells}
    return plan, make_plan(suite, runs, looks=last)


def _needed(plan: Plan, runs: list[StoredRun]) -> Collection[str]:
    """Return the ids of the runs that stand for a trial of a plan, in its report too, and of those that its search has seen."""
    of_jobs = {job.run.run_id for job in plan.jobs.values() if job.run}
    of_report = {entry.run.run_id for entry in records(plan, runs) if entry.run}
    return of_jobs | of_report | {run.run_id for seen in plan.past.values() for run in seen}


def _not_settled(plan: Plan) -> Collection[str]:
    """Return the stages of which not every fingerprint is known, or that this machine cannot configure."""
    return {
        trial.cell.stage for trial, job in plan.entries if not job.trial.known or job.state in (State.UNAVAILABLE, State.WAITING)
    }


def _is_ours(run: StoredRun, suite: Suite) -> bool:
    """Whether a run has ended and was made by bench for this suite and profile: others are left alone."""
    is_of_suite = record.suite(run) == (suite.name, suite.profile) and bool(record.fingerprint(run))
    return is_of_suite and run.status != "RUNNING" and record.outcome(run) is not Outcome.RUNNING
