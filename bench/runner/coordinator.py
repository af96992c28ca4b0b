"""The coordinator: hands jobs to an executor's workers, watches the clock, and is the only writer to the tracker."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from bench import clock
from bench.config import TrialConfig
from bench.errors import BenchError
from bench.runner import provenance, recording
from bench.runner.checkpoints import Checkpoints
from bench.runner.executors.base import Executor, Worker
from bench.runner.messages import Died, Done, Ended, Epoch, Event, Failed, Lost, Progress, Train, Up
from bench.runner.packs import Packs
from bench.runner.plan import Job, Plan
from bench.runner.queue import Queue
from bench.trackers import StoredRun, Tracker, record
from bench.trackers.record import Artifact, Outcome, TrialEnd

FLUSH = 10.0
"""Seconds between two batches of per-epoch metrics of a running trial; shorter trials write theirs once, at the end."""
POLL = 0.5
LOSSES = 3
"""When so many workers were lost with a trial, it has crashed: it may be the trial that takes machines down."""


class Listener(Protocol):
    """Whoever wants to see trials go by."""

    def started(self, job: Job) -> None: ...
    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None: ...
    def ended(self, job: Job, outcome: Outcome, message: str, metrics: dict[str, float]) -> None: ...


@dataclass
class Summary:
    """How a run went. outcomes: of the trials run now. seconds: wall-clock.

    tracking: processor seconds spent writing to the tracker. Workers do not wait for the writing, so what it costs them
    is the processor, where they share it.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    seconds: float = 0.0
    tracking: float = 0.0
    interrupted: bool = False


@dataclass
class _Running:
    """A trial at a worker. epoch: the last one reported. history: epochs not yet written. lost: workers lost with it."""

    job: Job
    run_id: str
    began: float
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    flushed: float = 0.0
    lost: list[str] = field(default_factory=list)

    def start_again(self) -> None:
        """Forget what was reported: the trial begins anew."""
        self.began = self.flushed = clock.now()
        self.epoch, self.history = 0, []


def reconcile(tracker: Tracker, runs: list[StoredRun]) -> list[StoredRun]:
    """Close the runs that a coordinator left running when it died; return those of other machines, left alone.

    Raises BenchError where another coordinator of this machine is at this suite now.
    """
    running = [run for run in runs if record.outcome(run) is Outcome.RUNNING]
    alive = {run.run_id: provenance.alive(record.coordinator(run)) for run in running}
    if busy := [run for run in running if alive[run.run_id]]:
        pid = provenance.process_id(record.coordinator(busy[0]))
        raise BenchError(
            f"another `bench run` of this suite is at work (process {pid})", mend=f"wait for it, or end it: kill {pid}"
        )
    stale = [run for run in running if alive[run.run_id] is False]
    if stale:
        close_stale(tracker, stale)
    return [run for run in running if alive[run.run_id] is None]


def close_stale(tracker: Tracker, runs: list[StoredRun]) -> None:
    """Close runs that no coordinator is at any more; their trials will be run again."""
    tracker.close_stale(runs, TrialEnd(Outcome.INTERRUPTED, "the coordinator ended without closing the run").tags())


class Coordinator:
    """Runs what a plan has to do.

    time_limit: seconds after which a trial is ended as `timeout`, None for no limit; of a pack, so many for each of its trials.
    packs: which trials train together; None for none.
    """

    def __init__(
        self,
        plan: Plan,
        tracker: Tracker,
        executor: Executor,
        listener: Listener,
        time_limit: float | None = None,
        packs: Packs | None = None,
    ):
        self.plan, self.tracker, self.executor, self.listener = plan, tracker, executor, listener
        self.packs, self.time_limit = packs or Packs(), time_limit
        self.running: dict[int, list[_Running]] = {}
        """number of a worker → the trials that it trains as one program."""
        self.again: list[list[_Running]] = []
        """What is to be handed out once more: packs of a lost worker; and, each alone, the trials of a pack that failed as a
        whole, which tells whose fault it was."""
        self.co_workers = 1
        """How many workers are used."""
        self.checkpoints = Checkpoints(tracker.uri, plan.suite.experiment, executor.threads)
        self.scratch = TemporaryDirectory(prefix="bench-weights-")
        self.summary = Summary()

    def run(self) -> Summary:
        """Run all that is to do.

        The first Ctrl-C (or SIGTERM) ends the trials under way and keeps what is finished; a second one does not wait.
        """
        began = clock.now()
        self.queue = Queue(self.plan, self.tracker.histories, self.packs)
        self.co_workers = max(1, min(len(self.executor.workers), self.queue.waiting))
        try:
            with self._stopped_by(signal.SIGINT, signal.SIGTERM):
                self._loop()
        except BaseException as error:
            # the tracker itself may be what failed, so this is a try, and the first error is the one to tell
            with suppress(BenchError):
                self._abandon(f"the coordinator stopped: {error}")
            raise
        finally:
            self.summary.seconds = clock.now() - began
            self.scratch.cleanup()
        return self.summary

    def _loop(self) -> None:
        while self.queue.waiting or self.again or self.running:
            if self.summary.interrupted:
                self._abandon("interrupted by the user")
                return
            for worker in self.executor.workers[: self.co_workers]:
                if worker.ready and worker.number not in self.running:
                    self._hand(worker)
            self.executor.events(POLL, self._take)
            self._look_after()

    @contextmanager
    def _stopped_by(self, *signals: signal.Signals) -> Iterator[None]:
        """Let signals be noted, and seen between two steps: no record is left half-written."""

        def note(*_: object) -> None:
            if self.summary.interrupted:
                raise KeyboardInterrupt
            self.summary.interrupted = True

        if threading.current_thread() is not threading.main_thread():  # where Python lets nobody handle signals
            yield
            return
        before = {number: signal.signal(number, note) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _tracking(self) -> Iterator[None]:
        """Count the processor time of writing to the tracker."""
        began = time.process_time()
        yield
        self.summary.tracking += time.process_time() - began

    def _hand(self, worker: Worker) -> None:
        """Give a worker its next trial, or its next pack, if there is one."""
        if self.again:
            pack = self.again.pop()
            for running in pack:
                running.start_again()
            self.running[worker.number] = pack
            self._send(worker, [running.job for running in pack])
            return
        jobs = self.queue.ask()
        if not jobs:
            return
        self._send(worker, jobs)  # it need not wait until its runs are on record
        began = clock.now()
        self.running[worker.number] = []
        for job in jobs:
            cell, seed, _ = job.trial
            stage = f" [{cell.stage}]" if len(self.plan.suite.cells) > 1 else ""
            # the seed first: the interface cuts long names, and runs of a cell would look the same
            name = f"seed={seed}: {cell.name}{stage}"
            with self._tracking():
                start = recording.trial_start(self.plan, job, self.executor, self.co_workers)
                run_id = self.tracker.start(name, start.tags(), recording.params(job))
            self.running[worker.number].append(_Running(job, run_id, began, flushed=began))
            self.listener.started(job)

    def _send(self, worker: Worker, jobs: Sequence[Job]) -> None:
        trials = tuple((self._config(job), job.trial.seed) for job in jobs)
        request = Train(trials, jobs[0].keeps, self.queue.prunes(jobs[0]), self.packs.backend(jobs[0]))
        worker.send(replace(request, checkpoints=self.checkpoints.of(jobs, request, worker)))

    def _config(self, job: Job) -> TrialConfig:
        """Return a job's configuration; weights of another trial, from which it starts, are in a file of this run's own then."""
        config, origin = job.trial.cell.config, job.origin
        if origin is None:
            return config
        path = Path(self.scratch.name) / f"{origin.trial.fingerprint}.safetensors"
        if not path.exists():
            with self._tracking():
                content = self.tracker.artifact(origin.result.run_id, Artifact.WEIGHTS)
            if content is None:
                mend = f"delete that run ({origin.result.run_id}), so that it is trained again"
                raise BenchError(f"the run of {origin.name} has lost its weights", where=Artifact.WEIGHTS, mend=mend)
            path.write_bytes(content)
        return config.model_copy(update={"model": config.model.model_copy(update={"weights": str(path)})})

    def _take(self, worker: Worker, event: Event) -> None:
        """Act on what a worker said."""
        match event:
            case Up():
                return
            case Progress(value=Epoch() as epoch):
                if pack := self.running.get(worker.number):
                    self._progressed(worker, pack[epoch.place], epoch)
                    self._look_after()  # an executor may do a whole trial before the loop goes on
                return
            case Progress():
                return
        pack = self.running.pop(worker.number, [])
        match event:
            case Done():
                if pack:
                    self._done(worker, pack, event.value)
                return
            case Lost():
                self._lost(worker, pack, event)
                return
        worker.restart()  # it is gone, or an error has left its device in an unknown state
        if len(pack) > 1 or isinstance(event, Failed):
            self.checkpoints.remove(running.job for running in pack)  # it may be what the error comes from
        if len(pack) > 1:
            self.packs.learn(pack[0].job, len(pack), len(pack) // 2)
            self.again += [[running] for running in pack]
        elif pack and isinstance(event, Failed):
            end = TrialEnd(Outcome.CRASHED, str(event.error))
            self._end(pack[0], end, artifacts={Artifact.LOG: event.traceback.encode()})
        elif pack and isinstance(event, Died):
            self._end(pack[0], TrialEnd(Outcome.CRASHED, event.message))

    def _progressed(self, worker: Worker, running: _Running, told: Epoch) -> None:
        """Take in an epoch of a trial."""
        if told.epoch <= running.epoch:  # its pack was too large for the memory
            running.start_again()
        running.epoch = told.epoch
        if told.again:
            running.began = clock.now() - told.seconds  # a limit counts what it has trained before
        goes_on = self.queue.goes_on(running.job, told.epoch, told.metrics)
        if self.queue.prunes(running.job) and not told.again:
            worker.reply(goes_on)
        running.history.append({"epoch": told.epoch, "seconds": told.seconds, **told.metrics})
        self.listener.progressed(running.job, told.epoch, told.metrics)

    def _done(self, worker: Worker, pack: list[_Running], results: list[Ended]) -> None:
        """Take in the results of a pack, and give its worker the next one."""
        self.packs.learn(pack[0].job, len(pack), max(result.pack for result in results))
        for running, result in zip(pack, results, strict=True):
            # the epoch in which a trial diverged is in its result, but was never reported
            running.history += [row for row in result.history if row["epoch"] > running.epoch]
            self.queue.tell(running.job, _outcome(result), result.metrics)  # before the next is drawn
        try:
            self._hand(worker)  # before the writing, for which the worker need not wait
        finally:
            for running, result in zip(pack, results, strict=True):
                keeps = Artifact.WEIGHTS in result.artifacts
                end = TrialEnd(_outcome(result), result.message, keeps, result.pack, result.backend, result.resumed)
                self._end(running, end, result.metrics, result.artifacts)
            self.checkpoints.remove(running.job for running in pack)

    def _lost(self, worker: Worker, pack: list[_Running], event: Lost) -> None:
        """Let what a lost worker was at be run again elsewhere; that says nothing of the trials, unless it happens repeatedly."""
        for running in pack:
            running.lost.append(worker.name)
        if pack and len(pack[0].lost) >= LOSSES:
            message = f"{LOSSES} workers were lost with it ({', '.join(pack[0].lost)}): {event.message}"
            for running in pack:
                self._end(running, TrialEnd(Outcome.CRASHED, message))
        elif pack:
            self.again.append(pack)

    def _end(
        self,
        running: _Running,
        end: TrialEnd,
        metrics: dict[str, float] | None = None,
        artifacts: dict[str, bytes] | None = None,
    ) -> None:
        """Record how a trial ended."""
        job, metrics = running.job, metrics or {}
        with self._tracking():
            self.tracker.finish(
                running.run_id,
                status=end.outcome.status,
                tags=end.tags(),
                metrics=metrics,
                history=running.history,
                artifacts={Artifact.CONFIG: recording.config_yaml(job), **(artifacts or {})},
            )
        self.summary.outcomes[end.outcome] += 1
        self.queue.tell(job, end.outcome, metrics)
        self.listener.ended(job, end.outcome, end.message, metrics)

    def _look_after(self) -> None:
        """Do what time asks for: end trials that take too long, or that the user interrupts, and write what has been reported."""
        if self.summary.interrupted:
            self._abandon("interrupted by the user")
        self._enforce_limit()
        self._flush()

    def _enforce_limit(self) -> None:
        if self.time_limit is None:
            return
        for worker in self.executor.workers:
            pack = self.running.get(worker.number)
            if pack and clock.now() - pack[0].began > self.time_limit * len(pack):
                worker.restart()
                for running in self.running.pop(worker.number):
                    self._end(running, TrialEnd(Outcome.TIMEOUT, f"not finished after {self.time_limit:g} s"))
                self.checkpoints.remove(running.job for running in pack)

    def _flush(self) -> None:
        for running in (one for pack in self.running.values() for one in pack):
            if running.history and clock.now() - running.flushed > FLUSH:
                with self._tracking():
                    self.tracker.log(running.run_id, running.history)
                running.history, running.flushed = [], clock.now()

    def _abandon(self, message: str) -> None:
        """End the trials under way; they will be run again."""
        for worker in self.executor.workers:
            if worker.number in self.running:
                worker.end()
        abandoned = [running for pack in (*self.again, *self.running.values()) for running in pack]
        self.again, self.running = [], {}
        for running in abandoned:
            self._end(running, TrialEnd(Outcome.INTERRUPTED, message))


def _outcome(result: Ended) -> Outcome:
    return Outcome.PRUNED if result.outcome == "stopped" else Outcome(result.outcome)
