"""A folder for what a process and its workers keep for a while, and what becomes of it, and of them, when the process is killed.

The folder lies in TMPDIR, and a lock beside it is held as long as its process lives: the system lets go of that, however the
process ends. Whoever makes a folder of its own first removes those that nobody holds, and ends the processes that still belong to
them: each has the folder's name in its environment. Nothing is guessed from process ids.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.util import Finalize
from pathlib import Path

from filelock import FileLock, Timeout

from bench.errors import BenchError

MARK = "BENCH_SCRATCH"
"""The environment variable of workers, and of all that they start, that names the folder."""
PREFIX = "bench-"
AFTER_MULTIPROCESSING = -200
"""Its own folder's removal has -100."""
PROCESSES = Path("/proc")

_held: dict[int, tuple[Path, FileLock]] = {}
"""This process's own, by its id: one that was forked from it has none yet."""


def folder() -> Path:
    """Return this process's folder, made at the first call. Raises BenchError where TMPDIR cannot be written."""
    if os.getpid() not in _held:
        try:
            _held[os.getpid()] = _made(Path(tempfile.gettempdir()))
        except OSError as error:
            mend = "point TMPDIR at a folder that you may write"
            raise BenchError(f"there is no place for temporary files: {error}", where="TMPDIR", mend=mend) from error
        # after multiprocessing has removed its own folder, that of the fork server's socket, which lies in this one
        Finalize(None, _close, (os.getpid(),), exitpriority=AFTER_MULTIPROCESSING)
    return _held[os.getpid()][0]


def tidy() -> None:
    """Remove what killed processes have left, without making a folder."""
    place = Path(tempfile.gettempdir())
    with suppress(OSError), _alone(place):
        _remove_leftovers(place)


def _alone(place: Path) -> FileLock:
    """Return what only one process of this user holds: else another would take a folder that is not held yet for a leftover."""
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    return FileLock(place / f"{PREFIX}{user}.lock")


def _made(place: Path) -> tuple[Path, FileLock]:
    with _alone(place):
        _remove_leftovers(place)
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        lock = FileLock(path.with_name(f"{path.name}.held"))
        lock.acquire()
        return path, lock


def environment() -> dict[str, str]:
    """Return what workers are to find in their environment: the folder as theirs for temporary files, and as their mark.

    What torch compiles is kept where it was before: it is for the next run too.
    """
    path = str(folder())
    cache = os.environ.get("TORCHINDUCTOR_CACHE_DIR") or str(Path(tempfile.gettempdir()) / f"torchinductor_{_user()}")
    return {"TMPDIR": path, MARK: path, "TORCHINDUCTOR_CACHE_DIR": cache}


def end_orphans() -> None:
    """End what workers of this process started and left behind when they ended."""
    if os.getpid() in _held:
        _end_marked(folder())


def end_descendants(of: int, path: str) -> None:
    """End all that a living worker has started, and what that has. path: the folder that it was given."""
    parents = _parents()
    for process in parents:
        if process != of and of in _ancestry(process, parents):
            _end(process, Path(path))


def _user() -> str:
    import getpass

    return getpass.getuser().replace("/", "_")


def _close(process: int) -> None:
    if process == os.getpid() and process in _held:
        path, lock = _held.pop(process)
        _remove(path, lock)


def _remove_leftovers(place: Path) -> None:
    """Remove the folders that nobody holds, and end what belongs to them."""
    for held in place.glob(f"{PREFIX}*.held"):
        lock = FileLock(held, timeout=0)
        with suppress(Timeout, OSError):  # it is in use, or another user's
            lock.acquire()
            _remove(held.with_suffix(""), lock)


def _remove(path: Path, lock: FileLock) -> None:
    _end_marked(path)
    shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _end_marked(path: Path) -> None:
    """End the processes that belong to a folder, but for this one's children and what descends from them: these end with it."""
    parents = _parents()
    for process in _marked(path):
        if os.getpid() not in _ancestry(process, parents):
            _end(process, path)


def _marked(path: Path) -> Iterator[int]:
    """Yield the processes, by their ids, that have a folder's name in their environment; this one never."""
    for entry in PROCESSES.glob("[0-9]*"):
        if int(entry.name) != os.getpid() and _has_mark(int(entry.name), path):
            yield int(entry.name)


def _has_mark(process: int, path: Path) -> bool:
    try:
        return f"{MARK}={path}".encode() in (PROCESSES / str(process) / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is another user's
        return False


def _end(process: int, path: Path) -> None:
    """End a process that bears the mark: looked at again once it is held, since its id may be another's by now."""
    with suppress(OSError):
        held = os.pidfd_open(process)
        try:
            if _has_mark(process, path):
                signal.pidfd_send_signal(held, signal.SIGKILL)
        finally:
            os.close(held)


def _parents() -> dict[int, int]:
    """Return the parent of each process."""
    parents: dict[int, int] = {}
    for entry in PROCESSES.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return parents


def _ancestry(process: int, parents: dict[int, int]) -> Iterator[int]:
    """Yield a process, its parent, and so on."""
    while process:
        yield process
        process = parents.get(process, 0)
