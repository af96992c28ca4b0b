"""The coordinator: hands jobs to workers, watches the clock, and is the only writer to the tracker."""

import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from bench.config import TrialConfig
from bench.errors import BenchError
from bench.runner import record
from bench.runner.packs import Packs
from bench.runner.plan import Job, Plan
from bench.runner.pool import Done, Event, Failed, Pool, Progress, Worker, greet
from bench.runner.record import WEIGHTS
from bench.runner.study import Study
from bench.runner.worker import Ended
from bench.trackers import StoredRun, Tracker

FLUSH = 10.0
"""Seconds between two batches of per-epoch metrics of a running trial; shorter trials write theirs once, at the end."""
POLL = 0.5
STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "pruned": "KILLED"}


class Listener(Protocol):
    """Whoever wants to see a run go by."""

    def started(self, job: Job) -> None: ...
    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None: ...
    def ended(self, job: Job, outcome: str, message: str, metrics: dict[str, float]) -> None: ...


@dataclass
class Summary:
    """How a run went. outcomes: of the trials run now. seconds: wall-clock.

    tracking: processor seconds spent writing to the tracker. Workers do not wait for the writing, so what it costs them
    is the processor, where they share it.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    tracking: float = 0.0
    interrupted: bool = False


@dataclass
class _Running:
    """A trial at a worker. epoch: the last one reported. history: epochs not yet written."""

    job: Job
    run_id: str
    began: float
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    flushed: float = 0.0

    def start_again(self) -> None:
        """Forget what was reported: the trial begins anew."""
        self.began = self.flushed = time.monotonic()
        self.epoch, self.history = 0, []


def reconcile(tracker: Tracker, runs: list[StoredRun]) -> list[StoredRun]:
    """Close the runs that a coordinator left RUNNING when it died; return those of other machines, left alone.

    Raises BenchError where another coordinator of this machine is at this suite now.
    """
    running = [run for run in runs if run.status == "RUNNING"]
    state = {run.run_id: record.alive(run.tags.get("coordinator", "")) for run in running}
    if busy := [run for run in running if state[run.run_id]]:
        pid = busy[0].tags["coordinator"].split(":")[-2]
        raise BenchError(
            f"another `bench run` of this suite is at work (process {pid})", mend=f"wait for it, or end it: kill {pid}"
        )
    stale = [run for run in running if state[run.run_id] is False]
    if stale:
        note = record.note("interrupted", "the coordinator ended without closing the run")
        tracker.close_stale(stale, {"outcome": "interrupted", **note})
    return [run for run in running if state[run.run_id] is None]


class Coordinator:
    """Runs what a plan has to do.

    time_limit: seconds after which a trial is ended as `timeout`, None for no limit; of a pack, so many for each of its trials.
    packs: which trials train together; None for none.
    """

    def __init__(
        self,
        plan: Plan,
        tracker: Tracker,
        pool: Pool,
        listener: Listener,
        time_limit: float | None = None,
        packs: Packs | None = None,
    ):
        self.packs = packs or Packs()
        self.plan, self.tracker, self.pool, self.listener, self.time_limit = plan, tracker, pool, listener, time_limit
        self.running: dict[int, list[_Running]] = {}
        """number of a worker → the trials that it trains as one program."""
        self.again: list[_Running] = []
        """Trials whose pack failed as a whole: each is to run alone, which tells whose fault it was."""
        self.workers: list[Worker] = []
        self.scratch = TemporaryDirectory(prefix="bench-weights-")
        self.summary = Summary()

    def run(self) -> Summary:
        """Run all that is to do.

        The first Ctrl-C (or SIGTERM) ends the trials under way and keeps what is finished; a second one does not wait.
        """
        began = time.monotonic()
        self.study = Study(self.plan, self.tracker.histories, self.packs)
        self.workers = self.pool.workers[: max(1, self.study.waiting)]
        try:
            with self._stopped_by(signal.SIGINT, signal.SIGTERM):
                self._loop()
        except BaseException as error:
            # the tracker itself may be what failed, so this is a try, and the first error is the one to tell
            with suppress(BenchError):
                self._abandon(f"the coordinator stopped: {error}")
            raise
        finally:
            self.summary.seconds = time.monotonic() - began
            self.scratch.cleanup()
        return self.summary

    def _loop(self) -> None:
        while self.study.waiting or self.again or self.running:
            if self.summary.interrupted:
                self._abandon("interrupted by the user")
                return
            for worker in self.workers:
                if worker.ready and worker.number not in self.running:
                    self._hand(worker)
            for worker, event in self.pool.events(POLL):
                self._take(worker, event)
            self._enforce_limit()
            self._flush()

    @contextmanager
    def _stopped_by(self, *signals: signal.Signals) -> Iterator[None]:
        """Let signals be noted, and seen between two steps: no record is left half-written."""

        def note(*_: object) -> None:
            if self.summary.interrupted:
                raise KeyboardInterrupt
            self.summary.interrupted = True

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
            running = self.again.pop()
            running.start_again()
            self.running[worker.number] = [running]
            self._send(worker, [running.job])
            return
        jobs = self.study.ask()
        if not jobs:
            return
        self._send(worker, jobs)  # it need not wait until its runs are on record
        began = time.monotonic()
        self.running[worker.number] = []
        for job in jobs:
            cell, seed, _ = job.trial
            stage = f" [{cell.stage}]" if len(self.plan.suite.cells) > 1 else ""
            # the seed first: the interface cuts long names, and runs of a cell would look the same
            name = f"seed={seed}: {cell.name}{stage}"
            with self._tracking():
                tags = record.tags(self.plan, job, self.pool, len(self.workers))
                run_id = self.tracker.start(name, tags, record.params(job))
            self.running[worker.number].append(_Running(job, run_id, began, flushed=began))
            self.listener.started(job)

    def _send(self, worker: Worker, jobs: Sequence[Job]) -> None:
        configs = [job.trial.cell.config if job.origin is None else self._with_weights(job) for job in jobs]
        trials = [(config, job.trial.seed) for config, job in zip(configs, jobs, strict=True)]
        worker.send("trials", trials, jobs[0].keeps, self.study.prunes(jobs[0]), self.packs.backend(jobs[0]))

    def _with_weights(self, job: Job) -> TrialConfig:
        """Return a configuration that starts from the weights that another trial trained, in a file of this run's own."""
        config, origin = job.trial.cell.config, job.origin
        path = Path(self.scratch.name) / f"{origin.trial.fingerprint}.safetensors"
        if not path.exists():
            with self._tracking():
                content = self.tracker.artifact(origin.run.run_id, WEIGHTS)
            if content is None:
                mend = f"delete that run ({origin.run.run_id}), so that it is trained again"
                raise BenchError(f"the run of {origin.name} has lost its weights", where=WEIGHTS, mend=mend)
            path.write_bytes(content)
        return config.model_copy(update={"model": config.model.model_copy(update={"weights": str(path)})})

    def _take(self, worker: Worker, event: Event) -> None:
        """Act on what a worker said."""
        if not worker.ready:
            greet(worker, event)
            return
        if isinstance(event, Progress):
            place, epoch, metrics = event.value
            self._progressed(worker, self.running[worker.number][place], epoch, metrics)
            return
        pack = self.running.pop(worker.number, [])
        if isinstance(event, Done):
            self.packs.learn(pack[0].job, len(pack), max(ended.pack for ended in event.value))
            for running, ended in zip(pack, event.value, strict=True):
                # the epoch in which a trial diverged is in its result, but was never reported
                running.history += [row for row in ended.history if row["epoch"] > running.epoch]
                self.study.tell(running.job, _outcome(ended), ended.metrics)  # before the next is drawn
            try:
                self._hand(worker)  # before the writing, for which the worker need not wait
            finally:
                for running, ended in zip(pack, event.value, strict=True):
                    told = (_outcome(ended), ended.message, ended.metrics, ended.artifacts, record.together(ended))
                    self._end(running, *told)
            return
        worker.restart()  # it is gone, or an error has left its device in an unknown state
        if len(pack) > 1:
            self.packs.learn(pack[0].job, len(pack), len(pack) // 2)
            self.again += pack
        elif pack and isinstance(event, Failed):
            self._end(pack[0], "crashed", str(event.error), {}, {"log.txt": event.traceback.encode()})
        elif pack:
            self._end(pack[0], "crashed", event.message)

    def _progressed(self, worker: Worker, running: _Running, epoch: int, metrics: dict[str, float]) -> None:
        """Take in an epoch of a trial."""
        if epoch <= running.epoch:  # its pack was too large for the memory
            running.start_again()
        running.epoch = epoch
        goes_on = self.study.goes_on(running.job, epoch, metrics)
        if self.study.prunes(running.job):
            worker.reply(goes_on)
        running.history.append({"epoch": epoch, "seconds": time.monotonic() - running.began, **metrics})
        self.listener.progressed(running.job, epoch, metrics)

    def _end(
        self,
        running: _Running,
        outcome: str,
        message: str,
        metrics: dict[str, float] | None = None,
        artifacts: dict[str, bytes] | None = None,
        tags: dict[str, str] | None = None,
    ) -> None:
        """Record how a trial ended. tags: more of them."""
        job, metrics = running.job, metrics or {}
        told = {"outcome": outcome, **record.note(outcome, message), **record.kept(artifacts or {}), **(tags or {})}
        with self._tracking():
            self.tracker.finish(
                running.run_id,
                status=STATUS.get(outcome, "FAILED"),
                tags=told,
                metrics=metrics,
                history=running.history,
                artifacts={"config.yaml": record.config_yaml(job), **(artifacts or {})},
            )
        self.summary.outcomes[outcome] += 1
        self.study.tell(job, outcome, metrics)
        self.listener.ended(job, outcome, message, metrics)

    def _enforce_limit(self) -> None:
        if self.time_limit is None:
            return
        for worker in self.pool.workers:
            pack = self.running.get(worker.number)
            if pack and time.monotonic() - pack[0].began > self.time_limit * len(pack):
                worker.restart()
                for running in self.running.pop(worker.number):
                    self._end(running, "timeout", f"not finished after {self.time_limit:g} s")

    def _flush(self) -> None:
        for running in (one for pack in self.running.values() for one in pack):
            if running.history and time.monotonic() - running.flushed > FLUSH:
                with self._tracking():
                    self.tracker.log(running.run_id, running.history)
                running.history, running.flushed = [], time.monotonic()

    def _abandon(self, message: str) -> None:
        """End the trials under way; they will be run again."""
        for worker in self.pool.workers:
            if worker.number in self.running:
                worker.end()
        abandoned = [*self.again, *(running for pack in self.running.values() for running in pack)]
        self.again, self.running = [], {}
        for running in abandoned:
            self._end(running, "interrupted", message)


def _outcome(ended: Ended) -> str:
    return "pruned" if ended.outcome == "stopped" else ended.outcome
