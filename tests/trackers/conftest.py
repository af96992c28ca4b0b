import os
import uuid
from pathlib import Path

import pytest

from trackers import open_tracker


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


@pytest.fixture(params=["sqlite", "environment"])
def uri(request, sqlite_uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if request.param == "sqlite":
        return sqlite_uri
    if not (given := os.environ.get("BENCH_TEST_TRACKING_URI")):
        pytest.skip("BENCH_TEST_TRACKING_URI names no tracking server")
    return given


@pytest.fixture
def tracker(uri):
    return open_tracker(uri)


@pytest.fixture
def experiment():
    return f"suite-{uuid.uuid4().hex}"
