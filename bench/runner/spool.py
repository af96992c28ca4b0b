"""Results on disk that wait for a store: each a file, complete or not there. What a run leaves, the next one writes first."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.paths import state_root
from bench.trackers.base import Status

LIMIT, SPARED = 10_000_000_000, 500_000_000
"""Bytes that may wait, at most, and that stay free on the disk, at least."""
HEAD = "attempt.json"
Row = dict[str, float]


@dataclass(frozen=True)
class End:
    """How an attempt ended, as `Tracker.finish` takes it. at: Unix seconds."""

    status: Status
    tags: dict[str, str]
    metrics: dict[str, float]
    artifacts: dict[str, bytes]
    at: float

    @property
    def size(self) -> int:
        return sum(map(len, self.artifacts.values()))


@dataclass
class Attempt:
    """One run of a trial. id: tells it from all others, before the store has given it an id of its own. began: Unix seconds.
    history: all its epochs so far, as the next run may have to write them anew. end: None while it goes on."""

    id: str
    name: str
    tags: dict[str, str]
    params: dict[str, str]
    began: float
    history: list[Row] = field(default_factory=list)
    end: End | None = None


class Spool:
    """The waiting results of one experiment in one store. uri: of the store."""

    def __init__(self, uri: str, experiment: str):
        key = hashlib.sha256(f"{uri}\n{experiment}".encode()).hexdigest()[:16]
        self.folder = state_root() / "spool" / key

    def put(self, attempt: Attempt) -> bool:
        """Write an attempt that has ended, with all its epochs; return False where there is no room for it."""
        assert attempt.end, attempt.name
        end = attempt.end
        head = {name: value for name, value in vars(attempt).items() if name != "end"}
        head["end"] = {name: value for name, value in vars(end).items() if name != "artifacts"}
        part = self.path(attempt.id).with_suffix(".part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self._size() + end.size > LIMIT or shutil.disk_usage(self.folder).free - end.size < SPARED:
                return False
            with zipfile.ZipFile(part, "w") as file:
                file.writestr(HEAD, json.dumps(head))
                for name, content in end.artifacts.items():
                    file.writestr(f"artifacts/{name}", content)
            part.replace(self.path(attempt.id))
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            return False
        return True

    def get(self, attempt_id: str) -> Attempt | None:
        """Return an attempt; None where it is not there, or cannot be read."""
        try:
            with zipfile.ZipFile(self.path(attempt_id)) as file:
                head: dict[str, Any] = json.loads(file.read(HEAD))
                names = (name for name in file.namelist() if name != HEAD)
                artifacts = {name.removeprefix("artifacts/"): file.read(name) for name in names}
            return Attempt(**{**head, "end": End(**head["end"], artifacts=artifacts)})
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            return None

    def ids(self) -> list[str]:
        """Return the ids of what waits, the oldest first; what a killed run has left half-written goes."""
        paths = []
        for path in self._files():
            if path.suffix == ".part":
                path.unlink(missing_ok=True)
            else:
                paths.append(path)
        return [path.stem for path in sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name))]

    def drop(self, attempt_id: str) -> None:
        """Remove what is in the store now."""
        self.path(attempt_id).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()  # unless others wait

    def path(self, attempt_id: str) -> Path:
        return self.folder / f"{attempt_id}.zip"

    def _files(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from self.folder.iterdir()

    def _size(self) -> int:
        return sum(path.stat().st_size for path in self._files())
