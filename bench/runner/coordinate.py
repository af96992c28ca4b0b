"""The coordinator: hands jobs to workers, watches the clock, and is the only writer to the tracker."""

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from bench.errors import BenchError
from bench.runner import record
from bench.runner.plan import Job, Plan
from bench.runner.pool import Died, Done, Event, Failed, Pool, Progress, Worker, greet
from bench.runner.study import OBJECTIVE, Study
from trackers import StoredRun, Tracker

FLUSH = 10.0
"""Seconds between two batches of per-epoch metrics of a running trial; shorter trials write theirs once, at the end."""
POLL = 0.5
STATUS = {"finished": "FINISHED", "interrupted": "KILLED"}


class Listener(Protocol):
    """Whoever wants to see a run go by."""

    def started(self, job: Job) -> None: ...
    def progressed(self, job: Job, epoch: int, metrics: dict[str, float]) -> None: ...
    def ended(self, job: Job, outcome: str, message: str, metrics: dict[str, float]) -> None: ...


@dataclass
class Summary:
    """How a run went. outcomes: of the trials run now. tracking: seconds spent writing to the tracker."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    tracking: float = 0.0
    interrupted: bool = False


@dataclass
class _Running:
    """A trial at a worker. epoch: the last one reported. history: epochs not yet written."""

    job: Job
    number: int
    run_id: str
    began: float
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    flushed: float = 0.0


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
        tracker.close_stale(stale, {"outcome": "interrupted", "message": "the coordinator ended without closing the run"})
    return [run for run in running if state[run.run_id] is None]


class Coordinator:
    """Runs what a plan has to do.

    time_limit: seconds after which a trial is ended as `timeout`, None for no limit.
    """

    def __init__(self, plan: Plan, tracker: Tracker, pool: Pool, listener: Listener, time_limit: float | None = None):
        self.plan, self.tracker, self.pool, self.listener, self.time_limit = plan, tracker, pool, listener, time_limit
        self.running: dict[int, _Running] = {}
        self.summary = Summary()

    def run(self) -> Summary:
        """Run all that is to do. Ctrl-C (KeyboardInterrupt) ends the trials under way and keeps what is finished."""
        began = time.monotonic()
        self.study = Study(self.plan)
        self.pool.keep(max(1, min(len(self.pool.workers), self.study.waiting)))
        try:
            while self.study.waiting or self.running:
                for worker in self.pool.workers:
                    if worker.ready and worker.number not in self.running:
                        self._hand(worker)
                for worker, event in self.pool.events(POLL):
                    self._take(worker, event)
                self._enforce_limit()
                self._flush()
        except KeyboardInterrupt:
            self.summary.interrupted = True
            self._abandon("interrupted by the user")
        except BaseException as error:
            # the tracker itself may be what failed, so this is a try, and the first error is the one to tell
            with suppress(BenchError):
                self._abandon(f"the coordinator stopped: {error}")
            raise
        finally:
            self.summary.seconds = time.monotonic() - began
        return self.summary

    def _hand(self, worker: Worker) -> None:
        asked = self.study.ask()
        if asked is None:
            return
        number, job = asked
        clock = time.monotonic()
        cell, seed, _ = job.trial
        tags = record.tags(self.plan, job, self.pool, len(self.pool.workers))
        stage = f" [{cell.stage}]" if len(self.plan.suite.cells) > 1 else ""
        # the seed first: the interface cuts long names, and runs of a cell would look the same
        run_id = self.tracker.start(f"seed={seed}: {cell.name}{stage}", tags, record.params(job))
        worker.send("trial", cell.config, seed)
        self.summary.tracking += time.monotonic() - clock
        self.running[worker.number] = _Running(job, number, run_id, time.monotonic(), flushed=time.monotonic())
        self.listener.started(job)

    def _take(self, worker: Worker, event: Event) -> None:
        running = self.running.get(worker.number)
        if not worker.ready:
            greet(worker, event)
        elif isinstance(event, Progress) and running:
            epoch, metrics = event.value
            running.epoch = epoch
            running.history.append({"epoch": epoch, "seconds": time.monotonic() - running.began, **metrics})
            self.listener.progressed(running.job, epoch, metrics)
        elif isinstance(event, Done):
            result = event.value
            # the epoch in which a trial diverged is in its result, but was never reported
            running.history += [row for row in result.history if row["epoch"] > running.epoch]
            artifacts = {"predictions.npz": record.predictions_npz(result.predictions)} if result.predictions else {}
            self._end(worker, result.outcome, result.message, result.metrics, artifacts)
        elif isinstance(event, Failed):
            self._end(worker, "crashed", str(event.error), {}, {"log.txt": event.traceback.encode()})
            worker.restart()  # an error may leave the device in any state
        elif isinstance(event, Died):
            if running:
                self._end(worker, "crashed", event.message, {})
            worker.restart()

    def _end(
        self,
        worker: Worker,
        outcome: str,
        message: str,
        metrics: dict[str, float],
        artifacts: dict[str, bytes] | None = None,
    ) -> None:
        running = self.running.pop(worker.number)
        job = running.job
        clock = time.monotonic()
        self.tracker.finish(
            running.run_id,
            status=STATUS.get(outcome, "FAILED"),
            tags={"outcome": outcome, **record.note(outcome, message)},
            metrics=metrics,
            history=running.history,
            artifacts={"config.yaml": record.config_yaml(job), **(artifacts or {})},
        )
        self.summary.tracking += time.monotonic() - clock
        self.summary.outcomes[outcome] += 1
        self.study.tell(running.number, metrics.get(OBJECTIVE) if outcome == "finished" else None)
        self.listener.ended(job, outcome, message, metrics)

    def _enforce_limit(self) -> None:
        if self.time_limit is None:
            return
        for worker in self.pool.workers:
            running = self.running.get(worker.number)
            if running and time.monotonic() - running.began > self.time_limit:
                worker.restart()
                self._end(worker, "timeout", f"not finished after {self.time_limit:g} s", {})

    def _flush(self) -> None:
        for running in self.running.values():
            if running.history and time.monotonic() - running.flushed > FLUSH:
                clock = time.monotonic()
                self.tracker.log(running.run_id, running.history)
                running.history, running.flushed = [], time.monotonic()
                self.summary.tracking += time.monotonic() - clock

    def _abandon(self, message: str) -> None:
        """End the trials under way; they will be run again."""
        for worker in self.pool.workers:
            if worker.number in self.running:
                worker.end()
        for worker in list(self.pool.workers):
            if worker.number in self.running:
                self._end(worker, "interrupted", message, {})
