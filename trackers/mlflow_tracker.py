"""The MLflow implementation of the tracker, in as few calls a trial as MLflow allows."""

import logging
import math
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

from bench import scratch
from bench.trackers import database, errors, holding, notes, rows, schema, view
from bench.trackers.base import RunDetails, Status, StoredRun
from bench.trackers.lease import Hold, Lease
from bench.trackers.mlflow_lease import MlflowBook, deleted

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

T = TypeVar("T")

PARAM_LENGTH, TAG_LENGTH, KEY_LENGTH, NAME_LENGTH = 6000, 8000, 250, 250
PAGE = 1000
CONNECTIONS = 8
"""Curves asked of a server at the same time: it gives them one by one."""
LOCAL_SERVER = "http://127.0.0.1:5000"
"""Where `mlflow ui` listens if it is told nothing else."""

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # and saves the server a request a run
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # some 6 s; MLflow's 7 go on for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",  # a server that takes the request and never answers; MLflow waits for two minutes
}
"""MLflow's own environment variables, as we want them where the user has not set them."""

OWN_TAGS = {
    "source": "mlflow.source.name",
    "user": "mlflow.user",
    "commit": "mlflow.source.git.commit",
    "about": "mlflow.note.content",
}
"""Tags of a run or an experiment, and the ones that MLflow's pages look for."""


@dataclass
class _Run:
    """What we remember of a run that is being written."""

    start: int  # milliseconds
    artifacts: str = ""  # URI
    params: dict[str, str] = field(default_factory=dict)
    step: int = 0
    latest: int = 0  # milliseconds
    last: dict[str, float] = field(default_factory=dict)


class MlflowTracker:
    """Tracker on an MLflow tracking URI: a server, or a database."""

    def __init__(self, uri: str):
        self.uri = uri.rstrip("/") if uri.startswith("http") else uri
        self._experiment = ""
        self._running: dict[str, _Run] = {}
        self._lease: Lease | None = None
        self._server_version = ""

    @property
    def needs_ui(self) -> str:
        return "" if self.uri.startswith("http") else "mlflow ui"

    def ui_command(self, host: str, port: int) -> list[str] | None:
        if not self.needs_ui:
            return None
        return ["mlflow", "ui", "--backend-store-uri", self.uri, "--host", host, "--port", str(port)]

    # ------------------------------------------------------------ reading

    def runs(self, experiment: str) -> list[StoredRun]:
        with self._guard("read"):
            if database.is_database(self.uri) and (runs := database.read_runs(self.uri, experiment)) is not None:
                return runs
            if (known := self._client.get_experiment_by_name(experiment)) is None or known.lifecycle_stage != "active":
                return []
            by_id: dict[str, StoredRun] = {}
            token: str | None = ""
            while token is not None:
                page = self._client.search_runs([known.experiment_id], max_results=PAGE, page_token=token or None)
                by_id |= {run.info.run_id: _stored(run) for run in page}
                token = page.token or None
            return sorted(by_id.values(), key=lambda run: (run.start, run.run_id))

    def histories(self, run_ids: Sequence[str], metrics: Sequence[str]) -> database.Histories:
        with self._guard("read"):
            if database.is_database(self.uri) and (epochs := database.read_histories(self.uri, run_ids, metrics)) is not None:
                return epochs
            client, pairs = self._client, [(run_id, metric) for run_id in run_ids for metric in metrics]
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                curves = list(pool.map(lambda pair: _epochs(client, *pair), pairs))
            result: database.Histories = {}
            for (run_id, metric), curve in zip(pairs, curves, strict=True):
                if curve:
                    result.setdefault(run_id, {})[metric] = curve
            return result

    def details(self, run_ids: Sequence[str]) -> dict[str, RunDetails]:
        with self._guard("read"):
            if database.is_database(self.uri) and (details := database.read_details(self.uri, run_ids)) is not None:
                return details
            client = self._client
            with ThreadPoolExecutor(CONNECTIONS) as pool:
                found = list(pool.map(lambda run_id: _found(lambda: client.get_run(run_id)), run_ids))
            return {run.info.run_id: RunDetails(run.info.run_name or "", dict(run.data.params)) for run in found if run}

    def experiment_url(self, experiment: str) -> str | None:
        with self._guard("read"):
            known = self._experiment_id(experiment)
            return view.url(self._server, known) if known else None

    def run_url(self, experiment: str) -> Callable[[str], str] | None:
        with self._guard("read"):
            known, server = self._experiment_id(experiment), self._server
            return (lambda run_id: view.run_url(server, known, run_id)) if known else None

    def artifact(self, run_id: str, name: str) -> bytes | None:
        if (path := database.sqlite_path(self.uri)) and not path.exists():
            return None
        with self._guard("read"):
            try:
                if folder := self._artifact_folder(run_id):
                    return (folder / name).read_bytes()
            except (LookupError, FileNotFoundError, NotADirectoryError, IsADirectoryError):
                return None
            with tempfile.TemporaryDirectory(dir=scratch.folder()) as aside:
                return _found(lambda: Path(self._client.download_artifacts(run_id, name, aside)).read_bytes())

    def artifact_size(self, run_id: str, name: str) -> int | None:
        if (path := database.sqlite_path(self.uri)) and not path.exists():
            return None
        with self._guard("read"):
            try:
                if folder := self._artifact_folder(run_id):
                    return (folder / name).stat().st_size if (folder / name).is_file() else None
            except LookupError:
                return None
            listed = _found(lambda: self._client.list_artifacts(run_id)) or []
            # a server gives no size of an empty file
            return next((entry.file_size or 0 for entry in listed if entry.path == name and not entry.is_dir), None)

    def artifacts_size(self, run_id: str) -> int | None:
        if (path := database.sqlite_path(self.uri)) and not path.exists():
            return None
        with self._guard("read"):
            try:
                if folder := self._artifact_folder(run_id):
                    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
            except LookupError:
                return None
            listed = _found(lambda: self._client.list_artifacts(run_id))
            return None if listed is None else sum(entry.file_size or 0 for entry in listed)

    def unreachable(self, run_id: str) -> str:
        if not database.sqlite_path(self.uri):
            return ""
        with self._guard("read"):
            try:
                folder = self._artifact_folder(run_id)
            except LookupError:
                return ""
            if folder is None or folder.exists():
                return ""
            of_experiment = database.beside_store(folder.parents[1], self.uri, database.EXPERIMENT_PARTS)
            if of_experiment.exists():
                return ""
            return f"cannot be reached: the folder of the artifacts, {of_experiment}, is not there, nor is it beside the store"

    def _artifact_folder(self, run_id: str) -> Path | None:
        return database.read_artifact_folder(self.uri, run_id) if database.is_database(self.uri) else None

    # ------------------------------------------------------------ writing

    @contextmanager
    def hold(self, experiment: str, *, wait: bool = False, take_over: bool = False) -> Iterator[Hold]:
        lease = Lease(MlflowBook(lambda: self._client, self._guard, experiment))
        with ExitStack() as held:
            if path := database.sqlite_path(self.uri):
                if not held.enter_context(holding.held(path, experiment, wait=wait, take_over=take_over)):
                    yield Hold()
                    return
                self._lease = lease  # taken when the store is opened: who has the lock need not look whether another is at work
            else:
                lease.take(wait=wait, at_once=take_over)
            try:
                yield lease
            finally:
                self._lease = None
                lease.release()

    def upgrade(self) -> str:
        with self._guard("upgraded"):
            if not database.is_database(self.uri):
                return ""  # a server upgrades its own
            _quiet_mlflow()
            file = database.sqlite_path(self.uri)
            if file and not file.exists():
                return ""
            engine = database.connect(self.uri)
            try:
                return schema.upgrade(engine, self.uri, file)
            finally:
                engine.dispose()

    def open(self, experiment: str, tags: dict[str, str]) -> None:
        tags = {**_with_own(tags), view.TAG: view.tag()}
        with self._guard("written"):
            if database.sqlite_path(self.uri):
                _quiet_mlflow()
                database.prepare(self.uri)
            client = self._client
            known = client.get_experiment_by_name(experiment) or self._created(experiment, tags)
            if known is not None:
                self._experiment = known.experiment_id
                if known.lifecycle_stage != "active":
                    raise deleted(experiment, known.experiment_id)
                for key, value in _texts(tags, TAG_LENGTH).items():
                    if known.tags.get(key) != value:
                        client.set_experiment_tag(known.experiment_id, key, value)
            if database.sqlite_path(self.uri):
                database.follow_move(self.uri, self._experiment)
            _check_artifacts(client.get_experiment(self._experiment).artifact_location)
            if self._lease and not self._lease.number:
                self._lease.take(at_once=True)

    def note(self, name: str, text: str) -> None:
        with self._guard("written"):
            for key, value in notes.as_tags(name, text).items():
                self._client.set_experiment_tag(self._experiment, key, value)

    def notes(self, experiment: str) -> dict[str, str]:
        with self._guard("read"):
            if database.is_database(self.uri):
                tags = database.read_experiment_tags(self.uri, experiment)
                if tags is not None:
                    return notes.of_tags(tags)
            known = self._client.get_experiment_by_name(experiment)
            return notes.of_tags(known.tags) if known and known.lifecycle_stage == "active" else {}

    def start(self, name: str, tags: dict[str, str], params: dict[str, str], began: float | None = None) -> str:
        with self._guard("written"):
            tags = _texts(_with_own(tags), TAG_LENGTH)
            run = self._client.create_run(self._experiment, _milliseconds(began), tags, _text(name, NAME_LENGTH))
            run_id: str = run.info.run_id
            self._running[run_id] = _Run(run.info.start_time, run.info.artifact_uri, _texts(params, PARAM_LENGTH))
            return run_id

    def log(self, run_id: str, history: list[dict[str, float]]) -> None:
        with self._guard("written"):
            self._batch(run_id, history)

    def finish(
        self,
        run_id: str,
        *,
        status: Status,
        tags: dict[str, str],
        metrics: dict[str, float],
        history: list[dict[str, float]],
        artifacts: dict[str, bytes],
        ended: float | None = None,
    ) -> None:
        with self._guard("written"):
            self._store(run_id, artifacts)
            self._batch(run_id, history, metrics, tags)
            self._client.set_terminated(run_id, status, _milliseconds(ended))
            self._running.pop(run_id, None)

    def close_stale(self, runs: list[StoredRun], tags: dict[str, str]) -> None:
        with self._guard("written"):
            for run in runs:
                if run.status == "RUNNING":
                    self._batch(run.run_id, [], tags=tags)
                    self._client.set_terminated(run.run_id, "KILLED")

    def tag(self, runs: list[StoredRun], tags: dict[str, str]) -> None:
        with self._guard("written"):
            for run in runs:
                self._batch(run.run_id, [], tags=tags)

    def delete(self, runs: list[StoredRun]) -> None:
        with self._guard("written"):
            for run in runs:
                self._client.delete_run(run.run_id)

    @property
    def bin_command(self) -> str:
        return f"mlflow gc --backend-store-uri {errors.shown(self.uri)}" if self.needs_ui else "mlflow gc, on the server"

    # ------------------------------------------------------------ inside

    def _created(self, experiment: str, tags: dict[str, str]) -> "Experiment | None":
        """Create an experiment; None, or what is there where another process was first."""
        from mlflow.exceptions import MlflowException

        try:
            self._experiment = self._client.create_experiment(experiment, tags=_texts(tags, TAG_LENGTH))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self._client.get_experiment_by_name(experiment)
        return None

    @property
    def _server(self) -> str:
        """The address of the web interface: the server itself, or where `mlflow ui` shows a database."""
        return self.uri if self.uri.startswith("http") else LOCAL_SERVER

    def _experiment_id(self, experiment: str) -> str:
        """Return the id of an experiment, "" where there is none."""
        if database.is_database(self.uri) and (experiment_id := database.read_experiment_id(self.uri, experiment)) is not None:
            return experiment_id
        known = self._client.get_experiment_by_name(experiment)
        return known.experiment_id if known and known.lifecycle_stage == "active" else ""

    @cached_property
    def _client(self) -> "MlflowClient":
        if self.uri.startswith("http"):
            self._server_version = _server_version(self.uri)
        elif database.is_database(self.uri) and not database.sqlite_path(self.uri):
            _quiet_mlflow()
            database.prepare(self.uri)
        client: MlflowClient = _quiet_mlflow().MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        return client

    def _batch(
        self,
        run_id: str,
        history: list[dict[str, float]],
        finals: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Write epochs, final metrics, tags and the params not yet written in one call."""
        from mlflow.entities import Metric, Param, RunTag

        run = self._running.get(run_id) or _Run(int(time.time() * 1000), "")
        metrics = []
        for row in history:
            run.step = int(row["epoch"])
            run.latest = run.start + int(1000 * row["seconds"])
            run.last = {key: value for key, value in row.items() if key not in ("epoch", "seconds")}
            metrics += [Metric(_key(k), v, run.latest, run.step) for k, v in run.last.items() if math.isfinite(v)]
        # MLflow shows the value of the highest step, and there the latest: finals must come after the last epoch
        now = max(int(time.time() * 1000), run.latest + 1)
        for key, value in (finals or {}).items():
            if math.isfinite(value) and run.last.get(key) != value:
                # the interface draws what was measured once, at step 0, as a bar, and anything later as a curve
                metrics.append(Metric(_key(key), value, now, run.step if key in run.last else 0))
        params = [Param(key, value) for key, value in run.params.items()]
        self._client.log_batch(
            run_id, metrics, params, [RunTag(key, value) for key, value in _texts(_with_own(tags or {}), TAG_LENGTH).items()]
        )
        run.params = {}

    def _store(self, run_id: str, artifacts: dict[str, bytes]) -> None:
        """Write artifacts: straight into the run's folder where it is on this machine, else through MLflow."""
        run = self._running.get(run_id)
        if run and (folder := _local_folder(run.artifacts)):
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in artifacts.items():
                (folder / name).write_bytes(content)
        elif artifacts:
            with tempfile.TemporaryDirectory(dir=scratch.folder()) as aside:
                for name, content in artifacts.items():
                    Path(aside, name).write_bytes(content)
                self._client.log_artifacts(run_id, aside)

    def _guard(self, done: str) -> AbstractContextManager[None]:
        return errors.guard(self.uri, done, self._server_version)


def _quiet_mlflow() -> ModuleType:
    """Import MLflow, and keep its chatter off our output: what it has to say reaches the user as a BenchError."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow

    for name in ("mlflow", "alembic"):  # somebody else may have imported it before
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return mlflow


def _server_version(uri: str) -> str:
    """Return the version of MLflow that a server runs, "" where it does not say. Raises OSError where nobody answers."""
    import requests

    answer = requests.get(f"{uri}/version", timeout=database.PATIENCE)
    return answer.text.strip() if answer.ok and re.fullmatch(r"\d[\w.+-]{0,30}", answer.text.strip()) else ""


def _stored(run: "Run") -> StoredRun:
    info = run.info
    start, end = rows.seconds(info.start_time), rows.seconds(info.end_time)
    return StoredRun(info.run_id, rows.status(info.status), run.data.tags, run.data.metrics, start or 0.0, end)


def _found(read: Callable[[], T]) -> T | None:
    """Return what `read` returns, None where MLflow says that there is no such thing."""
    from mlflow.exceptions import MlflowException

    try:
        return read()
    except MlflowException as error:
        if error.get_http_status_code() == 404:
            return None
        raise


def _epochs(client: "MlflowClient", run_id: str, metric: str) -> list[tuple[int, float]]:
    """Return one curve as `Tracker.histories` does."""
    points = _found(lambda: client.get_metric_history(run_id, metric)) or []
    by_step: dict[int, float] = {}
    for sample in sorted(points, key=lambda point: (point.step, point.timestamp)):
        if point := rows.point(sample.step, sample.value):
            by_step.setdefault(*point)
    return list(by_step.items())


def _check_artifacts(location: str) -> None:
    """Fail now, not after the first trial, where the folder of the artifacts cannot be written."""
    if folder := _local_folder(location):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"probe")


def _local_folder(uri: str) -> Path | None:
    """Return the folder on this machine that an artifact URI names; None where it names something else."""
    from mlflow.utils.file_utils import local_file_uri_to_path
    from mlflow.utils.uri import is_local_uri

    return Path(local_file_uri_to_path(uri)) if uri and is_local_uri(uri) else None


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(1000 * seconds)


def _key(name: str) -> str:
    """Return a name that MLflow takes as a key: letters, digits and `_-.: `, in parts that look like a relative path."""
    parts = re.sub(r"[^/\w.\-: ]", "_", str(name)).split("/")
    return "/".join("_" if part in ("", ".", "..") else part for part in parts)[:KEY_LENGTH].rstrip("/")


def _with_own(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags with those of MLflow's own that say the same, which its pages show in places of their own."""
    own_tags = {name: tags[ours] for ours, name in OWN_TAGS.items() if ours in tags}
    if "source" in tags:
        own_tags["mlflow.source.type"] = "LOCAL"
    if "message" in tags:
        own_tags["mlflow.note.content"] = f"**{tags.get('outcome', '')}**: {tags['message']}"
    return {**tags, **own_tags}


def _texts(values: Mapping[str, str], length: int) -> dict[str, str]:
    """Return keys that MLflow takes, with values that it takes of at most `length` characters."""
    return {_key(key): _text(value, length) for key, value in values.items()}


def _text(value: str, length: int) -> str:
    """Return a text without what a database refuses, cut to `length` characters."""
    clean = str(value).replace("\0", "").encode("utf-8", "replace").decode()
    return clean if len(clean) <= length else f"{clean[: length - 1]}…"
