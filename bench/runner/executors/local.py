"""Worker processes of this machine, given one request at a time: each serves many without custom components, or one with."""

import os
import signal
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from shutil import which
from typing import Any, Literal

from bench import scratch
from bench.errors import BenchError
from bench.runner.executors import forkserver, process
from bench.runner.executors.base import Executor, Take, Worker
from bench.runner.messages import Died, Done, Event, Failed, Request, Up

STARTS = 3
"""How often a worker is started that something kills before it is up, such as a system short of memory."""
CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGFPE, signal.SIGILL)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalWorker(Worker):
    """One process, once it is started, and the pipe to it.

    spent: it was given a request with custom components, which may leave anything behind in its process; so another process takes
    its place as soon as that request is answered.
    """

    pipe: Connection

    def __init__(self, number: int, device: str, threads: int):
        self.number, self.device, self.threads = number, device, threads
        self.process: BaseProcess | None = None
        self.ended = self.spent = False
        self.starts = 0
        """Since it was up for the last time."""

    def start(self) -> None:
        """Start the process, without waiting for it."""
        self.ready = self.ended = self.spent = False
        self.starts += 1
        self.pipe, theirs = forkserver.CONTEXT.Pipe()
        try:
            self.process = forkserver.start(
                process.main, (theirs, self.device, self.threads), self.threads, f"bench worker {self.number}"
            )
        except (EOFError, OSError) as error:
            raise _did_not_start(f"the server that it forks from has ended ({error!r})") from error
        theirs.close()  # so that the pipe ends with the process

    def send(self, request: Request[Any]) -> None:
        self.spent = bool(request.beside)
        with suppress(OSError):  # it died while idle: receive() finds the pipe closed and says so
            self.pipe.send(request)

    def reply(self, value: Any) -> None:
        with suppress(OSError):  # as above
            self.pipe.send(value)

    def receive(self) -> Event:
        """Return what the worker said. Blocks until it says something. Raises BenchError where it does not come up."""
        event: Event
        try:
            event = self.pipe.recv()
        except (EOFError, OSError):
            assert self.process  # it had a pipe
            self.process.join(10)
            code = self.process.exitcode
            event = _ending(code)
            if not self.ready:
                self.end()
                if code is None or code >= 0 or self.starts >= STARTS:
                    raise _did_not_start(event.message) from None
                self.start()
        except Exception as error:  # what it sent is of a kind that only the worker knows
            event = Failed(BenchError(f"what the worker sent cannot be read: {type(error).__name__}"), traceback.format_exc())
        if isinstance(event, Up):
            self.hello, self.ready, self.starts = event.hello, True, 0
        elif isinstance(event, Done | Failed) and self.spent:
            self.restart()  # before whoever takes the event may send
        return event

    def restart(self) -> None:
        if self.process and not self.ready:
            return  # it is coming up
        self.end()
        self.start()

    def end(self) -> None:
        self.ready, self.ended = False, True
        if self.process:
            if self.process.pid and self.process.is_alive():
                scratch.end_descendants(self.process.pid, str(scratch.folder()))
            self.process.kill()
            self.process.join()
            self.pipe.close()
            self.process = None


class Local(Executor):
    """Processes of this machine: one per GPU where there is one, else as many as the cores have room for."""

    workers: list[LocalWorker]

    def __init__(self, workers: int | None = None, threads: int = 1, device: str = "auto", jobs: int | None = None):
        """Let the workers come up, without waiting for them. See `bench.runner.executors.MakeExecutor`.

        jobs: no more workers are started. Raises BenchError where workers x threads is more than there are cores, or CUDA is
        wanted and absent.
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
        self.workers = []
        gpus = 0
        try:
            if device != "cpu" and _nvidia():
                self.workers.append(LocalWorker(0, "auto" if device == "auto" else "cuda:0", threads))
                gpus = self.hello().devices
            if device == "cuda" and not gpus:
                raise BenchError("there is no CUDA device here", where="--device", mend="leave --device out, or use cpu")
            count = workers or (gpus or max(1, cores() // threads))
            count = min(count, max(1, jobs)) if jobs is not None else count
            for number in range(len(self.workers), count):
                self.workers.append(LocalWorker(number, f"cuda:{number % gpus}" if gpus else "cpu", threads))
            if forkserver.FORKS:
                forkserver.serve_forks(threads)  # from which they fork when they are needed: until then there is other work
            else:
                self._start()
        except BaseException:
            self.close()
            raise
        self._kind: Literal["cpu", "cuda"] = "cuda" if gpus else "cpu"

    @property
    def kind(self) -> Literal["cpu", "cuda"]:
        return self._kind

    def _start(self) -> None:
        """Start the workers that have no process yet."""
        for worker in self.workers:
            if not worker.process and not worker.ended:
                worker.start()

    def events(self, timeout: float, take: Take) -> None:
        self._start()
        pipes: dict[Any, LocalWorker] = {worker.pipe: worker for worker in self.workers if worker.process}
        for pipe in wait(list(pipes), timeout):
            worker = pipes[pipe]
            if worker.pipe is pipe and worker.process:  # not ended or restarted meanwhile
                take(worker, worker.receive())

    def close(self) -> None:
        for worker in self.workers:
            worker.end()
        if forkserver.FORKS:
            scratch.end_orphans()


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


def _did_not_start(why: str) -> BenchError:
    mend = "see whether `python -c 'import torch, timm'` works in this environment"
    return BenchError(f"a worker did not start: {why}", mend=mend)


def _nvidia() -> bool:
    """Tell whether there may be an NVIDIA device; only a worker, which has torch, knows."""
    return Path("/dev/nvidiactl").exists() or which("nvidia-smi") is not None
