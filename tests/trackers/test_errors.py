"""What a store's error comes to is decided by its codes, not by its words, which may be in any language and name any file."""

import errno
import sqlite3
import sys
from importlib import metadata

import pytest
import requests
import sqlalchemy as sa
from mlflow.exceptions import MlflowException
from mlflow.protos import databricks_pb2 as codes

from bench.errors import BenchError, ErrorCode
from bench.trackers import database, open_tracker
from bench.trackers.errors import OtherForm, guard

DISK, FOLDER, FILE, ACCOUNT, DRIVER, SERVER, UPGRADE = (
    "free some disk space",
    "choose a folder that you may write",
    "move the file away",
    "log in with an account that may use it",
    "install the database's driver",
    "check MLFLOW_TRACKING_URI, and that the server runs",
    "whoever keeps the server upgrades its database",
)
MISLEADING = "/full/read-only/no space left/not a database/out-of-date/no module named x"


def refusal(raising) -> BenchError:
    with pytest.raises(BenchError) as error, guard("sqlite:///store.db", "written"):
        raising()
    assert error.value.message.startswith("tracking store sqlite:///store.db cannot be written: ")
    return error.value


def raising(error: Exception, cause: Exception | None = None):
    def throw():
        raise error from cause

    return throw


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.ENOSPC, DISK),
        (errno.EDQUOT, DISK),
        (errno.EFBIG, DISK),
        (errno.EACCES, FOLDER),
        (errno.EPERM, FOLDER),
        (errno.EROFS, FOLDER),
        (errno.EEXIST, FOLDER),
        (errno.ENOTDIR, FOLDER),
        (errno.ECONNREFUSED, SERVER),
        (errno.EIO, SERVER),
    ],
)
def test_an_error_of_the_system_is_known_by_its_number(number, mend):
    error = refusal(raising(OSError(number, "Das geht nicht", MISLEADING)))
    assert error.message.endswith(f": Das geht nicht: {MISLEADING}")
    assert error.mend.startswith(mend)
    wrapped = refusal(raising(MlflowException("Das geht nicht"), OSError(number, "Das geht nicht")))
    assert wrapped.message.endswith(": Das geht nicht") and wrapped.mend.startswith(mend)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "full.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE a (b)")
    made.close()
    return path


def _execute(file, statements, mode="rw"):
    def execute():
        engine = sa.create_engine(sa.URL.create("sqlite", database=f"file:{file}", query={"mode": mode, "uri": "true"}))
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    return execute


def test_an_error_of_sqlite_is_known_by_its_code(file):
    write = ["INSERT INTO a VALUES (zeroblob(1000000))"]
    full, readonly = _execute(file, ["PRAGMA max_page_count = 2", *write]), _execute(file, write, mode="ro")
    missing, other = _execute(file.with_name("none.db"), write), _execute(__file__, write)
    for failing, reason, mend in (
        (full, "database or disk is full", DISK),
        (readonly, "attempt to write a readonly database", FOLDER),
        (missing, "unable to open database file", FOLDER),
        (other, "file is not a database", FILE),
        (_execute(file, ["SELECT 'full' FROM none"]), "no such table: none", SERVER),
    ):
        error = refusal(failing)
        assert error.message.endswith(f": {reason}") and error.mend.startswith(mend)
        with pytest.raises(sa.exc.SQLAlchemyError) as caught:
            failing()
        again = refusal(raising(MlflowException(caught.value, codes.BAD_REQUEST), caught.value))
        assert (again.message, again.mend) == (error.message, error.mend), "MLflow wraps it"


@pytest.mark.parametrize(
    ("state", "mend"),
    [("53100", DISK), ("42501", ACCOUNT), ("25006", ACCOUNT), ("28P01", ACCOUNT), ("40001", SERVER), ("57P03", SERVER)],
)
def test_an_error_of_postgresql_is_known_by_its_state(postgres_uri, state, mend):
    def failing():
        with sa.create_engine(postgres_uri).connect() as connection:
            text = f"DO $$ BEGIN RAISE EXCEPTION 'geht nicht: full, read-only' USING ERRCODE = '{state}'; END $$"
            connection.execute(sa.text(text))

    error = refusal(failing)
    assert error.message.endswith(": geht nicht: full, read-only") and error.mend.startswith(mend)


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (codes.PERMISSION_DENIED, ACCOUNT),
        (codes.UNAUTHENTICATED, ACCOUNT),
        (codes.CUSTOMER_UNAUTHORIZED, ACCOUNT),
        (codes.TEMPORARILY_UNAVAILABLE, SERVER),
        (codes.INTERNAL_ERROR, SERVER),
    ],
)
def test_an_error_of_mlflow_is_known_by_its_code(code, mend):
    assert refusal(raising(MlflowException("geht nicht", code))).mend.startswith(mend)


@pytest.mark.parametrize(
    ("text", "reason", "mend"),
    [
        ("Detected out-of-date database schema (found version a, but expected b).", None, UPGRADE),
        ("(psycopg2.errors.DiskFull) could not extend file: No space left on device\n[SQL: …]", None, DISK),
        ("(sqlite3.OperationalError) database or disk is full\n[SQL: …]", "database or disk is full", DISK),
        ("(sqlite3.OperationalError) database is locked\n[SQL: full]", "database is locked", "another program writes to it"),
        ("two\nlines", "two", SERVER),
        ("", "MlflowException", SERVER),
    ],
)
def test_what_a_server_tells_in_words_alone_is_read(text, reason, mend):
    error = refusal(raising(MlflowException(text)))
    assert error.mend.startswith(mend)
    assert reason is None or error.message.endswith(f": {reason}")


def test_a_driver_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg2", None)
    with pytest.raises(BenchError) as error:
        open_tracker("postgresql+psycopg2://me:secret@127.0.0.1/db").runs("suite")
    assert error.value.mend.startswith(DRIVER) and "secret" not in str(error.value)


def test_a_host_that_nobody_knows_and_one_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.5)
    for uri in ("http://no-such-host.invalid", "http://192.0.2.1:5000"):  # names and addresses that are reserved for this
        with pytest.raises(BenchError) as error:
            open_tracker(uri).runs("suite")
        assert error.value.mend.startswith(SERVER)
        assert "HTTPConnectionPool" not in error.value.message


def test_an_error_that_is_not_the_stores_goes_by():
    for mine in (KeyError("full"), BenchError("mine", mend="that")):
        with pytest.raises(type(mine)) as error, guard("sqlite:///store.db", "read"):
            raise mine
        assert error.value is mine


READING = {
    "runs": lambda uri: database.read_runs(uri, "no such"),
    "histories": lambda uri: database.read_histories(uri, ["0"], ["no such"]),
    "artifacts": lambda uri: database.read_artifact_folder(uri, "no such"),
}
OTHER_SCHEMA = (
    "CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT)",
    "INSERT INTO experiments VALUES (1, 'no such', 'active')",
    "CREATE TABLE runs (other INTEGER)",
)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("reading", READING)
def test_tables_that_are_not_as_we_know_them_are_left_to_mlflow(kind, reading, tmp_path, request):
    if kind == "sqlite":
        uri = f"sqlite:///{tmp_path}/other.db"
        (tmp_path / "other.db").touch()
    else:
        whole = request.getfixturevalue("postgres_uri")
        uri = whole.rpartition("/")[0] + f"/other_{reading}"
        with sa.create_engine(whole, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE other_{reading}"))
    engine = database.connect(uri)
    with engine.begin() as connection:
        for statement in OTHER_SCHEMA:
            connection.execute(sa.text(statement))
    engine.dispose()
    assert READING[reading](uri) is None


@pytest.mark.parametrize("reading", READING)
def test_a_database_that_is_locked_is_not_left_to_mlflow(reading, tmp_path, monkeypatch):
    """Whatever the experiment or the metric is called: an error's text holds the query and its values."""
    monkeypatch.setattr(database, "PATIENCE", 0.1)
    with sqlite3.connect(tmp_path / "locked.db") as other:
        for statement in OTHER_SCHEMA:
            other.execute(statement)
        other.commit()
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sa.exc.OperationalError, match="locked"):
            READING[reading](f"sqlite:///{tmp_path}/locked.db")
    other.close()


def test_a_server_of_another_version_is_named_where_something_fails():
    ours = metadata.version("mlflow")
    for theirs, told in (("1.2.3", f" (the server runs MLflow 1.2.3, this is MLflow {ours})"), (ours, ""), ("", "")):
        with pytest.raises(BenchError) as error, guard("http://server", "written", theirs):
            raise MlflowException("API request failed with exception")
        assert error.value.message == f"tracking store http://server cannot be written: API request failed with exception{told}"


def test_a_server_says_which_version_it_runs(server_uri):
    tracker = open_tracker(server_uri)
    tracker.runs("unknown")
    assert tracker._server_version == metadata.version("mlflow")


def test_what_may_pass_by_itself_is_told_apart():
    for error in (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), requests.ReadTimeout("late")):
        assert refusal(raising(error)).code is ErrorCode.UNREACHABLE
    for error in (OSError(errno.ENOSPC, "full"), PermissionError(errno.EACCES, "no"), OtherForm(older=True)):
        assert refusal(raising(error)).code is None
