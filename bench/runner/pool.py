"""Worker processes: started once, given one request at a time, ended for good when they must be."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from shutil import which
from typing import Any

from bench.errors import BenchError
from bench.runner import worker
from bench.runner.worker import Hello

FORKS = sys.platform == "linux"
"""Whether workers fork from a server that has imported, in some 5 s of processor time, what every trial needs. Windows cannot
fork, and not all that macOS has survives it."""
CONTEXT = multiprocessing.get_context("forkserver" if FORKS else "spawn")


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass
class Died:
    """A worker's process is gone, and with it the request it was at. message: how it ended. mend: what one may do about it."""

    message: str
    mend: str = ""


@dataclass
class Failed:
    """A request raised. traceback: the worker's, as text."""

    error: BenchError
    traceback: str


@dataclass
class Progress:
    """A request told how far it is."""

    value: Any


@dataclass
class Done:
    """A request is answered."""

    value: Any


Event = Died | Failed | Progress | Done


class Worker:
    """One process, once it is started, and the pipe to it."""

    def __init__(self, number: int, device: str, threads: int):
        self.number, self.device, self.threads = number, device, threads
        self.hello: Hello | None = None
        self.process: BaseProcess | None = None
        self.ready = False

    def start(self) -> None:
        """Start the process. Does not wait for it, but for the server, if that is still importing what it forks from."""
        self.ready = False
        self.pipe, theirs = CONTEXT.Pipe()
        environment = os.environ | _limits(self.threads)
        arguments = (environment, os.sched_getaffinity(0) if FORKS else set(), worker.main, theirs, self.device, self.threads)
        process = CONTEXT.Process(target=_begin, args=arguments, name=f"bench worker {self.number}", daemon=True)
        if FORKS:
            serve_forks(self.threads)
            try:
                process.start()
            except (EOFError, OSError) as error:
                raise _did_not_start(f"the server that it forks from has ended ({error!r})") from error
        else:
            with _handed_down(environment):
                process.start()
        self.process = process
        theirs.close()  # so that the pipe ends with the process

    def send(self, request: str, *arguments: Any) -> None:
        with suppress(OSError):  # it died while idle: receive() finds the pipe closed and says so
            self.pipe.send((request, arguments))

    def receive(self) -> Event:
        """Return what the worker said. Blocks until it says something."""
        try:
            kind, *values = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join(10)
            return _ending(self.process.exitcode)
        if kind == "failed":
            return Failed(*values)
        return Done(*values) if kind == "done" else Progress(*values)

    def reply(self, value: Any) -> None:
        """Answer what the worker asked in the middle of a request."""
        with suppress(OSError):  # as above
            self.pipe.send(value)

    def restart(self) -> None:
        """End the process at once, whatever it does, and start another."""
        self.end()
        self.start()

    def end(self) -> None:
        if self.process:
            self.process.kill()
            self.process.join()
            self.pipe.close()


def serve_forks(threads: int) -> None:
    """Start the server, unless it runs, and do not wait for its imports. It ends with this process.

    It runs nothing of what it imports, so that forks miss no thread and find no lock held: CUDA is left to the workers, and
    OpenBLAS, which starts threads as it is loaded, ends them before a fork.
    """
    from multiprocessing.forkserver import ensure_running

    CONTEXT.set_forkserver_preload(["bench.runner.preload"])
    path = os.pathsep.join(entry or "." for entry in sys.path)
    # without PYTHONSAFEPATH, it would look for modules in the current directory first
    with _handed_down(_limits(threads) | {"PYTHONPATH": path, "PYTHONSAFEPATH": "1"}):
        try:
            ensure_running()
        except OSError as error:  # its socket is a file, of which the path may be too long
            mend = "point TMPDIR at a folder with a short path that you may write"
            raise BenchError(f"the server that workers fork from did not start: {error}", mend=mend) from error


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
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        for name in environment:
            os.environ.pop(name)
        os.environ |= before


CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGFPE, signal.SIGILL)


def _ending(code: int | None) -> Died:
    if code is None or code >= 0:
        return Died(f"the worker process ended with exit code {code}")
    ended = f"the worker process was ended by signal {-code}"
    if -code == signal.SIGKILL:
        return Died(f"{ended} (perhaps the system ran out of memory)", "free memory, or take fewer --workers")
    if -code in CRASHES:
        mend = "see what it wrote above; try another setting of the cell, or another version of the library"
        return Died(f"{ended} ({signal.strsignal(-code)}): a crash within a library, which Python cannot tell more of", mend)
    return Died(ended)


class Pool:
    """Some workers. Use as a context manager: leaving it ends them all."""

    def __init__(self, workers: int | None = None, threads: int = 1, device: str = "auto", jobs: int | None = None):
        """Let the workers come up, without waiting for them.

        workers: None for one per GPU where there is one, else as many as the cores have room for. threads: of each
        worker. device: auto, cpu or cuda. jobs: how much there is to do, if known; no more workers are started.
        Raises BenchError where workers x threads is more than there are cores, or CUDA is wanted and absent.
        """
        if (workers is not None and workers < 1) or threads < 1:
            raise BenchError("workers and threads are at least 1", where="--workers, --threads")
        if (workers or 1) * threads > cores():
            raise BenchError(
                f"{workers or 1} x {threads} threads are more than the {cores()} cores of this machine",
                where="--workers, --threads",
                mend=f"let workers x threads be at most {cores()}: more would slow every trial down many times",
            )
        self.threads = threads
        self.workers: list[Worker] = []
        gpus = 0
        try:
            if device != "cpu" and _nvidia():
                self.workers.append(Worker(0, "auto" if device == "auto" else "cuda:0", threads))
                self.hello()
                gpus = self.workers[0].hello.devices
            if device == "cuda" and not gpus:
                raise BenchError("there is no CUDA device here", where="--device", mend="leave --device out, or use cpu")
            count = workers or (gpus or max(1, cores() // threads))
            count = min(count, max(1, jobs)) if jobs is not None else count
            for number in range(len(self.workers), count):
                self.workers.append(Worker(number, f"cuda:{number % gpus}" if gpus else "cpu", threads))
            if FORKS:
                serve_forks(threads)  # from which they fork when they are needed: until then there is other work to do
            else:
                self._start()
        except BaseException:
            self.close()
            raise
        self.kind = "cuda" if gpus else "cpu"

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for one in self.workers:
            one.end()

    def _start(self) -> None:
        """Start the workers that have no process yet."""
        for one in self.workers:
            if not one.process:
                one.start()

    def hello(self) -> Hello:
        """Wait for the first worker to be ready and return what it says of itself."""
        self._start()
        first = self.workers[0]
        if not first.ready:
            greet(first, first.receive())
        return first.hello

    def events(self, timeout: float) -> list[tuple[Worker, Event]]:
        """Return what workers said, waiting at most `timeout` seconds for the first to say something."""
        self._start()
        pipes: dict[Connection, Worker] = {one.pipe: one for one in self.workers}
        return [(pipes[pipe], pipes[pipe].receive()) for pipe in wait(list(pipes), timeout)]

    def map(self, request: str, arguments: Iterable[tuple], progress: Callable[[Any], None] = lambda value: None) -> list[Any]:
        """Answer one request for each of many arguments, on all workers, and return the answers in order.

        Raises the error of the first that failed.
        """
        todo = list(enumerate(arguments))[::-1]
        answers: dict[int, Any] = {}
        at: dict[int, int] = {}
        total = len(todo)
        while len(answers) < total:
            for one in self.workers:
                if one.ready and one.number not in at and todo:
                    index, values = todo.pop()
                    at[one.number] = index
                    one.send(request, *values)
            for one, event in self.events(timeout=1.0):
                if not one.ready:
                    greet(one, event)
                elif isinstance(event, Progress):
                    progress(event.value)
                elif isinstance(event, Done):
                    answers[at.pop(one.number)] = event.value
                elif isinstance(event, Failed):
                    raise event.error
                else:
                    raise BenchError(f"{event.message} during {request}", mend=event.mend)
        return [answers[index] for index in range(total)]


def greet(one: Worker, event: Event) -> None:
    """Take the first thing that a worker says. Raises BenchError where it did not come up."""
    if not isinstance(event, Done):
        raise _did_not_start(event.message if isinstance(event, Died) else str(event))
    one.hello, one.ready = event.value, True


def _did_not_start(why: str) -> BenchError:
    mend = "see whether `python -c 'import torch, timm'` works in this environment"
    return BenchError(f"a worker did not start: {why}", mend=mend)


def _nvidia() -> bool:
    """Tell whether there may be an NVIDIA device; only a worker, which has torch, knows."""
    return Path("/dev/nvidiactl").exists() or which("nvidia-smi") is not None
