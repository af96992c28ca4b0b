"""What runs requests: processes of this machine, or this very process. Nothing outside this package knows which it is."""

from importlib import import_module
from typing import Protocol

from bench.errors import BenchError, did_you_mean
from bench.runner.executors.base import Executor, Worker

__all__ = ["EXECUTORS", "Executor", "MakeExecutor", "Worker", "open_executor"]

EXECUTORS = {
    "local": "bench.runner.executors.local:Local",
    "inline": "bench.runner.executors.inline:Inline",
}
"""name → `module:class`, imported when it is asked for."""


class MakeExecutor(Protocol):
    """What makes an executor: its class."""

    def __call__(self, workers: int | None = None, threads: int = 1, device: str = "auto", jobs: int | None = None) -> Executor:
        """workers: None for as many as there is room for. threads: of each. device: auto, cpu or cuda. jobs: how much there is to
        do, if known. Raises BenchError for what cannot be had."""


def open_executor(
    name: str, workers: int | None = None, threads: int = 1, device: str = "auto", jobs: int | None = None
) -> Executor:
    """Return the executor of a name; see `MakeExecutor`. Raises BenchError for an unknown name too."""
    if name not in EXECUTORS:
        raise BenchError(f"no executor {name!r}", where="--executor", mend=did_you_mean(name, EXECUTORS))
    module, _, attribute = EXECUTORS[name].partition(":")
    make: MakeExecutor = getattr(import_module(module), attribute)
    return make(workers, threads, device, jobs)
