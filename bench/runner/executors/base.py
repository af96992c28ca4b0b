"""What the runner asks of an executor, which runs requests on workers, wherever these are. Workers may come and go."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

from bench import clock
from bench.errors import BenchError, ErrorCode
from bench.runner.messages import Died, Done, Event, Failed, Fault, Hello, Lost, Progress, Request, Up, Warned

logger = logging.getLogger("bench")
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


@dataclass
class _Under(Generic[T]):
    """A request at a worker, with its place among all. heard: when it said something last."""

    item: tuple[int, Request[T]]
    heard: float = field(default_factory=clock.now)


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

    def map(
        self,
        requests: Iterable[Request[T]],
        progress: Callable[[Any], None] = lambda value: None,
        *,
        limit: float | None = None,
    ) -> list[T]:
        """Return the answers to many requests, in their order, as `attempt` gives them.

        Raises the error of the first request that failed; those that are under way are ended then.
        """
        answers: list[T] = []
        for answer in self._attempt(requests, progress, limit, stops=True):
            if isinstance(answer, Fault):
                raise answer.error
            answers.append(answer)
        return answers

    def attempt(
        self,
        requests: Iterable[Request[T]],
        progress: Callable[[Any], None] = lambda value: None,
        *,
        limit: float | None = None,
    ) -> list[T | Fault]:
        """Return what becomes of many requests, by all workers, in their order: each one's answer, or why it has none.

        progress: receives what they tell meanwhile. limit: seconds for which a request may say nothing, before its worker is
        restarted; None for no limit. A worker that dies, or whose request raises anything but a BenchError, is restarted too.
        What a lost worker was at is done by another.
        """
        return self._attempt(requests, progress, limit, stops=False)

    def _attempt(
        self, requests: Iterable[Request[T]], progress: Callable[[Any], None], limit: float | None, stops: bool
    ) -> list[T | Fault]:
        """stops: at the first fault, which is the last of the list then."""
        todo = list(enumerate(requests))[::-1]
        total = len(todo)
        ended: dict[int, T | Fault] = {}
        at: dict[int, _Under[T]] = {}
        faults: list[Fault] = []

        def fail(index: int, fault: Fault) -> None:
            ended[index] = fault
            faults.append(fault)

        def take(worker: Worker, event: Event) -> None:
            if isinstance(event, Died) and worker.number not in at:
                worker.restart()  # it died while it had nothing to do
            if isinstance(event, Up) or worker.number not in at:
                return
            if isinstance(event, Progress):
                at[worker.number].heard = clock.now()
                if isinstance(event.value, Warned):
                    self.warn(event.value)
                else:
                    progress(event.value)
                return
            index, request = at.pop(worker.number).item
            if isinstance(event, Done):
                ended[index] = event.value
            elif isinstance(event, Lost):
                todo.append((index, request))
            elif isinstance(event, Failed):
                fail(index, fault := Fault(event.error, event.traceback))
                if fault.outcome:
                    worker.restart()  # it may have left its device, or its libraries, in an unknown state
            else:
                worker.restart()
                message = f"{event.message} during {type(request).__name__}"
                fail(index, Fault(BenchError(message, mend=event.mend, code=ErrorCode.CRASHED)))

        try:
            while len(ended) < total and not (stops and faults):
                for worker in self.workers:
                    if worker.ready and worker.number not in at and todo:
                        item = todo.pop()
                        at[worker.number] = _Under(item)
                        worker.send(item[1])
                self.events(POLL, take)
                for worker in self.workers:
                    if limit and worker.number in at and clock.now() - at[worker.number].heard > limit:
                        index, request = at.pop(worker.number).item
                        worker.restart()
                        message = f"no answer within {limit:g} s during {type(request).__name__}"
                        fail(index, Fault(BenchError(message, code=ErrorCode.TIMEOUT)))
        finally:
            for worker in self.workers:
                if worker.number in at:
                    worker.restart()  # or its answer would be taken for that to its next request
        return [*faults] if stops and faults else [ended[index] for index in range(total)]

    def warn(self, warned: Warned) -> None:
        """Tell the user what a request warned of, once."""
        if warned.text not in self._warned:
            self._warned.add(warned.text)
            logger.warning("warning: %s", warned.text)

    @cached_property
    def _warned(self) -> set[str]:
        return set()

    def revive(self) -> None:
        """Let the workers come up again that were ended."""
        for worker in self.workers:
            if worker.ended:
                worker.restart()

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
