"""Stores that are only read: what of a store goes into a bundle, and a bundle as a store.

A report is made from either as from any other tracker, so that a bundle's report says what its importer will read.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, cast

from bench.api.bundle.anonymous import Redactor
from bench.api.bundle.archive import Archive
from bench.errors import BenchError
from bench.trackers import RunDetails, StoredRun, Tracker, contents, record, rows
from bench.trackers.lease import Hold
from bench.trackers.record import Artifact

Histories = dict[str, dict[str, list[tuple[int, float]]]]
SMALL = (Artifact.CORRECT, Artifact.CONFUSION, Artifact.IMAGES, Artifact.CONFIG, Artifact.MEMBERS, Artifact.LOG)
"""What is in every bundle: all that a report reads, and what says how a trial was made."""
LARGE = (Artifact.PREDICTIONS, Artifact.WEIGHTS)
WORDS = (Artifact.CONFIG, Artifact.MEMBERS, Artifact.LOG)
"""Artifacts that are text, in which a name or a path may stand."""


class _ReadOnly:
    """The half of a tracker that writes, which refuses to."""

    uri, needs_ui, bin_command = "", "", ""

    def ui_command(self, host: str, port: int) -> list[str] | None:
        return None

    def experiment_url(self, experiment: str) -> str | None:
        return None

    def run_url(self, experiment: str) -> Callable[[str], str] | None:
        return None

    def hold(self, experiment: str, *, wait: bool = False, take_over: bool = False) -> AbstractContextManager[Hold]:
        raise self._refused()

    def artifacts_size(self, run_id: str) -> int | None:
        return None

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise self._refused()

    upgrade = open = note = start = log = finish = close_stale = tag = delete = _refuse

    def _refused(self) -> BenchError:
        return BenchError("a bundle is only read", where=self.uri, mend="bring its runs into a store: `bench import`")


class Outgoing(_ReadOnly):
    """What of a store goes into a bundle. chosen: the runs. full: with probabilities and weights. redactor: takes out who made
    them, and where; None leaves it in."""

    def __init__(self, store: Tracker, chosen: Sequence[StoredRun], *, full: bool, redactor: Redactor | None):
        self._store, self._full, self._redactor = store, full, redactor
        self._runs = [self._anonymous(run) for run in chosen]
        self._bits: dict[str, bytes] = {}  # the report asks for them again

    def runs(self, experiment: str) -> list[StoredRun]:
        return self._runs

    def histories(self, run_ids: Sequence[str], metrics: Sequence[str]) -> Histories:
        return self._store.histories(run_ids, metrics)

    def details(self, run_ids: Sequence[str]) -> dict[str, RunDetails]:
        found = self._store.details(run_ids)
        if self._redactor:
            clean = self._redactor.clean
            found = {
                run_id: RunDetails(details.name, {name: clean(text) for name, text in details.params.items()})
                for run_id, details in found.items()
            }
        return found

    def notes(self, experiment: str) -> dict[str, str]:
        found = self._store.notes(experiment)
        return {name: self._redactor.clean(text) for name, text in found.items()} if self._redactor else found

    def artifact(self, run_id: str, name: str) -> bytes | None:
        if name in LARGE and not self._full:
            return None
        if name == Artifact.CORRECT and run_id in self._bits:
            return self._bits[run_id]
        content = self._store.artifact(run_id, name)
        if name == Artifact.CORRECT and content is None and (whole := self._store.artifact(run_id, Artifact.PREDICTIONS)):
            try:
                content = self._bits[run_id] = contents.as_bits(whole)
            except contents.Damaged:
                return None
        if content is not None and name in WORDS and self._redactor:
            content = self._redactor.clean(content.decode("utf-8", "replace")).encode()
        return content

    def artifact_size(self, run_id: str, name: str) -> int | None:
        if name in LARGE and not self._full:
            return None
        return self._store.artifact_size(run_id, name)

    def unreachable(self, run_id: str) -> str:
        return self._store.unreachable(run_id)

    def _anonymous(self, run: StoredRun) -> StoredRun:
        # what MLflow has added says the same once more
        tags = {name: text for name, text in run.tags.items() if not name.startswith("mlflow.")}
        if self._redactor:
            clean = self._redactor.clean
            tags = {
                name: clean(text) if name in record.FREE_TEXT else text
                for name, text in tags.items()
                if name not in record.PERSONAL
            }
        return StoredRun(run.run_id, run.status, tags, run.metrics, run.start, run.end)


class Bundle(_ReadOnly):
    """A bundle as a store of one experiment. Its runs have the ids of where they were made."""

    def __init__(self, archive: Archive):
        self.archive, self.uri = archive, str(archive.path)
        self.experiment = str(archive.manifest.get("experiment"))

    def runs(self, experiment: str) -> list[StoredRun]:
        if experiment != self.experiment:
            return []
        found = [self._stored(name) for name in self.archive.names("runs/") if name.endswith("/run.json")]
        return sorted(found, key=lambda run: (run.start, run.run_id))

    def histories(self, run_ids: Sequence[str], metrics: Sequence[str]) -> Histories:
        result: Histories = {}
        for run_id in run_ids:
            curves = self.curves(run_id)
            if chosen := {metric: curves[metric] for metric in metrics if metric in curves}:
                result[run_id] = chosen
        return result

    def curves(self, run_id: str) -> dict[str, list[tuple[int, float]]]:
        """Return the epochs of a run, of every metric that has some."""
        curves = {}
        for metric, points in self._said(run_id).get("history", {}).items():
            pairs = [pair for pair in points if isinstance(pair, list) and len(pair) == 2]
            if known := [point for step, value in pairs if (point := rows.point(step, value))]:
                curves[str(metric)] = known
        return curves

    def details(self, run_ids: Sequence[str]) -> dict[str, RunDetails]:
        said = {run_id: self._said(run_id) for run_id in run_ids}
        return {run_id: RunDetails(str(run["name"]), _texts(run["params"])) for run_id, run in said.items() if run}

    def notes(self, experiment: str) -> dict[str, str]:
        name = "declarations.json"
        return _texts(self.archive.json(name)) if experiment == self.experiment and name in self.archive.files else {}

    def artifact(self, run_id: str, name: str) -> bytes | None:
        path = f"runs/{run_id}/{name}"
        return self.archive.read(path) if path in self.archive.files else None

    def artifact_size(self, run_id: str, name: str) -> int | None:
        said = self.archive.files.get(f"runs/{run_id}/{name}")
        return said["size"] if said else None

    def unreachable(self, run_id: str) -> str:
        return ""

    def artifacts(self, run_id: str) -> dict[str, bytes]:
        """Return all artifacts of a run by name."""
        return {name: content for name in Artifact if (content := self.artifact(run_id, name)) is not None}

    def _said(self, run_id: str) -> dict[str, Any]:
        name = f"runs/{run_id}/run.json"
        if name not in self.archive.files:
            return {}
        said = self.archive.json(name)
        whole = isinstance(said, dict) and all(
            isinstance(said.get(part), dict) for part in ("tags", "params", "metrics", "history")
        )
        if not whole or not all(isinstance(curve, list) for curve in said["history"].values()):
            raise self.archive.damaged(f"{name} does not describe a run")
        return cast(dict[str, Any], said)

    def _stored(self, path: str) -> StoredRun:
        run_id = path.split("/")[1]
        said = self._said(run_id)
        metrics = {
            str(name): float(number) for name, value in said["metrics"].items() if (number := rows.number(value)) is not None
        }
        start, end = rows.number(said.get("start")), rows.number(said.get("end"))
        return StoredRun(run_id, rows.status(said.get("status")), _texts(said["tags"]), metrics, start or 0.0, end)


def _texts(said: dict[str, Any]) -> dict[str, str]:
    return {str(name): rows.text(value) for name, value in said.items()}
