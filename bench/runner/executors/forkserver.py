"""Processes of this machine, forked from a server that imports once what every trial needs."""

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from bench import scratch
from bench.errors import BenchError

FORKS = sys.platform == "linux"
"""Whether workers fork from a server that has imported, in some 5 s of processor time, what every trial needs. Windows cannot
fork, and not all that macOS has survives it."""
SOCKET_PATH = 107
"""Bytes of a socket's path, at most, that Linux takes."""
CONTEXT: Any = multiprocessing.get_context("forkserver" if FORKS else "spawn")  # their Process classes share no typed base

TRIES, PAUSE = 10, 0.2
"""How often a start is tried, and seconds between."""


def start(main: Callable[..., None], arguments: tuple[Any, ...], threads: int, name: str) -> BaseProcess:
    """Start a process that calls `main`. Does not wait for it, but for the server, if that is still importing. A server that has
    ended, as a worker can make it do, is started again.

    Raises BenchError where the server does not start; OSError or EOFError where it ends again and again.
    """
    for _ in range(TRIES - 1):
        try:
            return _start(main, arguments, threads, name)
        except (EOFError, OSError):
            time.sleep(PAUSE)  # until the system knows that it has ended
    return _start(main, arguments, threads, name)


def _start(main: Callable[..., None], arguments: tuple[Any, ...], threads: int, name: str) -> BaseProcess:
    environment = os.environ | _limits(threads) | scratch.environment()
    process_args = (environment, os.sched_getaffinity(0) if FORKS else set(), main, *arguments)
    process: BaseProcess = CONTEXT.Process(target=_begin, args=process_args, name=name, daemon=True)
    if FORKS:
        serve_forks(threads)
        with _without_main():
            process.start()
    else:
        with _handed_down(environment), _without_main():
            process.start()
    return process


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the script that was started from a new process, which would import it: a worker needs nothing of it, and a script that
    runs a suite, without asking whether it is the main module, would run it again in each worker."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {name: vars(main)[name] for name in ("__spec__", "__file__") if name in vars(main)}
    vars(main).update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        vars(main).update(hidden)


def serve_forks(threads: int) -> None:
    """Start the server, unless it runs, and do not wait for its imports. It ends with this process.

    It runs nothing of what it imports, so that forks miss no thread and find no lock held: CUDA is left to the workers, and
    OpenBLAS, which starts threads as it is loaded, ends them before a fork.
    """
    from multiprocessing.forkserver import ensure_running

    CONTEXT.set_forkserver_preload(["bench.runner.executors.preload"])
    path = os.pathsep.join(entry or "." for entry in sys.path)
    # without PYTHONSAFEPATH, it would look for modules in the current directory first
    marks = scratch.environment()
    with _handed_down(_limits(threads) | marks | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}), _temporary_in(marks["TMPDIR"]):
        try:
            ensure_running()
        except OSError as error:  # its socket is a file, of which the path may be too long
            mend = "point TMPDIR at a folder with a short path that you may write"
            raise BenchError(f"the server that workers fork from did not start: {error}", mend=mend) from error


@contextmanager
def _temporary_in(folder: str) -> Iterator[None]:
    """Let what is made meanwhile, the server's socket above all, lie in this folder. Where its path leaves no room for a
    socket's, that lies where it would without us, and stays there when this process is killed."""
    before = tempfile.tempdir
    if len(folder) <= SOCKET_PATH - len("/pymp-12345678/listener-12345678"):
        tempfile.tempdir = folder
    try:
        yield
    finally:
        tempfile.tempdir = before


def _begin(environment: dict[str, str], cores: set[int], main: Callable[..., None], *arguments: Any) -> None:
    """Work with the environment and the cores that the coordinator has now: the server has those of when it was started."""
    os.environ.clear()
    os.environ.update(environment)
    if FORKS:
        os.sched_setaffinity(0, cores)
    main(*arguments)


def _limits(threads: int) -> dict[str, str]:
    """Return what tells libraries their number of threads; they read it while they load."""
    return dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))


@contextmanager
def _handed_down(environment: dict[str, str]) -> Iterator[None]:
    """Set what a new process must find before its first line runs.

    Ctrl-C reaches every process of a terminal, but is the coordinator's to handle.
    """
    before = {name: os.environ[name] for name in environment if name in os.environ}
    os.environ |= environment
    on_main = threading.current_thread() is threading.main_thread()  # nobody else may handle signals
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if on_main else None
    try:
        yield
    finally:
        if on_main:
            signal.signal(signal.SIGINT, handler)
        for name in environment:
            os.environ.pop(name)
        os.environ |= before
