"""One coordinator at a time, wherever it runs: a lease in the store itself.

Holder n of an experiment is whoever wrote entry n first: a store lets an entry be written once. A holder counts up a beat.
Whoever comes later and sees the beat change knows that the holder is at work; where it stays the same for `stale()` seconds of
the observer's own clock, the holder is gone, and the next number is free. Nothing is decided by process ids, host names
or times that another machine wrote. A holder that was stopped meanwhile, and goes on, finds that there is a higher number.
"""

import json
import logging
import os
import platform
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bench.errors import BenchError

logger = logging.getLogger("bench")
T = TypeVar("T")
STALE = 30.0
"""Seconds without a beat after which a holder is taken for gone; BENCH_LEASE_SECONDS sets another."""
BEATS = 6
"""Beats in that time."""
PATIENCE = 2.0
"""Seconds that one who ends waits for the store to take that it has."""


def stale() -> float:
    """Return after how many seconds without a beat a holder is taken for gone. Raises BenchError for a setting that is none."""
    text = os.environ.get("BENCH_LEASE_SECONDS", "")
    try:
        seconds = float(text or STALE)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise BenchError(f"{text!r} is no number of seconds", where="BENCH_LEASE_SECONDS", mend=f"leave it out: {STALE:g}")
    return seconds


@dataclass(frozen=True)
class Entry:
    """The newest entry of a lease. number: 0 where there is none. holder: who wrote it, as JSON. beat: changes while that is at
    work. released: whether it has ended."""

    number: int = 0
    holder: str = ""
    beat: str = ""
    released: bool = False


class Book(ABC):
    """Where a store keeps the lease of one experiment. Every method raises BenchError where the store cannot be used."""

    @abstractmethod
    def read(self) -> Entry:
        """Return the newest entry."""

    @abstractmethod
    def write(self, number: int, holder: str) -> bool:
        """Write entry `number`, unless it is written; return whether it is this holder's."""

    @abstractmethod
    def beat(self, number: int, beat: str) -> None:
        """Let others see that holder `number` is at work; "released" for one that has ended."""


class Hold:
    """What a coordinator holds. number: of the holder, 0 until it is known, or where a store cannot tell. taken_over: who holds
    the experiment now, as a sentence, once another does; "" before."""

    def __init__(self) -> None:
        self.number = 0
        self.taken_over = ""


class Lease(Hold):
    """A hold on an experiment by an entry in the store's book. The beat goes on in a thread of its own, whatever else is done."""

    def __init__(self, book: Book):
        super().__init__()
        self.book = book
        self.me = json.dumps(_me() | {"token": uuid.uuid4().hex})
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, *, wait: bool = False, at_once: bool = False) -> None:
        """Become the holder. wait: until the one at work ends, rather than being refused. at_once: whoever holds it.

        Raises BenchError where another holds it.
        """
        entry = self.book.read()
        while not self.number:
            if not at_once:
                entry = self._until_free(entry, wait)
            number = entry.number + 1
            written = self._asked(partial(self.book.write, number, self.me), wait)
            # read once more: where the book is in two parts, another may have written a higher number into one of them
            entry = self._asked(self.book.read, wait)
            if written and entry.holder == self.me:
                self.number = number
        self._thread = threading.Thread(target=self._beat, name="bench lease", daemon=True)
        self._thread.start()

    def release(self) -> None:
        """Let others have it at once. Where the store does not answer now, they find out by the beat."""
        self._ended.set()
        if self._thread:
            self._thread.join(PATIENCE)

    def _until_free(self, entry: Entry, wait: bool) -> Entry:
        """Watch the holder, if there is one, until it has ended. Raises BenchError where it is at work and `wait` is false."""
        patience, quiet = stale(), 0
        if entry.number and not entry.released:
            logger.info(f"{_who(entry.holder)} holds this suite: looking for up to {patience:g} s whether it is at work")
        # looks are counted, not seconds: this process may be stopped between two of them
        while entry.number and not entry.released and quiet < 2 * BEATS:
            time.sleep(patience / BEATS / 2)
            before, entry = entry, self._asked(self.book.read, wait)
            quiet = quiet + 1 if (entry.number, entry.beat) == (before.number, before.beat) else 0
            if not quiet and not wait and not entry.released:
                raise refused(entry.holder)
        return entry

    def _asked(self, ask: Callable[[], T], patient: bool) -> T:
        """Ask the store. patient: ask again as long as it does not answer; else that raises BenchError."""
        warned = False
        while True:
            try:
                return ask()
            except BenchError as error:
                if not patient:
                    raise
                if not warned:
                    logger.warning(f"{error.message}; this run goes on waiting")
                    warned = True
                time.sleep(stale() / BEATS)

    def _beat(self) -> None:
        count, pause = 0, stale() / BEATS
        while not self._ended.wait(pause if count else 0):
            count += 1
            with suppress(BenchError):  # it is tried again
                newest = self.book.read()
                if newest.number > self.number:
                    self.taken_over = f"{_who(newest.holder)} has taken this suite over"
                    return
                self.book.beat(self.number, str(count))
        with suppress(BenchError):
            self.book.beat(self.number, "released")


@contextmanager
def leased(book: Book, *, wait: bool = False, at_once: bool = False) -> Iterator[Lease]:
    """Hold the lease as long as the block lasts; see `Lease.take`."""
    lease = Lease(book)
    lease.take(wait=wait, at_once=at_once)
    try:
        yield lease
    finally:
        lease.release()


def refused(holder: str) -> BenchError:
    """Return the error for one who comes second. holder: who holds the experiment, as JSON."""
    mend = "add --wait to wait for it, or --take-over to go on in its place"
    if (identity := _read(holder)) and identity["host"] == platform.node() and identity["process"] != os.getpid():
        mend += f" (to end it: kill {identity['process']})"
    return BenchError(f"another `bench run` of this suite is at work ({_who(holder)})", mend=mend)


def me() -> str:
    """Return who this process is, as JSON; told to people, and never decided by."""
    return json.dumps(_me())


def _me() -> dict[str, str | int]:
    return {"process": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}


def _read(holder: str) -> dict[str, str | int]:
    try:
        identity = json.loads(holder)
        return {"process": int(identity["process"]), "host": str(identity["host"]), "since": str(identity["since"])}
    except (ValueError, KeyError, TypeError):
        return {}


def _who(holder: str) -> str:
    identity = _read(holder)
    return f"process {identity['process']} on {identity['host']} since {identity['since']}" if identity else "an unknown process"
