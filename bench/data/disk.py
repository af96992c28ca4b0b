"""Files that several processes may make at once, and what the operating system refuses, as errors that say what to do."""

import errno
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bench.errors import BenchError


@contextmanager
def locked(path: Path, say: Callable[[str], None], what: str):
    """Hold a lock among processes; the system lets go of it when a process dies. what: is said to be waited for."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another process is preparing the same {what}: waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def disk_errors(folder: Path, what: str):
    """Turn what the operating system refuses into BenchErrors. what: could not be prepared."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            mend = "free some space, or set BENCH_DATA to a folder on another disk"
        else:
            mend = "check its permissions, or set BENCH_DATA to a folder that you can read and write"
        raise BenchError(
            f"cannot prepare the {what}: {error.strerror or error}", where=str(error.filename or folder), mend=mend
        ) from error
