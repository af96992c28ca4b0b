"""Run a suite: round after round, until all is settled, or what is left was tried."""

import shlex
from dataclasses import dataclass, field

from bench.api.plan import Forecast, opened, planned, refuse_undeclared
from bench.api.report import Report, of_plan
from bench.errors import BenchError
from bench.runner import checkpoints, kept_weights
from bench.runner.coordinator import Coordinator, Summary, close_stale, reconcile
from bench.runner.ensembles import Ensembles
from bench.runner.estimate import denoise, estimate
from bench.runner.executors import Executor
from bench.runner.messages import Denoised
from bench.runner.packs import Packs, choose, parse, timed_stages
from bench.runner.plan import Job, Plan
from bench.runner.preflight import preflight
from bench.suite import Suite
from bench.trackers import StoredRun, Tracker, record
from bench.trackers.record import Outcome


class Listener:
    """Sees a run go by. Each method does nothing: override what you want to see."""

    def planned(self, forecast: Forecast) -> None:
        """What is to do, before anything of it is done; what is raised here refuses it."""

    def elsewhere(self, cell: str, coordinator: str) -> None:
        """A trial of the suite is under way on another machine, and left alone."""

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
        """A trial ended, and is on record."""

    def round_ended(self, summary: Summary) -> None:
        """No trial is under way."""


@dataclass(frozen=True)
class RunResult:
    """What a run came to. plan: with the last round. rounds: how each went. interrupted: whether the user ended it."""

    plan: Plan
    tracker: Tracker = field(repr=False)
    rounds: list[Summary] = field(default_factory=list)
    interrupted: bool = False

    def report(self) -> Report:
        """Return the report on all runs of the suite."""
        runs = self.tracker.runs(self.plan.suite.experiment)
        # the plan of an interrupted round does not know the runs that it has made
        plan = planned(self.plan.suite, runs, self.tracker) if self.interrupted else self.plan
        return of_plan(plan, runs, self.tracker)


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
    listener: Listener | None,
) -> RunResult:
    """See `LoadedSuite.run`."""
    if time_limit is not None and time_limit <= 0:
        raise BenchError("a time limit is more than 0 seconds", where="--time-limit")
    listener, packs = listener or Listener(), Packs(parse(pack), timed_stages(suite))
    with tracker.hold(suite.experiment, wait) as alone:
        runs = _without_leftovers(tracker, suite) if alone else tracker.runs(suite.experiment)
        plan = planned(suite, runs, tracker, retry=retry)
        checkpoints.clean(plan, tracker.uri)
        if not plan.todo() and not any(record.outcome(run) is Outcome.RUNNING for run in runs):
            listener.planned(Forecast(plan, packs))
            return RunResult(plan, tracker)
        if not exploratory:
            refuse_undeclared(plan)
        # workers load torch while this process loads MLflow
        with opened(executor, workers, threads, device, len(plan.ahead())) as workers_of:
            tracker.open(suite.experiment, {"suite": suite.name, "profile": suite.profile, "about": _about(suite)})
            for run in reconcile(tracker, runs):
                listener.elsewhere(record.cell(run), record.coordinator(run))
            limit = time_limit or suite.spec.time_limit
            return _Rounds(suite, tracker, workers_of, packs, listener, limit, retry, exploratory).run(plan)


def _without_leftovers(tracker: Tracker, suite: Suite) -> list[StoredRun]:
    """Close the runs that say RUNNING, which no coordinator is at any more; return all runs."""
    runs = tracker.runs(suite.experiment)
    leftovers = [run for run in runs if record.outcome(run) is Outcome.RUNNING]
    if not leftovers:
        return runs
    close_stale(tracker, leftovers)
    return tracker.runs(suite.experiment)


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
    executor: Executor
    packs: Packs
    listener: Listener
    time_limit: float | None
    retry: bool
    exploratory: bool
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
                return RunResult(plan, self.tracker, self.summaries)
            self._announce(plan)
            denoise(plan, self.executor, self.listener.denoised)
            if self._round(plan).interrupted:
                return RunResult(plan, self.tracker, self.summaries, interrupted=True)
            self.tried |= {_attempt(job) for job in todo}  # a search's are known by now

    def _planned(self, before: Plan) -> Plan:
        """Return the plan as the store stands now, checked."""
        runs = self.tracker.runs(self.suite.experiment)
        plan = planned(self.suite, runs, self.tracker, retry=self.retry and not self.tried)
        plan.facts, plan.possible_keepers = before.facts, before.possible_keepers
        preflight(plan, self.executor)
        kept_weights.choose(plan)
        return plan

    def _announce(self, plan: Plan) -> None:
        """Measure what is not known yet, and tell what comes."""
        if self.tried and not self.exploratory:
            refuse_undeclared(plan)
        estimate(plan, self.executor)
        choose(plan, self.executor, self.packs)
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
            summary = Coordinator(plan, self.tracker, self.executor, self.listener, self.time_limit, self.packs).run()
            for job, metrics in Ensembles(plan, self.tracker, self.executor).run() if not summary.interrupted else ():
                self.listener.started(job)
                self.listener.ended(job, Outcome.FINISHED, "", metrics)
                summary.outcomes[Outcome.FINISHED] += 1
        finally:
            self.listener.round_ended(summary)
        self.summaries.append(summary)
        return summary
