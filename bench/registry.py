"""A registry is a decorator and a dict, looked up with a did-you-mean error. `module:name` is a part of the user's own."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from bench import components
from bench.config import Config, Own
from bench.errors import BenchError, did_you_mean

T = TypeVar("T", bound=Callable[..., Any])


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
        return name in self._parts or ":" in name

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._parts))

    def __getitem__(self, name: str) -> T:
        """Return the part. Raises BenchError for a name that is not known, or cannot be imported."""
        if ":" in name:
            part: T = own(name, self.kind)
            return part
        if name not in self._parts:
            raise BenchError(f"unknown {self.kind} {name!r}", mend=did_you_mean(name, self._parts))
        return self._parts[name]

    def describe(self) -> dict[str, str]:
        """Return each name with the first line of its docstring."""
        return {name: (self._parts[name].__doc__ or "").strip().split("\n")[0] for name in self}


def options(part: Config) -> Any:
    """Return what a part is called with: its configuration; of a part of the user's own, its arguments as attributes."""
    return SimpleNamespace(**part.args) if isinstance(part, Own) else part


def own(name: str, kind: str) -> Any:
    """Return what `module:name` stands for. Modules are looked for beside the suite first, see `bench.components`.

    Raises BenchError where the module is not there, fails while it is imported, or has nothing callable of that name.
    """
    module, _, attribute = name.partition(":")
    try:
        loaded = components.load(module)
    except (Exception, SystemExit) as error:
        absent = isinstance(error, ModuleNotFoundError) and error.name and f"{module}.".startswith(f"{error.name}.")
        mend = f"put {module.replace('.', '/')}.py beside the suite, or install it" if absent else "mend that file"
        why = "there is no such module" if absent else f"it cannot be imported: {type(error).__name__}: {error}"
        raise BenchError(f"{kind} {name!r}: {why}", mend=mend, component=name) from error
    if not callable(part := getattr(loaded, attribute, None)):
        known = [key for key, value in vars(loaded).items() if callable(value) and not key.startswith("_")]
        where = getattr(loaded, "__file__", None) or module
        message = f"{kind} {name!r}: {where} has no function or class {attribute!r}"
        raise BenchError(message, mend=did_you_mean(attribute, known), component=name)
    return part


def own_digest(name: str) -> str:
    """Return the hash of the file of `module:name`, and of what it imports from beside the suite: a changed component counts as
    another one. "" where it is not found."""
    return components.digest(name.partition(":")[0])
