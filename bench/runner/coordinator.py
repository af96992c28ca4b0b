"""The coordinator: hands jobs to an executor's workers, watches the clock, and tells the writer what comes of them."""

import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

from bench import clock
from bench.config import TrialConfig
from bench.errors import BenchError
from bench.runner import recording
from bench.runner.checkpoints import Checkpoints
from bench.runner.executors.base import Executor, Worker
from bench.runner.messages import Died, Done, Ended, Epoch, Event, Failed, Lost, Progress, TrainTrials, Up, Warned
from bench.runner.packs import Packs
from bench.runner.plan import CellKey, Job, Plan, key
from bench.runner.queue import Queue
from bench.runner.stored import Stored
from bench.runner.writer import PATIENCE, Outage, Writer
from bench.trackers import Tracker
from bench.trackers.lease import Hold
from bench.trackers.record import Artifact, KeptWeights, Outcome, TrialEnd

FLUSH = 10.0
"""Seconds between two batches of per-epoch metrics of a running trial; shorter trials write theirs once, at the end."""
POLL = 0.5
LOSSES = 3
"""When so many workers were lost with a trial, it has crashed: it may be the trial that takes machines down."""
TRIES = 2
"""A trial that crashes is tried once more: a library or a machine may have failed it."""
ALIKE = 3
"""When so many trials of a cell have crashed with the same error, its other trials are left out."""


class TrialListener(Protocol):
    """Whoever wants to see trials go by."""

    def started(self, job: Job) -> None: ...
    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None: ...
    def ended(self, job: Job, outcome: Outcome, message: str, metrics: dict[str, float]) -> None: ...
    def left_out(self, job: Job, message: str) -> None: ...
    def store(self, outage: Outage | None) -> None: ...


@dataclass
class Summary:
    """How a run went. outcomes: of the trials run now. seconds: wall-clock. kept: results that wait on disk for the store.

    tracking: processor seconds spent writing to the tracker. Workers do not wait for the writing, so what it costs them
    is the processor, where they share it.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    seconds: float = 0.0
    tracking: float = 0.0
    interrupted: bool = False
    kept: int = 0


@dataclass
class _Running:
    """A trial at a worker. attempt: the writer's name of its run. epoch: the last one reported. history: epochs not yet written.
    lost: workers lost with it. crashed: how often it has."""

    job: Job
    attempt: str
    began: float
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    flushed: float = 0.0
    lost: list[str] = field(default_factory=list)
    crashed: int = 0

    def start_again(self) -> None:
        """Forget what was reported: the trial begins anew."""
        self.began = self.flushed = clock.now()
        self.epoch, self.history = 0, []


class Coordinator:
    """Runs what a plan has to do.

    time_limit: seconds after which a trial is ended as `timeout`, None for no limit; of a pack, so many for each of its trials.
    packs: which trials train together; None for none. stored: gives the weights that trials start from. hold: on the experiment.
    keep_going: run the other trials of a cell too that crash with the same error again and again.
    """

    def __init__(
        self,
        plan: Plan,
        tracker: Tracker,
        writer: Writer,
        executor: Executor,
        listener: TrialListener,
        stored: Stored,
        *,
        hold: Hold | None = None,
        time_limit: float | None = None,
        packs: Packs | None = None,
        keep_going: bool = False,
    ):
        self.plan, self.tracker, self.writer, self.executor, self.listener = plan, tracker, writer, executor, listener
        self.stored, self.hold, self.packs, self.time_limit = stored, hold or Hold(), packs or Packs(), time_limit
        self.keep_going = keep_going
        self.running: dict[int, list[_Running]] = {}
        """number of a worker → the trials that it trains as one program."""
        self.again: list[list[_Running]] = []
        """What is to be handed out once more: packs of a lost worker; and, each alone, the trials of a pack that failed as a
        whole, which tells whose fault it was."""
        self.crashes: Counter[tuple[CellKey, str]] = Counter()
        """Trials of a cell that crashed, by their error."""
        self.reading = False
        """Whether the store is being asked for something, which may take long."""
        self.outage: Outage | None = None
        self.co_workers = 1
        """How many workers are used."""
        self.checkpoints = Checkpoints(tracker.uri, plan.suite.experiment, executor.threads)
        self.unsafe: list[list[_Running]] = []
        """Packs that have ended, and of which not all results are on disk: their checkpoints stay so long."""
        self.summary = Summary()

    def run(self) -> Summary:
        """Run all that is to do.

        The first Ctrl-C (or SIGTERM) ends the trials under way and keeps what is finished; a second one does not wait.
        """
        began, written = clock.now(), self.writer.seconds
        self.queue = Queue(self.plan, self.tracker.histories, self.packs)
        self.co_workers = max(1, min(len(self.executor.workers), self.queue.waiting))
        try:
            with self._stopped_by(signal.SIGINT, signal.SIGTERM):
                self._loop()
                self._wait_for_the_store()
        except BaseException as error:
            self._abandon(f"the coordinator stopped: {error}")
            raise
        finally:
            self.summary.seconds = clock.now() - began
            self.summary.tracking = self.writer.seconds - written
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

    def _wait_for_the_store(self) -> None:
        """Wait until all is written: what comes next depends on it. Who interrupts waits no longer."""
        while not self.summary.interrupted and not self.writer.drained(POLL):
            self._watch_the_store()
        if self.summary.interrupted:
            self.summary.kept = self.writer.close(PATIENCE)
        self._watch_the_store()

    @contextmanager
    def _stopped_by(self, *signals: signal.Signals) -> Iterator[None]:
        """Let signals be noted, and seen between two steps: no record is left half-written."""

        def note(*_: object) -> None:
            if self.summary.interrupted or self.reading:
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

    def _hand(self, worker: Worker) -> None:
        """Give a worker its next trial, or its next pack, if there is one, and room for its result."""
        if self.writer.full:
            return
        if self.again:
            pack = self.again.pop()
            for running in pack:
                running.start_again()
            self.running[worker.number] = pack
            self._send(worker, [running.job for running in pack])
            return
        jobs = self._fit()
        if not jobs:
            return
        self._send(worker, jobs)  # it need not wait until its runs are on record
        began = clock.now()
        self.running[worker.number] = []
        for job in jobs:
            self.running[worker.number].append(self._begin(job, began))

    def _fit(self) -> list[Job]:
        """Return what is to train next; what is known to hang, die or crash by its check is on record with that outcome then."""
        while jobs := self.queue.ask():
            for job in jobs:
                if fault := self.plan.fault(job.trial.cell):
                    end = TrialEnd(fault.outcome or Outcome.CRASHED, f"before training: {fault.error.message}")
                    log: dict[str, bytes] = {Artifact.LOG: fault.traceback.encode()} if fault.traceback else {}
                    self._end(self._begin(job, clock.now()), end, artifacts=log)
            if fit := [job for job in jobs if not self.plan.fault(job.trial.cell) and not self._is_left_out(job)]:
                return fit
        return []

    def _begin(self, job: Job, began: float) -> _Running:
        """Begin the run of a trial."""
        cell, seed, _ = job.trial
        stage = f" [{cell.stage}]" if len(self.plan.suite.cells) > 1 else ""
        # the seed first: the interface cuts long names, and runs of a cell would look the same
        name = f"seed={seed}: {cell.name}{stage}"
        start = recording.trial_start(self.plan, job, self.executor, self.co_workers)
        attempt = self.writer.begin(name, start, recording.params(job))
        self.listener.started(job)
        return _Running(job, attempt, began, flushed=began)

    def _send(self, worker: Worker, jobs: Sequence[Job]) -> None:
        trials = tuple((self._config(job), job.trial.seed) for job in jobs)
        request = TrainTrials(trials, jobs[0].keeps, self.queue.prunes(jobs[0]), self.packs.backend(jobs[0]))
        worker.send(replace(request, checkpoints=self.checkpoints.of(jobs, request, worker)))

    def _config(self, job: Job) -> TrialConfig:
        """Return a job's configuration; weights of another trial, from which it starts, are in a file of this run's own then."""
        config, origin = job.trial.cell.config, job.origin
        if origin is None:
            return config
        with self._read():
            path = self.stored.weights(origin.result)  # whole: the plan has looked at those of every seed that may be drawn
        return config.model_copy(update={"model": config.model.model_copy(update={"weights": str(path)})})

    @contextmanager
    def _read(self) -> Iterator[None]:
        """Let Ctrl-C end what waits for an answer of the store."""
        self.reading = True
        try:
            yield
        finally:
            self.reading = False

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
            case Progress(value=Warned() as warned):
                self.executor.warn(warned)
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
            log: dict[str, bytes] = {Artifact.LOG: event.traceback.encode()}
            self._crashed(pack[0], f"{event.error}; the traceback is in its {Artifact.LOG}", log)
        elif pack and isinstance(event, Died):
            self._crashed(pack[0], event.message, {})

    def _crashed(self, running: _Running, message: str, artifacts: dict[str, bytes]) -> None:
        """Try a trial that crashed once more; record it when it has crashed again."""
        running.crashed += 1
        if running.crashed < TRIES:
            self.again.append([running])
            return
        self.crashes[key(running.job.trial.cell), message] += 1
        self._end(running, TrialEnd(Outcome.CRASHED, message), artifacts=artifacts)

    def _is_left_out(self, job: Job) -> bool:
        """Whether so many trials of a job's cell have crashed with one error that it is left out; it stays to do."""
        cell = key(job.trial.cell)
        message = next((text for (where, text), count in self.crashes.items() if where == cell and count >= ALIKE), None)
        if message is None or self.keep_going:
            return False
        self.queue.tell(job, Outcome.CRASHED, {})
        self.listener.left_out(job, message)
        return True

    def _progressed(self, worker: Worker, running: _Running, epoch: Epoch) -> None:
        """Take in an epoch of a trial."""
        if epoch.epoch <= running.epoch:  # its pack was too large for the memory
            running.start_again()
        running.epoch = epoch.epoch
        if epoch.again:
            running.began = clock.now() - epoch.seconds  # a limit counts what it has trained before
        goes_on = self.queue.goes_on(running.job, epoch.epoch, epoch.metrics)
        if self.queue.prunes(running.job) and not epoch.again:
            worker.reply(goes_on)
        running.history.append({"epoch": epoch.epoch, "seconds": epoch.seconds, **epoch.metrics})
        self.listener.progressed(running.job, epoch.epoch, epoch.metrics)

    def _done(self, worker: Worker, pack: list[_Running], results: list[Ended]) -> None:
        """Take in the results of a pack, and give its worker the next one."""
        self.packs.learn(pack[0].job, len(pack), max(result.pack for result in results))
        for running, result in zip(pack, results, strict=True):
            # the epoch in which a trial diverged is in its result, but was never reported
            running.history += [row for row in result.history if row["epoch"] > running.epoch]
            self.queue.tell(running.job, _outcome(result), result.metrics)  # before the next is drawn
        try:
            if worker.ready:
                self._hand(worker)  # before the writing, for which the worker need not wait
        finally:
            for running, result in zip(pack, results, strict=True):
                weights = result.artifacts.get(Artifact.WEIGHTS)
                kept = KeptWeights.of(weights) if weights else None
                end = TrialEnd(_outcome(result), result.message, kept, result.pack, result.backend, result.resumed)
                self._end(running, end, result.metrics, result.artifacts)
            self.unsafe.append(pack)

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
        artifacts = {Artifact.CONFIG: recording.config_yaml(job), **(artifacts or {})}
        self.writer.finish(running.attempt, end, metrics, running.history, artifacts)
        self.summary.outcomes[end.outcome] += 1
        self.queue.tell(job, end.outcome, metrics)
        self.listener.ended(job, end.outcome, end.message, metrics)

    def _look_after(self) -> None:
        """Do what time asks for: end trials that take too long, or that the user interrupts, and write what has been reported."""
        if self.summary.interrupted:
            self._abandon("interrupted by the user")
        if self.hold.taken_over:
            mend = "its results so far are kept; run the same command again when that one has ended"
            raise BenchError(f"this run ends: {self.hold.taken_over}", mend=mend)
        self._watch_the_store()
        self._enforce_limit()
        self._flush()

    def _watch_the_store(self) -> None:
        """Tell when the store can no longer be reached, and when it can again. Raises what ended the writing."""
        self.writer.check()
        self.writer.look()
        safe = [pack for pack in self.unsafe if all(self.writer.is_safe(running.attempt) for running in pack)]
        for pack in safe:
            self.unsafe.remove(pack)
            self.checkpoints.remove(running.job for running in pack)
        outage = self.writer.outage()
        if outage != self.outage:
            self.outage = outage
            self.listener.store(outage)

    def _enforce_limit(self) -> None:
        if self.time_limit is None:
            return
        for worker in self.executor.workers:
            pack = self.running.get(worker.number)
            if pack and clock.now() - pack[0].began > self.time_limit * len(pack):
                worker.restart()
                for running in self.running.pop(worker.number):
                    self._end(running, TrialEnd(Outcome.TIMEOUT, f"not finished after {self.time_limit:g} s"))
                self.unsafe.append(pack)

    def _flush(self) -> None:
        for running in (running for pack in self.running.values() for running in pack):
            if running.history and clock.now() - running.flushed > FLUSH:
                self.writer.log(running.attempt, running.history)
                running.history, running.flushed = [], clock.now()

    def _abandon(self, message: str) -> None:
        """End the trials under way; they will be run again."""
        for worker in self.executor.workers:  # also one that only waits: nothing more is to do for it
            worker.end()
        abandoned = [running for pack in (*self.again, *self.running.values()) for running in pack]
        self.again, self.running = [], {}
        for running in abandoned:
            self._end(running, TrialEnd(Outcome.INTERRUPTED, message))


def _outcome(result: Ended) -> Outcome:
    return Outcome.PRUNED if result.outcome == "stopped" else Outcome(result.outcome)
