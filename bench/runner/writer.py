"""The writer: a thread of its own that brings trials to the tracker, so that a slow or dead store stops neither the trials nor
the user. What has ended waits in memory, and on disk as soon as the store does not take it."""

import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from bench.errors import BenchError, ErrorCode
from bench.runner.spool import Attempt, End, Row, Spool
from bench.trackers import StoredRun, Tracker, record
from bench.trackers.record import Artifact, Outcome, TrialEnd, TrialStart

MEMORY = 256_000_000
"""Bytes of artifacts that wait in memory, at most."""
SLOW = 5.0
"""Seconds after which a store that has not answered is taken for one that may never do so."""
PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between two tries while a store is unreachable; the last one again and again."""
PATIENCE = 3.0
"""Seconds in which the store may still take what there is, when a run ends before its end."""
LOST = TrialEnd(Outcome.INTERRUPTED, "its result waited on disk for the store, and can no longer be read")


@dataclass(frozen=True)
class Outage:
    """A store that does not take what is written. since: local time of day. reason: "" where it has not answered yet, as it may
    when a file is large. waiting: results that are not in it yet."""

    since: str
    reason: str
    waiting: int


class _Entry:
    """An attempt on its way. run_id: "" until the store has begun it. logged: epochs that the store has. spooled: whether it is
    on disk, and its artifacts only there."""

    def __init__(self, attempt: Attempt):
        self.attempt = attempt
        self.run_id = ""
        self.logged = 0
        self.spooled = False

    @property
    def size(self) -> int:
        """Bytes of artifacts in memory."""
        return self.attempt.end.size if self.attempt.end else 0


class Writer:
    """Writes attempts to a tracker, in the order in which they have something to write. A context manager: leaving it keeps what
    is not written on disk, for the next run."""

    def __init__(self, tracker: Tracker, spool: Spool, holder: int = 0):
        self.tracker, self.spool, self.holder = tracker, spool, holder
        self.seconds = 0.0
        """Processor time of the writing."""
        self.full = False
        """Whether no more results can wait."""
        self.error: BaseException | None = None
        """What ended the writing, if it has."""
        self._changed = threading.Condition()
        self._entries: dict[str, _Entry] = {}
        """Attempts that are not finished in the store."""
        self._stored: dict[tuple[str, ...], list[StoredRun]] = {}
        """The runs of each trial that have ended in the store."""
        self._due: dict[str, _Entry] = {}
        """Those with something to write, in order."""
        self._outage: tuple[str, str] | None = None
        self._asked: float | None = None
        """Since when the store has been at what it was asked last."""
        self._closed = False
        self._thread = threading.Thread(target=self._write_all, name="bench writer", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------ what the coordinator calls; nothing here waits for the store

    def begin(self, name: str, start: TrialStart, params: dict[str, str]) -> str:
        """Note that a trial begins, and return the id of this attempt."""
        attempt_id = uuid.uuid4().hex
        tags = replace(start, attempt=attempt_id, holder=self.holder).tags()
        with self._changed:
            entry = self._entries[attempt_id] = _Entry(Attempt(attempt_id, name, tags, params, time.time()))
            self._is_due(entry)
        return attempt_id

    def knows(self, runs: Iterable[StoredRun]) -> None:
        """Take note of the runs that the experiment has: what a result to come supersedes among them is tagged with it."""
        by_trial: dict[tuple[str, ...], list[StoredRun]] = {}
        for run in runs:
            if run.status != "RUNNING" and (known := record.trial(run.tags)):
                by_trial.setdefault(known, []).append(run)
        with self._changed:
            self._stored = by_trial

    def log(self, attempt_id: str, rows: list[Row]) -> None:
        """Note epochs of an attempt; see `Tracker.log`."""
        with self._changed:
            self._entries[attempt_id].attempt.history += rows
            self._is_due(self._entries[attempt_id])

    def finish(
        self, attempt_id: str, end: TrialEnd, metrics: dict[str, float], rows: list[Row], artifacts: Mapping[str, bytes]
    ) -> None:
        """Note how an attempt ended; see `Tracker.finish`."""
        with self._changed:
            entry = self._entries[attempt_id]
            entry.attempt.history += rows
            entry.attempt.end = End(end.outcome.status, end.tags(), metrics, dict(artifacts), time.time())
            self._is_due(entry)
        self.look()

    def look(self) -> None:
        """Move what waits too long, or is too much, to disk."""
        with self._changed:
            waiting = [entry for entry in self._due.values() if _has_result(entry) and not entry.spooled]
            if self._is_late():
                moved = waiting
            else:
                moved = []
                while sum(entry.size for entry in waiting) > MEMORY:
                    moved.append(waiting.pop())  # the last: the first ones are written next
            kept = [self._to_disk(entry) for entry in moved]  # each, also after one for which there is no room
            self.full = not all(kept)

    def is_safe(self, attempt_id: str) -> bool:
        """Whether an attempt that has ended is in the store, or on disk."""
        with self._changed:
            return attempt_id not in self._entries or self._entries[attempt_id].spooled

    def outage(self) -> Outage | None:
        """Return since when and why the store takes nothing; None while it does."""
        with self._changed:
            if not self._is_late():
                return None
            late = time.time() - (time.monotonic() - (self._asked or time.monotonic()))
            since, reason = self._outage or (time.strftime("%H:%M:%S", time.localtime(late)), "")
            return Outage(since, reason, sum(map(_has_result, self._due.values())))

    def drained(self, seconds: float) -> bool:
        """Wait until all is written, at most so long; return whether it is. Raises what ended the writing."""
        with self._changed:
            self._changed.wait_for(lambda: not self._due or self.error, seconds)
            self.check()
            return not self._due

    def check(self) -> None:
        """Raises what ended the writing, if anything has."""
        if self.error:
            raise self.error

    def close(self, seconds: float = 0.0) -> int:
        """End the writing; what is not written after so many seconds is kept on disk. Return how many results are."""
        with self._changed:
            self._changed.wait_for(lambda: not self._due or self.error, seconds)
            self._closed = True
            self._changed.notify_all()
            return sum([self._to_disk(entry) for entry in self._due.values() if _has_result(entry)])

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(0.0 if kind is KeyboardInterrupt else PATIENCE)

    # ------------------------------------------------------------ inside

    def _is_due(self, entry: _Entry) -> None:
        self._due[entry.attempt.id] = entry
        self._changed.notify_all()

    def _is_late(self) -> bool:
        return bool(self._outage) or (self._asked is not None and time.monotonic() - self._asked > SLOW) or bool(self.error)

    def _to_disk(self, entry: _Entry) -> bool:
        """Keep an attempt on disk, and its artifacts no longer in memory; return whether it is there."""
        end = entry.attempt.end
        if not entry.spooled and end and self.spool.put(entry.attempt):
            entry.spooled = True
            entry.attempt.end = End(end.status, end.tags, end.metrics, {}, end.at)
        return entry.spooled

    def _write_all(self) -> None:
        """The thread: write what is due, one attempt after the other, until closed."""
        failures = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._due or self._closed)
                if self._closed:
                    return
                entry = next(iter(self._due.values()))
                self._asked = time.monotonic()
            began = time.thread_time()
            try:
                self._write(entry)
                failures = 0
            except BenchError as error:
                if error.code is not ErrorCode.UNREACHABLE:
                    self._give_up(error)
                    return
                with self._changed:
                    self._outage = self._outage or (time.strftime("%H:%M:%S"), error.message)
                    self._asked = None
                    self._changed.wait_for(lambda: self._closed, PAUSES[min(failures, len(PAUSES) - 1)])
                failures += 1
            except BaseException as error:  # the coordinator's thread raises it
                self._give_up(error)
                return
            else:
                with self._changed:
                    self._outage = self._asked = None
                    self._changed.notify_all()
            finally:
                self.seconds += time.thread_time() - began

    def _give_up(self, error: BaseException) -> None:
        with self._changed:
            self.error = error
            self._changed.notify_all()

    def _write(self, entry: _Entry) -> None:
        """Bring the store up to what is known of an attempt."""
        attempt = entry.attempt
        if not entry.run_id:
            entry.run_id = self.tracker.start(attempt.name, attempt.tags, attempt.params, attempt.began)
        with self._changed:
            rows, end, spooled = attempt.history[entry.logged :], attempt.end, entry.spooled
        if end and spooled:
            kept = self.spool.get(attempt.id)
            end = kept.end if kept else End("KILLED", LOST.tags(), {}, {}, end.at)
        if end:
            finish(self.tracker, entry.run_id, end, rows)
        elif rows:
            self.tracker.log(entry.run_id, rows)
        with self._changed:
            entry.logged += len(rows)
            if end:
                del self._entries[attempt.id]
            if end or not (len(attempt.history) > entry.logged or attempt.end):
                self._due.pop(attempt.id, None)
            if end and entry.spooled:  # it may have ended, and gone to disk, while its epochs were written
                self.spool.drop(attempt.id)
        if end:
            self._supersede(StoredRun(entry.run_id, end.status, attempt.tags | end.tags, start=attempt.began))

    def _supersede(self, ended: StoredRun) -> None:
        """Tag the runs in whose place one that has ended counts; where the store fails now, the next run does."""
        if not (known := record.trial(ended.tags)):
            return
        with self._changed:
            of_one = self._stored.setdefault(known, [])
            of_one.append(ended)
            superseded = record.superseded(of_one)
            of_one[:] = [run for run in of_one if run not in superseded]
        if superseded:
            with suppress(BenchError):
                self.tracker.tag(superseded, record.SUPERSEDED)


def _has_result(entry: _Entry) -> bool:
    """Whether something would be lost: of what was interrupted the next run finds that it has not ended."""
    end = entry.attempt.end
    return end is not None and end.tags.get("outcome") != Outcome.INTERRUPTED


def finish(tracker: Tracker, run_id: str, end: End, rows: list[Row]) -> None:
    """Write how an attempt ended."""
    tracker.finish(
        run_id,
        status=end.status,
        tags=end.tags,
        metrics=end.metrics,
        history=rows,
        artifacts=end.artifacts,
        ended=end.at,
    )


def recover(tracker: Tracker, spool: Spool, runs: list[StoredRun]) -> int:
    """Write what an earlier run has left on disk, where no result of the same trial counts by now; return how many results.

    runs: of the experiment.
    """
    counted = {record.trial(run.tags) for run in runs if record.outcome(run) is Outcome.FINISHED}
    attempts = {record.attempt(run) for run in runs if run.status == "FINISHED"}
    written = 0
    for attempt_id in spool.ids():
        attempt = spool.get(attempt_id)
        if attempt and attempt.end and attempt_id not in attempts:
            keeps = Artifact.WEIGHTS in attempt.end.artifacts
            if record.trial(attempt.tags) not in counted or keeps:
                run_id = tracker.start(attempt.name, attempt.tags, attempt.params, attempt.began)
                finish(tracker, run_id, attempt.end, attempt.history)
                written += 1
                if attempt.end.status == "FINISHED":
                    counted.add(record.trial(attempt.tags))
        spool.drop(attempt_id)
    return written
