import os
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from bench.trackers import StoredRun, Tracker, open_tracker

from .. import servers
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
    try:
        server = servers.postgres(tmp_path_factory.mktemp("postgres"))
    except servers.NotHere as error:
        pytest.skip(str(error))
    with server:
        yield server.address


@pytest.fixture(scope="session")
def server_uri(request, tmp_path_factory) -> Iterator[str]:
    """An MLflow server on PostgreSQL: the one that BENCH_TEST_TRACKING_URI names, else one made for the tests."""
    if given := os.environ.get("BENCH_TEST_TRACKING_URI"):
        yield given
        return
    with servers.mlflow_server(tmp_path_factory.mktemp("server"), request.getfixturevalue("postgres_uri")) as server:
        yield server.address


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
    return partial(
        open_tracker, f"sqlite:///{tmp_path / 'other'}" if kind == "sqlite" else f"http://127.0.0.1:{servers.free_port()}"
    )


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
