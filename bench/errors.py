"""The error that a user can mend, and the did-you-mean that goes with it."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum


class ErrorCode(StrEnum):
    """What kind of error it is, where something is decided by that."""

    NOT_PREPARED = "not-prepared"
    """Data or weights are not on this machine, or damaged; `bench data prepare` mends it. It says nothing about the suite."""
    UNREACHABLE = "unreachable"
    """A store does not answer, or is locked: that may pass."""
    CRASHED = "crashed"
    """What ran raised something unexpected, or ended the process that it ran in."""
    OOM = "oom"
    """What ran found no memory."""
    TIMEOUT = "timeout"
    """What ran was ended, since it took too long."""


class BenchError(Exception):
    """A mistake in the user's input or surroundings; the command line prints it without a traceback and exits with 1.

    message: what is wrong. where: `file:line`, or whatever names the place. mend: what to do about it. code: its kind.
    component: the custom component, `module:name`, that it is about, if any.
    """

    def __init__(
        self, message: str, *, where: str = "", mend: str = "", code: ErrorCode | None = None, component: str = ""
    ) -> None:
        super().__init__(message)
        self.message, self.where, self.mend, self.code, self.component = message, where, mend, code, component

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.mend}" if self.mend else text

    def at(self, where: str) -> "BenchError":
        """Return the same error at another place. The place that it has itself, if another, goes before its message."""
        message = f"{self.where}: {self.message}" if self.where and self.where != where else self.message
        return type(self)(message, where=where, mend=self.mend, code=self.code, component=self.component)

    # keyword-only arguments do not survive Exception's own pickling, and workers send errors home
    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.where, self.mend, self.code, self.component)


def _rebuild(kind: type[BenchError], message: str, where: str, mend: str, code: ErrorCode | None, component: str) -> BenchError:
    return kind(message, where=where, mend=mend, code=code, component=component)


def did_you_mean(name: str, known: Iterable[str], limit: int = 8) -> str:
    """Return a hint: the nearest known name, or the first known ones."""
    known = sorted(known)
    if near := get_close_matches(name, known, n=1, cutoff=0.6):
        return f"did you mean {near[0]!r}?"
    listed = ", ".join(known[:limit]) + (", …" if len(known) > limit else "")
    return f"known: {listed}" if known else ""
