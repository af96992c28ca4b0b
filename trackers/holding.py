"""One coordinator at a time: a lock beside a store that is a file. The system lets go of it when its process ends, however that
ends, so nothing is guessed from process ids, host names or clocks."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bench.errors import BenchError

POLL = 0.5
"""Seconds between two tries of whoever waits."""


@contextmanager
def held(store: Path, experiment: str, wait: bool) -> Iterator[bool]:
    """Be the only coordinator of an experiment in a store, as long as the block lasts. The block gets whether it is: in a folder
    that cannot be written there is no lock, and nothing can be run either.

    store: the store's file. wait: until whoever holds it ends. Raises BenchError where another holds it, and `wait` is false.
    """
    store = store.resolve()  # else a link would have a lock of its own
    name = hashlib.sha256(experiment.encode()).hexdigest()[:12]
    holder = store.with_name(f"{store.name}.{name}.holder")
    lock = FileLock(store.with_name(f"{store.name}.{name}.lock"), timeout=-1 if wait else 0, poll_interval=POLL)
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (Timeout, RuntimeError):  # the latter where this very thread holds it, and would wait for itself
        raise _refused(holder) from None
    except OSError:
        yield False
        return
    try:
        with suppress(OSError):
            holder.write_text(json.dumps({"process": os.getpid(), "host": platform.node(), "since": time.time()}))
        yield True
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _refused(holder: Path) -> BenchError:
    """Say who holds the lock; that is only told, nothing is decided by it."""
    try:
        told = json.loads(holder.read_text())
        process, since = told["process"], time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(told["since"]))
        who = f"process {process}) on {told['host']} since {since}"
        end = f", or end it: kill {process}" if process != os.getpid() else ""
    except (OSError, ValueError, KeyError, TypeError):
        who, end = "of which nothing is known)", ""
    return BenchError(f"another `bench run` of this suite is at work ({who}", mend=f"add --wait to wait for it{end}")
