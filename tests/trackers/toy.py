"""A tracker in one file, without MLflow: a folder an experiment, and in it a JSON file a run and a folder of its artifacts."""

import json
import math
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from bench.errors import BenchError, ErrorCode
from bench.trackers import RunDetails, Status, StoredRun
from bench.trackers.lease import Book, Entry, Lease, leased

Row = dict[str, float]


class Toy:
    """Tracker in a folder. Each object on the same folder sees the same store."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.uri = folder.as_uri()
        self.experiment = folder

    @property
    def needs_ui(self) -> str:
        return ""

    def ui_command(self, host: str, port: int) -> list[str] | None:
        return None

    # ------------------------------------------------------------ reading

    def runs(self, experiment: str) -> list[StoredRun]:
        with self._guard():
            folder = self._found(experiment)
            found = [_stored(path) for path in (_inside(folder) if folder else []) if path.suffix == ".json"]
            return sorted(found, key=lambda run: (run.start, run.run_id))

    def histories(self, run_ids: Sequence[str], metrics: Sequence[str]) -> dict[str, dict[str, list[tuple[int, float]]]]:
        with self._guard():
            result: dict[str, dict[str, list[tuple[int, float]]]] = {}
            for run_id in run_ids:
                epochs = _read(path)["epochs"] if (path := self._file(run_id)) else []
                for metric in metrics:
                    if curve := [(int(row["epoch"]), row[metric]) for row in epochs if metric in row]:
                        result.setdefault(run_id, {})[metric] = curve
            return result

    def experiment_url(self, experiment: str) -> str | None:
        with self._guard():
            return folder.as_uri() if (folder := self._found(experiment)) else None

    def run_url(self, experiment: str) -> Callable[[str], str] | None:
        with self._guard():
            return (lambda run_id: (folder / f"{run_id}.json").as_uri()) if (folder := self._found(experiment)) else None

    def artifact(self, run_id: str, name: str) -> bytes | None:
        with self._guard():
            found = path.with_suffix("") / name if (path := self._file(run_id)) else None
            return found.read_bytes() if found and found.is_file() else None

    def artifact_size(self, run_id: str, name: str) -> int | None:
        content = self.artifact(run_id, name)
        return None if content is None else len(content)

    def details(self, run_ids: Sequence[str]) -> dict[str, RunDetails]:
        with self._guard():
            found = {run_id: _read(path) for run_id in run_ids if (path := self._file(run_id))}
            return {run_id: RunDetails(run["name"], run["params"]) for run_id, run in found.items()}

    def unreachable(self, run_id: str) -> str:
        return ""

    # ------------------------------------------------------------ writing

    def hold(self, experiment: str, *, wait: bool = False, take_over: bool = False) -> AbstractContextManager[Lease]:
        return leased(_Book(self.folder / f"{quote(experiment, safe='')}.lease"), wait=wait, at_once=take_over)

    def upgrade(self) -> str:
        return ""

    def open(self, experiment: str, tags: dict[str, str]) -> None:
        with self._guard():
            self.experiment = self.folder / quote(experiment, safe="")
            self.experiment.mkdir(parents=True, exist_ok=True)
            about = self.experiment / "tags"
            _write(about, (_read(about) if about.exists() else {}) | tags)

    def note(self, name: str, text: str) -> None:
        with self._guard():
            path = self.experiment / "notes" / quote(name, safe="")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def notes(self, experiment: str) -> dict[str, str]:
        with self._guard():
            folder = self._found(experiment)
            return {unquote(path.name): path.read_text("utf-8") for path in (_inside(folder / "notes") if folder else [])}

    def start(self, name: str, tags: dict[str, str], params: dict[str, str], began: float | None = None) -> str:
        with self._guard():
            run_id = uuid.uuid4().hex
            run = {"name": name, "status": "RUNNING", "start": began or time.time(), "end": None, "params": params, "tags": tags}
            _write(self.experiment / f"{run_id}.json", run | {"epochs": [], "metrics": {}})
            return run_id

    def log(self, run_id: str, history: list[Row]) -> None:
        self._change(run_id, history=history)

    def finish(
        self,
        run_id: str,
        *,
        status: Status,
        tags: dict[str, str],
        metrics: Row,
        history: list[Row],
        artifacts: dict[str, bytes],
        ended: float | None = None,
    ) -> None:
        with self._guard():
            for name, content in artifacts.items():
                path = self.experiment / run_id / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
        self._change(run_id, history=history, metrics=metrics, tags=tags, status=status, ended=ended)

    def close_stale(self, runs: list[StoredRun], tags: dict[str, str]) -> None:
        for run in runs:
            if run.status == "RUNNING":
                self._change(run.run_id, tags=tags, status="KILLED")

    def tag(self, runs: list[StoredRun], tags: dict[str, str]) -> None:
        for run in runs:
            self._change(run.run_id, tags=tags, status=run.status)

    def artifacts_size(self, run_id: str) -> int | None:
        with self._guard():
            path = self._file(run_id)
            return sum(file.stat().st_size for file in _inside(path.with_suffix(""))) if path else None

    def delete(self, runs: list[StoredRun]) -> None:
        with self._guard():
            for run in runs:
                if path := self._file(run.run_id):
                    path.unlink()
                    shutil.rmtree(path.with_suffix(""), ignore_errors=True)

    @property
    def bin_command(self) -> str:
        return ""

    # ------------------------------------------------------------ inside

    def _change(
        self,
        run_id: str,
        *,
        history: Sequence[Row] = (),
        metrics: Row | None = None,
        tags: dict[str, str] | None = None,
        status: Status = "RUNNING",
        ended: float | None = None,
    ) -> None:
        with self._guard():
            if (path := self._file(run_id)) is None:
                raise FileNotFoundError(f"no run {run_id}")
            run = _read(path)
            known = {row["epoch"] for row in run["epochs"]}
            run["epochs"] += [_finite(row) for row in history if row["epoch"] not in known]
            run["metrics"] |= _finite(metrics or {})
            run["tags"] |= tags or {}
            if status != "RUNNING":
                run |= {"status": status, "end": ended or time.time()}
            _write(path, run)

    def _found(self, experiment: str) -> Path | None:
        return next((path for path in _inside(self.folder) if path.name == quote(experiment, safe="")), None)

    def _file(self, run_id: str) -> Path | None:
        return next((path for folder in _inside(self.folder) if (path := folder / f"{run_id}.json").exists()), None)

    def _guard(self) -> AbstractContextManager[None]:
        return _guard(self.uri)


class _Book(Book):
    """A folder with a file an entry: of two that link a file to one name, one fails."""

    def __init__(self, folder: Path):
        self.folder = folder

    def read(self) -> Entry:
        with _guard(self.folder.as_uri()):
            numbers = [int(path.name) for path in _inside(self.folder) if path.name.isdecimal()]
            if not numbers:
                return Entry()
            number, beat = max(numbers), self.folder / f"{max(numbers)}.beat"
            told = beat.read_text() if beat.exists() else ""
            return Entry(number, (self.folder / str(number)).read_text(), told, told == "released")

    def write(self, number: int, holder: str) -> bool:
        with _guard(self.folder.as_uri()):
            self.folder.mkdir(parents=True, exist_ok=True)
            part, path = self.folder / f"{uuid.uuid4().hex}.part", self.folder / str(number)
            part.write_text(holder)
            try:
                path.hardlink_to(part)
            except FileExistsError:
                pass
            finally:
                part.unlink()
            return path.read_text() == holder

    def beat(self, number: int, beat: str) -> None:
        with _guard(self.folder.as_uri()):
            part = self.folder / f"{uuid.uuid4().hex}.part"
            part.write_text(beat)
            part.replace(self.folder / f"{number}.beat")


@contextmanager
def _guard(uri: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        mend = "choose another folder"
        raise BenchError(f"the store cannot be used: {error}", where=uri, mend=mend, code=ErrorCode.UNREACHABLE) from error


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _finite(row: Row) -> Row:
    return {name: value for name, value in row.items() if math.isfinite(value)}


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write a file in one step: somebody may be reading it."""
    part = path.with_suffix(f".{uuid.uuid4().hex}.part")
    part.write_text(json.dumps(content))
    part.replace(path)


def _stored(path: Path) -> StoredRun:
    run = _read(path)
    metrics: Row = {}
    for row in (*run["epochs"], run["metrics"]):
        metrics |= row
    for name in ("epoch", "seconds"):
        metrics.pop(name, None)
    return StoredRun(path.stem, run["status"], run["tags"], metrics, run["start"], run["end"])
