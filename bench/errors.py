"""The error that a user can mend, and the did-you-mean that goes with it."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches


class BenchError(Exception):
    """A mistake in the user's input or surroundings; the command line prints it without a traceback and exits with 1.

    message: what is wrong. where: `file:line`, or whatever names the place. mend: what to do about it.
    """

    def __init__(self, message: str, *, where: str = "", mend: str = ""):
        super().__init__(message)
        self.message, self.where, self.mend = message, where, mend

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.mend}" if self.mend else text

    def __reduce__(self) -> tuple[Callable[..., "BenchError"], tuple[type["BenchError"], str, str, str]]:
        """Pickle with the keyword-only arguments, which Exception itself would lose: workers send errors home."""
        return _rebuild, (type(self), self.message, self.where, self.mend)


def _rebuild(kind: type[BenchError], message: str, where: str, mend: str) -> BenchError:
    return kind(message, where=where, mend=mend)


def did_you_mean(name: str, known: Iterable[str], limit: int = 8) -> str:
    """Return a hint: the nearest known name, or the first known ones."""
    known = sorted(known)
    if near := get_close_matches(name, known, n=1, cutoff=0.6):
        return f"did you mean {near[0]!r}?"
    listed = ", ".join(known[:limit]) + (", …" if len(known) > limit else "")
    return f"known: {listed}" if known else ""
