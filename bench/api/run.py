"""Run a suite: round after round, until all is settled, or what is left was tried."""

import logging
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from bench import scratch
from bench.api import declaring
from bench.api.locking import described, disagreements, lock_path
from bench.api.plan import Forecast, check_pilot, opened, planned, refuse_undeclared
from bench.api.report import Report, of_plan
from bench.errors import BenchError, ErrorCode
from bench.runner import checkpoints, kept_weights
from bench.runner.coordinator import POLL, Coordinator, Summary
from bench.runner.ensembles import Ensembles
from bench.runner.estimate import denoise, estimate
from bench.runner.executors import Executor
from bench.runner.messages import Denoised
from bench.runner.packs import Packs, choose, parse, timed_stages
from bench.runner.plan import Job, Plan
from bench.runner.preflight import preflight
from bench.runner.spool import Spool
from bench.runner.stored import Stored
from bench.runner.writer import Outage, Writer, recover
from bench.suite.suite import Suite
from bench.trackers import StoredRun, Tracker, record
from bench.trackers.lease import Hold
from bench.trackers.record import Outcome, TrialEnd

T = TypeVar("T")
logger = logging.getLogger("bench")
PAUSE = 5.0
"""Seconds between two tries to read a store that does not answer."""


class Listener:
    """Sees a run go by. Each method does nothing: override what you want to see."""

    def planned(self, forecast: Forecast) -> None:
        """What is to do, before anything of it is done; what is raised here refuses it."""

    def recovered(self, results: int) -> None:
        """So many results of an earlier run, which waited on disk for the store, are in it now."""

    def next_round(self, forecast: Forecast) -> None:
        """What the results so far have made known."""

    def denoised(self, progress: Denoised) -> None:
        """So many images are denoised."""

    def round_began(self, plan: Plan, workers: int) -> None:
        """Trials begin."""

    def started(self, job: Job) -> None:
        """A trial began."""

    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None:
        """A trial has ended an epoch."""

    def ended(self, job: Job, outcome: Outcome, message: str, metrics: dict[str, float]) -> None:
        """A trial ended. It is in the store at the latest when the round has ended."""

    def left_out(self, job: Job, message: str) -> None:
        """A trial is not run, since several of its cell have crashed with this error."""

    def store(self, outage: Outage | None) -> None:
        """The store does not answer, and results wait; between rounds, and before the report, the run does. None: it answers."""

    def round_ended(self, summary: Summary) -> None:
        """No trial is under way."""


@dataclass(frozen=True)
class RunResult:
    """What a run came to. plan: with the last round. rounds: how each went. interrupted: whether the user ended it."""

    plan: Plan
    tracker: Tracker = field(repr=False)
    rounds: list[Summary] = field(default_factory=list)
    interrupted: bool = False
    listener: Listener = field(default_factory=Listener, repr=False)

    @property
    def kept(self) -> int:
        """Results that wait on disk for the store."""
        return sum(summary.kept for summary in self.rounds)

    def report(self) -> Report:
        """Return the report on all runs of the suite. Waits for a store that does not answer, unless the run was interrupted."""

        def made() -> Report:
            runs = self.tracker.runs(self.plan.suite.experiment)
            # the plan of an interrupted round does not know the runs that it has made, that of a pilot nothing else
            again = self.interrupted or self.plan.pilot_only
            plan = planned(self.plan.suite, runs, self.tracker) if again else self.plan
            return of_plan(plan, runs, self.tracker)

        return made() if self.interrupted else _answered(made, self.listener)


def run(
    suite: Suite,
    tracker: Tracker,
    *,
    executor: str | Executor,
    workers: int | None,
    threads: int,
    device: str,
    pack: str,
    time_limit: float | None,
    retry: bool,
    exploratory: bool,
    wait: bool,
    take_over: bool,
    upgrade_store: bool,
    keep_going: bool,
    pilot: bool,
    listener: Listener | None,
) -> RunResult:
    """See `LoadedSuite.run`."""
    if time_limit is not None and time_limit <= 0:
        raise BenchError("a time limit is more than 0 seconds", where="--time-limit")
    if pilot:
        check_pilot(suite)
    listener, packs = listener or Listener(), Packs(parse(pack), timed_stages(suite))
    _tell_of_the_lock(suite)
    if upgrade_store and (done := tracker.upgrade()):
        logger.info(done)
    with tracker.hold(suite.experiment, wait=wait, take_over=take_over) as hold:
        about = {"suite": suite.name, "profile": suite.profile, "about": _about(suite)}
        spool = Spool(tracker.uri, suite.experiment)
        if spool.ids():
            tracker.open(suite.experiment, about)
            listener.recovered(recover(tracker, spool, tracker.runs(suite.experiment)))
        plan = planned(suite, settled(tracker, suite.experiment), tracker, retry=retry, pilot=pilot)
        checkpoints.clean(plan, tracker.uri)
        if not plan.todo():
            scratch.tidy()
            listener.planned(Forecast(plan, packs))
            return RunResult(plan, tracker, listener=listener)
        if not exploratory:
            refuse_undeclared(plan)
        # workers load torch while this process loads MLflow
        with opened(executor, workers, threads, device, len(plan.ahead())) as workers_of:
            tracker.open(suite.experiment, about)
            limit = time_limit or suite.spec.time_limit
            keep = TemporaryDirectory(prefix="weights-", dir=scratch.folder())
            with Writer(tracker, spool, hold.number) as writer, keep as folder:
                rounds = _Rounds(
                    suite=suite,
                    tracker=tracker,
                    writer=writer,
                    hold=hold,
                    executor=workers_of,
                    packs=packs,
                    listener=listener,
                    time_limit=limit,
                    retry=retry,
                    exploratory=exploratory,
                    keep_going=keep_going,
                    pilot=pilot,
                    stored=Stored(tracker, Path(folder)),
                )
                return rounds.run(plan)


def settled(tracker: Tracker, experiment: str) -> list[StoredRun]:
    """Return the runs of an experiment that nobody is at: those that say RUNNING are closed, since whoever made them is gone;
    finished ones that do not count say so."""
    runs = tracker.runs(experiment)
    leftovers, twice = [run for run in runs if record.outcome(run) is Outcome.RUNNING], record.superseded(runs)
    if leftovers:
        end = TrialEnd(Outcome.INTERRUPTED, "the coordinator ended without closing the run")
        tracker.close_stale(leftovers, end.tags())
    if twice:
        tracker.tag(twice, record.SUPERSEDED)
    return tracker.runs(experiment) if leftovers or twice else runs


def _answered(ask: Callable[[], T], listener: Listener) -> T:
    """Return what the store answers; wait for it where it does not."""
    since = ""
    while True:
        try:
            answer = ask()
        except BenchError as error:
            if error.code is not ErrorCode.UNREACHABLE:
                raise
            since = since or time.strftime("%H:%M:%S")
            listener.store(Outage(since, error.message, 0))
            time.sleep(PAUSE)
        else:
            if since:
                listener.store(None)
            return answer


def _tell_of_the_lock(suite: Suite) -> None:
    """Warn of what the suite declares otherwise than its lock file. Raises BenchError for one that is wrong: the report would."""
    if unlocked := disagreements(suite):
        listing = "; ".join(map(described, unlocked))
        logger.warning(f"{lock_path(suite)}: the suite declares otherwise, which the report will say: {listing}")


def _attempt(job: Job) -> tuple[str, bool]:
    return job.trial.fingerprint, job.must_keep


def _about(suite: Suite) -> str:
    profile = [] if suite.profile == "default" else ["--profile", suite.profile]
    return f"{suite.spec.title} — {shlex.join(['bench', 'report', suite.document.file, *profile])}"


@dataclass
class _Rounds:
    """Runs what the plan has to do, then what that makes known: the best of a stage, or a claim that needs more seeds."""

    suite: Suite
    tracker: Tracker
    writer: Writer
    hold: Hold
    executor: Executor
    packs: Packs
    listener: Listener
    time_limit: float | None
    retry: bool
    exploratory: bool
    keep_going: bool
    pilot: bool
    stored: Stored
    runs: int = 0
    """How many the experiment has, as the store stands."""
    tried: set[tuple[str, bool]] = field(default_factory=set)
    """Fingerprints, and whether their weights were known to be needed: that may turn out when they have been trained."""
    summaries: list[Summary] = field(default_factory=list)

    def run(self, plan: Plan) -> RunResult:
        while True:
            plan = self._planned(plan)
            todo = plan.todo()
            if {_attempt(job) for job in todo} <= self.tried:  # settled, or what is left was tried and crashed
                if not self.tried:
                    self.listener.planned(self._forecast(plan))
                return RunResult(plan, self.tracker, self.summaries, listener=self.listener)
            self._announce(plan)
            if not self.tried:
                _answered(lambda: declaring.record(self.suite, self.tracker, self.runs), self.listener)
            denoise(plan, self.executor, self.listener.denoised)
            if self._round(plan).interrupted:
                return RunResult(plan, self.tracker, self.summaries, interrupted=True, listener=self.listener)
            self.tried |= {_attempt(job) for job in todo}  # a search's are known by now

    def _planned(self, before: Plan) -> Plan:
        """Return the plan as the store stands now, checked. Waits for a store that does not answer."""

        def made() -> Plan:
            runs = settled(self.tracker, self.suite.experiment)
            self.runs = len(runs)
            self.writer.knows(runs)
            retry = self.retry and not self.tried
            return planned(self.suite, runs, self.tracker, retry=retry, stored=self.stored, pilot=self.pilot)

        plan = _answered(made, self.listener) if self.tried else made()
        plan.facts, plan.possible_keepers = before.facts, before.possible_keepers
        plan.faulty, plan.unmeasured = before.faulty, before.unmeasured
        preflight(plan, self.executor, time_limit=self.time_limit)
        kept_weights.choose(plan)
        return plan

    def _announce(self, plan: Plan) -> None:
        """Measure what is not known yet, and tell what comes."""
        if self.tried and not self.exploratory:
            refuse_undeclared(plan)
        estimate(plan, self.executor, self.time_limit)
        choose(plan, self.executor, self.packs, self.time_limit)
        if self.tried:
            self.listener.next_round(self._forecast(plan))
        else:
            self.listener.planned(self._forecast(plan))

    def _forecast(self, plan: Plan) -> Forecast:
        return Forecast(plan, self.packs, self._workers(plan), self.executor.hello().device, self.executor.kind)

    def _workers(self, plan: Plan) -> int:
        return min(len(self.executor.workers), max(1, len(plan.todo())))

    def _round(self, plan: Plan) -> Summary:
        """Run the plan; votes come last, since nothing is trained for them."""
        self.listener.round_began(plan, self._workers(plan))
        summary = Summary()
        try:
            summary = Coordinator(
                plan,
                self.tracker,
                self.writer,
                self.executor,
                self.listener,
                self.stored,
                hold=self.hold,
                time_limit=self.time_limit,
                packs=self.packs,
                keep_going=self.keep_going,
            ).run()
            votes = Ensembles(plan, self.writer, self.executor, self.stored)
            for job, metrics in votes.run() if not summary.interrupted else ():
                self.listener.started(job)
                self.listener.ended(job, Outcome.FINISHED, "", metrics)
                summary.outcomes[Outcome.FINISHED] += 1
            while not summary.interrupted and not self.writer.drained(POLL):
                self.listener.store(self.writer.outage())
        finally:
            self.listener.round_ended(summary)
        self.summaries.append(summary)
        return summary
