"""An executor in one file: threads of this process, that can be lost as machines are, and come up again elsewhere."""

import queue
import threading
from typing import Any, Literal

from bench.runner.executors import Executor, Worker
from bench.runner.executors.base import Take
from bench.runner.messages import Done, Lost, Progress, Request, Up
from bench.runner.requests import answer
from bench.runner.worker import begin, failed


class Stopped(BaseException):
    """Leaves a request that was ended."""


class ThreadWorker(Worker):
    """A thread, and what it is given. life: counts its restarts: what an earlier life says does not count."""

    def __init__(self, number: int, home: "Threads"):
        self.number, self.home, self.life = number, home, 0
        self.begin()

    @property
    def name(self) -> str:
        return f"thread {self.number}"

    def begin(self) -> None:
        self.ready, self.ended, self.inbox, self.life = False, False, queue.Queue(), self.life + 1
        threading.Thread(target=self._serve, args=(self.life, self.inbox), daemon=True).start()

    def _serve(self, life: int, inbox: queue.Queue) -> None:
        worker = self

        class Channel:
            def tell(self, value: Any) -> None:
                worker.home.inbox.put((worker, life, Progress(value)))
                if worker.life != life:
                    raise Stopped

            def hear(self) -> Any:
                reply = inbox.get()
                if reply is Stopped:
                    raise Stopped
                return reply

        device, hello = begin("cpu", self.home.threads)
        self.home.inbox.put((self, life, Up(hello)))
        while (request := inbox.get()) is not Stopped:
            try:
                event = Done(answer(request, Channel(), device))
            except Stopped:
                return
            except Exception as error:
                event = failed(error)
            self.home.inbox.put((self, life, event))

    def send(self, request: Request[Any]) -> None:
        self.inbox.put(request)

    reply = send

    def restart(self) -> None:
        self.end()
        self.begin()

    def end(self) -> None:
        self.ready, self.ended, self.life = False, True, self.life + 1
        self.inbox.put(Stopped)


class Threads(Executor):
    """Worker threads. lose: takes one away, as if its machine were gone, and lets another come up."""

    kind: Literal["cpu", "cuda"] = "cpu"

    def __init__(self, workers: int | None = None, threads: int = 1, device: str = "auto", jobs: int | None = None):
        self.threads, self.inbox = threads, queue.Queue()
        self.workers = [ThreadWorker(number, self) for number in range(workers or 1)]
        self.made = len(self.workers)

    def events(self, timeout: float, take: Take) -> None:
        try:
            worker, life, event = self.inbox.get(timeout=timeout)
        except queue.Empty:
            return
        if life != worker.life:
            return
        if isinstance(event, Up):
            worker.hello, worker.ready = event.hello, True
        take(worker, event)

    def lose(self, worker: ThreadWorker) -> None:
        worker.end()
        self.workers = [one for one in self.workers if one is not worker] + [ThreadWorker(self.made, self)]
        self.made += 1
        self.inbox.put((worker, worker.life, Lost("its machine is gone")))

    def close(self) -> None:
        for worker in self.workers:
            worker.end()
