"""The first use of a store: by two machines at once, by another version of MLflow; and one that never answers."""

import os
import socket
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa

from bench.errors import BenchError, ErrorCode
from bench.trackers import open_tracker, patience

OPEN = """
import sys
from bench.trackers import open_tracker
tracker = open_tracker(sys.argv[1])
print("ready", flush=True)
input()
with tracker.hold("suite-" + sys.argv[2]) as hold:
    tracker.open("suite-" + sys.argv[2], {})
    tracker.finish(tracker.start("cell", {}, {}), status="FINISHED", tags={}, metrics={"a": 1.0}, history=[], artifacts={})
    print(hold.number)
"""


@pytest.fixture
def empty_database(postgres_uri) -> str:
    """A database of its own in the tests' PostgreSQL."""
    name = f"d{uuid.uuid4().hex}"
    with closing(psycopg2.connect(postgres_uri.replace("+psycopg2", ""))) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {name}")
    return postgres_uri.rpartition("/")[0] + f"/{name}"


def test_two_machines_may_be_the_first_at_once(empty_database, tmp_path):
    """MLflow has a lock against it in the folder for temporary files, which two machines do not share."""
    processes = []
    for number in range(2):
        (temporary := tmp_path / str(number)).mkdir()
        words = [sys.executable, "-c", OPEN, empty_database, str(number)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(words, cwd=temporary, env=os.environ | {"TMPDIR": str(temporary)}, **pipes)
        assert process.stdout.readline() == "ready\n"
        processes.append(process)
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for number, process in enumerate(processes):
        out, err = process.communicate(timeout=300)
        assert (process.returncode, out) == (0, "1\n"), err
        assert len(open_tracker(empty_database).runs(f"suite-{number}")) == 1


@pytest.fixture
def path(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "mlflow.db"


@pytest.fixture
def before(path) -> str:
    """The form of the tables before the newest one, which those in `path` have."""
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils
    from mlflow.store.tracking.dbmodels.initial_models import Base

    engine = sa.create_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    config = utils._get_alembic_config(str(engine.url))
    _, before, *_ = (script.revision for script in ScriptDirectory.from_config(config).walk_revisions())
    command.upgrade(config, before)
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (0, 'Default', 'active')")
        )
    engine.dispose()
    return before


def form(path: Path) -> str:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT version_num FROM alembic_version").fetchone()[0]


def test_a_store_of_an_older_mlflow_is_upgraded_only_when_that_is_asked_for(path, before):
    uri = f"sqlite:///{path}"
    with pytest.raises(BenchError, match="an older version of MLflow made its tables") as error:
        open_tracker(uri).open("suite", {})
    assert "--upgrade-store" in error.value.mend and form(path) == before
    told = open_tracker(uri).upgrade()
    (copy,) = path.parent.glob("mlflow.db.before-*")
    assert "was brought to the form" in told and str(copy) in told
    assert form(copy) == before != form(path)
    open_tracker(uri).open("suite", {})
    assert open_tracker(uri).upgrade() == "" and list(path.parent.glob("mlflow.db.before-*")) == [copy]


def test_a_store_of_a_newer_mlflow_is_left_as_it_is(path):
    uri = f"sqlite:///{path}"
    open_tracker(uri).open("suite", {})
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
        database.commit()
    for use in (lambda tracker: tracker.open("suite", {}), lambda tracker: tracker.upgrade()):
        with pytest.raises(BenchError, match="a newer version of MLflow made its tables") as error:
            use(open_tracker(uri))
        assert "pip install --upgrade mlflow" in error.value.mend
    assert not list(path.parent.glob("mlflow.db.before-*"))


def test_a_store_that_is_not_there_needs_no_upgrade(tmp_path):
    assert open_tracker(f"sqlite:///{tmp_path}/mlflow.db").upgrade() == ""
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_takes_a_connection_and_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(patience, "SILENCE", 0.5)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        uri = f"postgresql+psycopg2://postgres@127.0.0.1:{listening.getsockname()[1]}/postgres"
        for use in (lambda tracker: tracker.runs("suite"), lambda tracker: tracker.open("suite", {})):
            with pytest.raises(BenchError, match="timed out") as error:
                use(open_tracker(uri))
            assert error.value.code is ErrorCode.UNREACHABLE
