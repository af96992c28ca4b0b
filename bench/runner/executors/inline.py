"""Requests are answered in this very process: for a debugger, a notebook, or a test that need not start processes.

A trial that crashes the interpreter takes everything with it, and time limits are looked at only when an epoch ends.
"""

import time
from collections import deque
from typing import Any, Literal

from bench.errors import BenchError
from bench.runner.executors.base import Executor, Take, Worker
from bench.runner.messages import Denoised, Done, Epoch, Event, Progress, Request, Up, Warned


class _Stopped(BaseException):
    """Leaves a request that was ended. No Exception: what trains must not take it for an error of its own."""


class InlineWorker(Worker):
    """This process. request: what it is given to do next."""

    number = 0

    def __init__(self) -> None:
        self.request: Request[Any] | None = None
        self.replies: deque[Any] = deque()
        self.busy = self.stopped = self.ended = False
        self.raised: BaseException | None = None

    @property
    def name(self) -> str:
        return "this process"

    def send(self, request: Request[Any]) -> None:
        self.request = request

    def reply(self, value: Any) -> None:
        self.replies.append(value)

    def restart(self) -> None:
        self.request, self.stopped, self.ended = None, self.busy, False
        self.replies.clear()

    def end(self) -> None:
        self.restart()
        self.ready, self.ended = False, True


class InlineChannel:
    """The way home within a process."""

    def __init__(self, worker: InlineWorker, take: Take):
        self.worker, self.take = worker, take

    def tell(self, value: Epoch | Denoised | Warned | str) -> None:
        try:
            self.take(self.worker, Progress(value))
        except BaseException as error:  # the coordinator's: it is not the trial's, which would take it for its own
            self.worker.raised = error
            raise _Stopped from error
        if self.worker.stopped:
            raise _Stopped

    def hear(self) -> Any:
        return self.worker.replies.popleft()


class Inline(Executor):
    """One worker, which is this process."""

    def __init__(self, workers: int | None = None, threads: int = 1, device: str = "auto", jobs: int | None = None):
        """See `bench.runner.executors.MakeExecutor`. workers: at most 1, since there is one process. threads: of PyTorch, as
        long as this executor is open. Raises BenchError for several workers, or where CUDA is wanted and absent."""
        if workers not in (None, 1) or threads < 1:
            raise BenchError("the inline executor has one worker, this process", where="--workers", mend="leave --workers out")
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            raise BenchError("there is no CUDA device here", where="--device", mend="leave --device out, or use cpu")
        self.threads, self.device = threads, "cuda:0" if device != "cpu" and torch.cuda.is_available() else "cpu"
        self.threads_before = torch.get_num_threads()
        self.worker = InlineWorker()
        self.workers = [self.worker]

    @property
    def kind(self) -> Literal["cpu", "cuda"]:
        return "cpu" if self.device == "cpu" else "cuda"

    def events(self, timeout: float, take: Take) -> None:
        worker = self.worker
        if not worker.ready and not worker.ended:
            from bench.runner.worker import begin

            self.device, worker.hello = begin(self.device, self.threads)
            worker.ready = True
            take(worker, Up(worker.hello))
        elif worker.request:
            self._answer(worker, worker.request, take)
        else:
            time.sleep(timeout)  # nothing can come

    def _answer(self, worker: InlineWorker, request: Request[Any], take: Take) -> None:
        from bench.runner.requests import answer
        from bench.runner.worker import failed

        worker.request, worker.busy = None, True
        event: Event | None = None
        try:
            event = Done(answer(request, InlineChannel(worker, take), self.device))
        except _Stopped:
            if raised := worker.raised:
                worker.raised = None
                raise raised from None
        except KeyboardInterrupt:  # the user's, as far as one can tell
            raise
        except BaseException as error:  # a trial's: it would take the coordinator along
            event = failed(error, request.beside)
        finally:
            worker.busy = worker.stopped = False
        if event:
            take(worker, event)

    def close(self) -> None:
        import torch

        self.worker.end()
        torch.set_num_threads(self.threads_before)
