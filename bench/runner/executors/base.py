"""What the runner asks of an executor, which runs requests on workers, wherever these are. Workers may come and go."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeVar

from bench.errors import BenchError
from bench.runner.messages import Died, Done, Event, Failed, Hello, Lost, Progress, Request, Up

T = TypeVar("T")
POLL = 1.0
"""Seconds to wait for an event at a time."""


class Worker(ABC):
    """Takes one request at a time. number: tells it from the executor's other workers, for good. ready: whether it is up. ended:
    whether it stays down until it is restarted. hello: what it said when it came up."""

    number: int
    ready: bool = False
    ended: bool = False
    hello: Hello | None = None

    @property
    def name(self) -> str:
        """How a person knows the worker: its machine, where there are several."""
        return f"worker {self.number}"

    @abstractmethod
    def send(self, request: Request[Any]) -> None:
        """Give the worker, which is ready, a request. Returns at once; what comes of it are events."""

    @abstractmethod
    def reply(self, value: Any) -> None:
        """Answer what the worker asked in the middle of a request."""

    @abstractmethod
    def restart(self) -> None:
        """End what the worker does, at once, and let it come up anew. No event of its request follows."""

    @abstractmethod
    def end(self) -> None:
        """End the worker, whatever it does. No event of it follows."""


Take = Callable[[Worker, Event], None]


class Executor(ABC):
    """Some workers. A context manager: leaving it ends them all.

    threads: of each worker. workers: those there are now, up or coming up.
    """

    threads: int = 1
    workers: Sequence[Worker] = ()

    @property
    @abstractmethod
    def kind(self) -> Literal["cpu", "cuda"]:
        """The kind of device that the workers compute on."""

    @abstractmethod
    def events(self, timeout: float, take: Take) -> None:
        """Hand over what workers say to `take`, in their order, waiting at most `timeout` seconds for the first to say something.

        `take` may send, reply, restart and end. An executor whose worker is this very process does its work in here, so that
        everything the work says is taken before this returns. Raises BenchError where a worker cannot come up.
        """

    @abstractmethod
    def close(self) -> None:
        """End all workers, and what belongs to them."""

    def hello(self) -> Hello:
        """Return what a worker says of itself; waits until one is up."""
        while True:
            for worker in self.workers:
                if worker.hello:
                    return worker.hello
            self.events(POLL, lambda worker, event: None)

    def map(self, requests: Iterable[Request[T]], progress: Callable[[Any], None] = lambda value: None) -> list[T]:
        """Return the answers to many requests, in their order, by all workers. progress: receives what they tell meanwhile.

        What a lost worker was at is done by another. Raises the error of the first request that failed.
        """
        todo = list(enumerate(requests))[::-1]
        answers: dict[int, T] = {}
        at: dict[int, tuple[int, Request[T]]] = {}
        total = len(todo)

        def take(worker: Worker, event: Event) -> None:
            if isinstance(event, Died) and worker.number not in at:
                worker.restart()  # it died while it had nothing to do
            if isinstance(event, Up) or worker.number not in at:
                return
            if isinstance(event, Progress):
                progress(event.value)
                return
            index, request = at.pop(worker.number)
            if isinstance(event, Done):
                answers[index] = event.value
            elif isinstance(event, Lost):
                todo.append((index, request))
            elif isinstance(event, Failed):
                raise event.error
            else:
                worker.restart()
                raise BenchError(f"{event.message} during {type(request).__name__}", mend=event.mend)

        try:
            while len(answers) < total:
                for worker in self.workers:
                    if worker.ready and worker.number not in at and todo:
                        at[worker.number] = todo.pop()
                        worker.send(at[worker.number][1])
                self.events(POLL, take)
        except BaseException:
            for worker in self.workers:
                if worker.number in at:
                    worker.restart()  # or its answer would be taken for that to its next request
            raise
        return [answers[index] for index in range(total)]

    def revive(self) -> None:
        """Let the workers come up again that were ended."""
        for worker in self.workers:
            if worker.ended:
                worker.restart()

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
