"""One coordinator at a time beside a store that is a file: a lock. The system lets go of it when its process ends, however that
ends, so that the next run need not watch for a beat (see `lease`)."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from bench.trackers import lease

POLL = 0.5
"""Seconds between two tries of whoever waits."""


@contextmanager
def held(store: Path, experiment: str, *, wait: bool = False, take_over: bool = False) -> Iterator[bool]:
    """Be the only coordinator of an experiment in a store, as long as the block lasts. The block gets whether it is: in a folder
    that cannot be written there is no lock, and nothing can be run either.

    store: the store's file. wait: until whoever holds it ends. take_over: go on in the place of whoever holds it, who has a lock
    then that nobody asks for. Raises BenchError where another holds it otherwise.
    """
    store = store.resolve()  # else a link would have a lock of its own
    name = f"{store.name}.{hashlib.sha256(experiment.encode()).hexdigest()[:12]}"
    path, holder = store.with_name(f"{name}.lock"), store.with_name(f"{name}.holder")
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        if take_over:
            path.unlink(missing_ok=True)
        lock = FileLock(path, timeout=-1 if wait else 0, poll_interval=POLL)
        lock.acquire()
    except (Timeout, RuntimeError):  # the latter where this very thread holds it, and would wait for itself
        raise lease.refused(_text(holder)) from None
    except OSError:
        yield False
        return
    me = lease.me()
    try:
        with suppress(OSError):
            holder.write_text(me)
        yield True
    finally:
        if _text(holder) == me:  # not another's, who took over
            with suppress(OSError):
                holder.unlink(missing_ok=True)
        lock.release()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""
