import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg2
import pytest

from bench.trackers import StoredRun, Tracker, open_tracker

from .toy import Toy


@pytest.fixture(scope="session")
def sqlite_uri(tmp_path_factory):
    """A database that MLflow has made once (it takes seconds), shared by tests that use experiments of their own."""
    folder = tmp_path_factory.mktemp("store")
    here = Path.cwd()
    os.chdir(folder)
    try:
        uri = f"sqlite:///{folder / 'mlflow.db'}"
        open_tracker(uri).open("made-by-conftest", {})
    finally:
        os.chdir(here)
    return uri


@pytest.fixture(scope="session")
def postgres_uri(tmp_path_factory) -> Iterator[str]:
    """A PostgreSQL database of the tests' own."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    initdb = shutil.which("initdb") or next((str(path / "initdb") for path in programs), None)
    if not initdb or not Path(initdb).exists():
        pytest.skip("no PostgreSQL here")
    with _postgres(Path(initdb).parent, tmp_path_factory.mktemp("postgres")) as uri:
        yield uri


@pytest.fixture(scope="session")
def server_uri(request, tmp_path_factory) -> Iterator[str]:
    """An MLflow server on PostgreSQL: the one that BENCH_TEST_TRACKING_URI names, else one made for the tests."""
    if given := os.environ.get("BENCH_TEST_TRACKING_URI"):
        yield given
        return
    with _mlflow_server(tmp_path_factory.mktemp("server"), request.getfixturevalue("postgres_uri")) as uri:
        yield uri


class _Process:
    """A server that ends with the tests."""

    def __init__(self, command: list[str], address: str, log: Path):
        self.address = address
        with log.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        self.log = log

    def __enter__(self) -> str:
        return self.address

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(300)

    def wait_until(self, ready, seconds: float = 500) -> "_Process":
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                pytest.fail(f"the server did not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.3)
        return self


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _postgres(programs: Path, folder: Path) -> _Process:
    """Start PostgreSQL on a free port of this machine; as its own user where we are root, which it refuses to be."""
    as_user = []
    if os.geteuid() == 0:
        as_user = ["runuser", "-u", "postgres", "--"]
        for path in (folder, *folder.parents[:3]):
            path.chmod(path.stat().st_mode | 0o711)
        shutil.chown(folder, "postgres")
    data, port = folder / "data", _free_port()
    init = [*as_user, str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "-E", "UTF8"]
    subprocess.run(init, check=True, capture_output=True, cwd=folder)
    serve = [*as_user, str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", str(folder), "-h", "127.0.0.1"]
    made = _Process(serve, f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres", folder.parent / "postgres.log")

    def answers() -> bool:
        try:
            psycopg2.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    return made.wait_until(answers)


def _mlflow_server(folder: Path, database: str) -> _Process:
    port = _free_port()
    uri = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", database, "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "artifacts"), "--host", "127.0.0.1", "--port", str(port)]

    def healthy() -> bool:
        try:
            return urllib.request.urlopen(f"{uri}/health", timeout=10).status == 200
        except OSError:
            return False

    return _Process(command, uri, folder / "mlflow.log").wait_until(healthy)


@pytest.fixture(params=["sqlite", "server", "toy"])
def kind(request) -> str:
    """Which tracker. A file of tests that are about some of them alone has a fixture of this name of its own."""
    return request.param


@pytest.fixture
def store(kind, request, tmp_path, monkeypatch) -> Callable[[], Tracker]:
    """Opens a tracker, anew each time, on one and the same store."""
    monkeypatch.chdir(tmp_path)
    if kind == "toy":
        return partial(Toy, tmp_path / "toy")
    return partial(open_tracker, request.getfixturevalue(f"{kind}_uri"))


@pytest.fixture
def broken(kind, tmp_path, monkeypatch) -> Callable[[], Tracker]:
    """Opens a tracker on what is no store: another file, or an address where nobody listens."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").write_text("something else entirely, and long enough to be looked at as a database\n" * 20)
    if kind == "toy":
        return partial(Toy, tmp_path / "other")
    return partial(open_tracker, f"sqlite:///{tmp_path / 'other'}" if kind == "sqlite" else f"http://127.0.0.1:{_free_port()}")


@pytest.fixture
def tracker(store) -> Tracker:
    return store()


@pytest.fixture
def experiment() -> str:
    return f"suite-{uuid.uuid4().hex}"


@pytest.fixture
def finish(tracker):
    """Ends a run: as FINISHED and with nothing to store, but for what is given."""

    def finish(run_id: str, **given) -> None:
        tracker.finish(run_id, **{"status": "FINISHED", "tags": {}, "metrics": {}, "history": [], "artifacts": {}} | given)

    return finish


@pytest.fixture
def only(store, experiment):
    """Returns the one run of the experiment, as another tracker on the same store finds it."""

    def only() -> StoredRun:
        (run,) = store().runs(experiment)
        return run

    return only
