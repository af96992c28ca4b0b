"""A registry is a decorator and a dict, looked up with a did-you-mean error."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from bench.errors import BenchError, did_you_mean

T = TypeVar("T", bound=Callable)


class Registry(Generic[T]):
    """Names of one kind of part (models, data sources, …) and what they stand for."""

    def __init__(self, kind: str):
        self.kind = kind
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that files its function or class under `name`; the docstring's first line describes it."""

        def add(part: T) -> T:
            if name in self._parts:
                raise ValueError(f"{self.kind} {name!r} is registered twice")
            self._parts[name] = part
            return part

        return add

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._parts))

    def __getitem__(self, name: str) -> T:
        if name not in self._parts:
            raise BenchError(f"unknown {self.kind} {name!r}", mend=did_you_mean(name, self._parts))
        return self._parts[name]

    def describe(self) -> dict[str, str]:
        """Return each name with the first line of its docstring."""
        return {name: (self._parts[name].__doc__ or "").strip().split("\n")[0] for name in self}
