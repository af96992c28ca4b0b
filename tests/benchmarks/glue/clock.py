"""Where the time of a run goes: seconds in named sections."""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
from typing import Any

from glue.memory import cuda

SECTIONS = {"data": "data", "steps": "forward+backward", "tracking": "tracking"}
NOTHING = nullcontext()


class Clock:
    """Adds up the seconds of sections; one within another counts for itself alone. On CUDA their ends wait for the device.

    Off, it does nothing, at no cost to speak of. memory: bytes on a device, where other processes tell theirs.
    """

    def __init__(self):
        self._open: list[str] = []
        self.start(False)

    def start(self, on: bool) -> None:
        """Begin anew."""
        self.on = on
        self.seconds: Counter[str] = Counter()
        self.memory = 0

    def __call__(self, section: str) -> AbstractContextManager[None]:
        # nothing may wait while a CUDA graph is captured: what it holds counts for the section around it
        if not self.on or ((device := cuda()) and device.is_current_stream_capturing()):
            return NOTHING
        return self._timed(section)

    def begin(self, section: str) -> None:
        self._turn()
        self._open.append(section)

    def end(self) -> None:
        self._turn()
        self._open.pop()

    def batches(self, loader: Iterable[Any]) -> Iterable[Any]:
        """Return what a loader gives; waiting for it is a section "data"."""
        return self._waiting(loader) if self.on else loader

    def wrap(self, section: str, owner: Any, name: str) -> None:
        """Make a section of every call of a function of a module, a class or an object."""
        if not self.on:
            return
        inner = getattr(owner, name)

        @functools.wraps(inner)
        def outer(*args, **kwargs):
            with self(section):
                return inner(*args, **kwargs)

        setattr(owner, name, outer)

    @contextmanager
    def _timed(self, section: str) -> Iterator[None]:
        self.begin(section)
        try:
            yield
        finally:
            self.end()

    def _waiting(self, loader: Iterable[Any]) -> Iterator[Any]:
        with self("data"):
            batches = iter(loader)
        while True:
            with self("data"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _turn(self) -> None:
        """Give the time since the last turn to the innermost section that is open."""
        if device := cuda():
            device.synchronize()
        now = perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now
