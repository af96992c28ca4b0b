"""A part under test, and what it must leave alone: the global generators of random numbers."""

import inspect
import random
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from bench import ambient, memory
from bench.errors import BenchError
from bench.registry import Registry

BATCH = 8


class Subject:
    """A part under test: calls it, and words what is wrong with it."""

    def __init__(self, registry: Registry, name: str):
        """Raises BenchError where there is no such part."""
        self.part = registry[name]
        self.name, self.component = f"{registry.kind} {name}", name
        try:
            self.file = inspect.getsourcefile(self.part)
            self.where = f"{self.file}:{inspect.getsourcelines(self.part)[1]}"
        except (TypeError, OSError):  # an object that is callable, or a part that was not written in Python
            self.file, self.where = None, ""

    def call(self, function: Callable, *arguments: Any, **named: Any) -> Any:
        """Call something of the part's; what it raises becomes a BenchError with the line at which it did."""
        try:
            return function(*arguments, **named)
        except BenchError:
            raise
        except Exception as error:
            if memory.ran_out(error):
                raise
            lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.file]
            where = f"{self.file}:{lines[-1]}" if lines else self.where
            message = f"{self.name} raises {type(error).__name__}: {error}"
            raise BenchError(message, where=where, mend="mend that line", component=self.component) from error

    def demand(self, holds: bool, violation: str, mend: str) -> None:
        if not holds:
            raise BenchError(f"{self.name} {violation}", where=self.where, mend=mend, component=self.component)


def described(values: tuple) -> str:
    """Return the types and shapes of tensors, and the types of all else."""
    texts = [
        f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
        if isinstance(value, torch.Tensor)
        else type(value).__name__
        for value in values
    ]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def same(first: Iterable[torch.Tensor], second: Iterable[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def seed_world(seed: int) -> None:
    """Give all global generators a seed."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def world(device: torch.device) -> dict[str, Any]:
    """Return the states of all global generators, which compare."""
    states = {"torch": torch.get_rng_state().tolist(), "numpy": repr(np.random.get_state()), "python": random.getstate()}
    return states | ({"cuda": torch.cuda.get_rng_state(device).tolist()} if device.type == "cuda" else {})


def reseeded(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Tell whether a generator stands at the same place, after it was given different seeds."""
    return any(first[name] == second[name] for name in first)


@contextmanager
def world_kept(device: torch.device) -> Iterator[None]:
    """Put the global generators back afterwards."""
    with ambient.generators_kept(device):
        torch.manual_seed(0)
        yield
