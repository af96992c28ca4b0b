"""Files that a custom component reads and that the suite does not declare: an edit of one would change results under the same
fingerprint, so whoever runs the suite is warned."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from bench.paths import data_root

CODE = (".py", ".pyc", ".pyi", ".so", ".pyd")
"""What modules are made of: what a component imports is known without being declared."""
LIBRARIES = ("site-packages", "dist-packages")


class _Watch:
    """What is read below a folder. told: the warnings."""

    def __init__(self, folder: str, declared: Iterable[Path]):
        self.folder = os.path.realpath(folder)
        self.declared = {os.path.realpath(path) for path in declared}
        self.seen: set[str] = set()
        self.told: list[str] = []

    def look(self, path: str) -> None:
        """Take in that a file is opened for reading."""
        if path in self.seen or not self._is_below(path) or path.endswith(CODE):
            return
        if path in self.declared or _is_below(path, os.path.realpath(data_root())) or not os.path.isfile(path):  # noqa: PTH113
            return
        if reader := self._reader():
            self.seen.add(path)
            name = os.path.relpath(path, self.folder)
            self.told.append(
                f"{reader} reads {name}, which the suite does not declare, so that nobody would notice an edit of it: "
                f"write `files: [{name}]` beside the name of the component"
            )

    def _reader(self) -> str:
        """Return the module of a component that is being run; "" where it is not a component that opens the file."""
        frame: FrameType | None = sys._getframe()
        while frame:
            if self._is_below(file := frame.f_code.co_filename):
                return os.path.relpath(file, self.folder)
            frame = frame.f_back
        return ""

    def _is_below(self, path: str) -> bool:
        return _is_below(path, self.folder) and not any(f"{os.sep}{name}{os.sep}" in path for name in LIBRARIES)


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}{os.sep}")


_watches: list[_Watch] = []


@contextmanager
def watched(folder: str, declared: Iterable[Path]) -> Iterator[list[str]]:
    """Watch which files below a suite's folder its components open for reading, but for those that are declared; "" for none.
    Yields the warnings, which grow: one a file."""
    if not folder:
        yield []
        return
    _listen()
    watch = _Watch(folder, declared)
    _watches.append(watch)
    try:
        yield watch.told
    finally:
        _watches.remove(watch)


@cache
def _listen() -> None:
    """Hear of every file that this process opens, from now on: Python lets nobody stop that."""
    sys.addaudithook(_opened)


def _opened(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or not _watches:
        return
    path, _, flags = arguments
    if not isinstance(path, str | bytes) or flags & os.O_ACCMODE != os.O_RDONLY:
        return
    with suppress(OSError, ValueError):  # it is the component's to meet what is wrong with a path
        real_path = os.path.realpath(os.fsdecode(path))
        for watch in _watches:
            watch.look(real_path)
