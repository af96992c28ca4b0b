"""A worker process of the local executor: answers one request after another that comes over a pipe.

Requests come as they are, answers as events: Progress any number of times, then Done or Failed. The process ends when the pipe
closes or its coordinator is gone.
"""

import multiprocessing
import os
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from bench import clock, scratch
from bench.runner.messages import Denoised, Done, Epoch, Event, Progress, Up, Warned


class PipeChannel:
    """The way home over a pipe."""

    def __init__(self, pipe: Connection):
        self.pipe = pipe

    def tell(self, value: Epoch | Denoised | Warned | str) -> None:
        self.pipe.send(Progress(value))

    def hear(self) -> Any:
        return self.pipe.recv()


def main(pipe: Connection, device: str, threads: int) -> None:
    """Answer requests until the pipe closes. device: "cpu", "cuda:0" …, or "auto" (CUDA where there is one)."""
    clock.now.watch()
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    from bench.runner.requests import answer  # with torch, which the coordinator, who names this function, does without
    from bench.runner.worker import begin, failed

    device, hello = begin(device, threads)
    pipe.send(Up(hello))
    channel = PipeChannel(pipe)
    while True:
        try:
            request = pipe.recv()
        except (EOFError, OSError):
            return
        event: Event
        try:
            event = Done(answer(request, channel, device))
        except BaseException as error:  # of a custom component any kind, and Ctrl-C is the coordinator's
            event = failed(error, request.beside)
        try:
            pipe.send(event)
        except OSError:
            return
        except Exception as error:  # an answer that does not pickle
            pipe.send(failed(error))


def _end_with(coordinator: BaseProcess | None) -> None:
    """End this process when its coordinator has died, however it died: then the pipe between them closes."""
    if coordinator:
        coordinator.join()
    scratch.end_descendants(os.getpid(), os.environ.get(scratch.MARK, ""))  # of custom components: nobody else would
    os._exit(1)
