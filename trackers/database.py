"""MLflow's database, where it is reached directly rather than through a server.

MLflow's client builds every parameter, tag and metric of every run as an object: 31 s for 10,000 runs, against 1 s for the plain
queries here. It also creates or migrates the database when it only wants to read. So reading goes past it; writing never does.
"""

import glob
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, unquote

from filelock import FileLock

from bench.errors import BenchError
from bench.trackers import errors, patience, rows, schema
from bench.trackers.base import RunDetails, StoredRun

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")
Histories = dict[str, dict[str, list[tuple[int, float]]]]

PATIENCE = 5
"""Seconds to wait for a database server to take a connection, and for another process to let go of a SQLite file."""

RUNS = """SELECT run_uuid, status, start_time, end_time FROM runs
WHERE experiment_id = :experiment AND lifecycle_stage = 'active' ORDER BY start_time, run_uuid"""
TAGS = """SELECT t.run_uuid, t.key, t.value FROM tags t JOIN runs r ON r.run_uuid = t.run_uuid
WHERE r.experiment_id = :experiment AND r.lifecycle_stage = 'active'"""
METRICS = """SELECT m.run_uuid, m.key, m.value, m.is_nan FROM latest_metrics m JOIN runs r ON r.run_uuid = m.run_uuid
WHERE r.experiment_id = :experiment AND r.lifecycle_stage = 'active'"""
EPOCHS = """SELECT m.run_uuid, m.key, m.step, m.value, m.is_nan FROM metrics m
WHERE m.run_uuid IN :runs AND COALESCE(m.key, '') IN :metrics AND m.step > 0 ORDER BY m.run_uuid, m.key, m.step, m.timestamp"""
"""The epochs, in order. What was measured at the end stands at step 0 or, later in time, at the last epoch's step. COALESCE
(a key is never null) keeps SQLite from the index by key, in which it would go through the points of all runs."""
EXPERIMENT_TAGS = "SELECT t.key, t.value FROM experiment_tags t WHERE t.experiment_id = :experiment"
NAMES = "SELECT run_uuid, name FROM runs WHERE run_uuid IN :runs"
PARAMS = "SELECT run_uuid, key, value FROM params WHERE run_uuid IN :runs"
MOVE_EXPERIMENT = "UPDATE experiments SET artifact_location = :new WHERE experiment_id = :experiment"
MOVE_RUNS = """UPDATE runs SET artifact_uri = :new || SUBSTR(artifact_uri, :length)
WHERE experiment_id = :experiment AND SUBSTR(artifact_uri, 1, :length) = :old || '/'"""
RUN_PARTS, EXPERIMENT_PARTS = 3, 2
"""Names at the end of a path that tell the artifacts of a run (experiment, run, `artifacts`), and those of an experiment."""
CHUNK = 500
"""Runs asked for at once: databases take some thousands of parameters in a query."""


def is_database(uri: str) -> bool:
    """Whether the URI names a database itself (not a server in front of one)."""
    return uri.split(":", 1)[0].split("+", 1)[0] in ("sqlite", "postgresql", "mysql", "mssql")


def sqlite_path(uri: str) -> Path | None:
    """Return the file of a SQLite URI; None for another database, or one in memory."""
    path = uri.removeprefix("sqlite:///").split("?", 1)[0]
    return None if path == uri or path in ("", ":memory:") or path.startswith("file:") else Path(path)


def read_runs(uri: str, experiment: str) -> list[StoredRun] | None:
    """Return the runs of an experiment, oldest first; None where MLflow itself had better be asked.

    That is so when tables or columns are not as we know them, or when several workspaces have an experiment of this name.
    """

    def read(connection: "Connection") -> list[StoredRun] | None:
        import sqlalchemy as sa

        known = _experiments(connection, experiment)
        if len(known) != 1:
            return None if known else []
        chosen = {"experiment": known[0]}
        tags: dict[str, dict[str, str]] = defaultdict(dict)
        # fetchall: going through the rows one by one takes SQLAlchemy half as long again
        for run, key, value in connection.execute(sa.text(TAGS), chosen).fetchall():
            tags[run][key] = value if type(value) is str else rows.text(value)
        metrics: dict[str, dict[str, float]] = defaultdict(dict)
        for run, key, value, is_nan in connection.execute(sa.text(METRICS), chosen).fetchall():
            if not is_nan and (number := rows.number(value)) is not None:
                metrics[run][key] = number
        return [
            StoredRun(run, rows.status(said), tags[run], metrics[run], rows.seconds(start) or 0.0, rows.seconds(end))
            for run, said, start, end in connection.execute(sa.text(RUNS), chosen)
        ]

    nothing: list[StoredRun] = []
    return _read(uri, read, nothing)


def read_histories(uri: str, run_ids: Sequence[str], metrics: Sequence[str]) -> Histories | None:
    """Return the epochs of runs as `Tracker.histories` does; None where MLflow itself had better be asked."""

    def read(connection: "Connection") -> Histories:
        import sqlalchemy as sa

        query = sa.text(EPOCHS).bindparams(sa.bindparam("runs", expanding=True), sa.bindparam("metrics", expanding=True))
        result: Histories = {}
        for first in range(0, len(run_ids), CHUNK):
            chosen = {"runs": list(run_ids[first : first + CHUNK]), "metrics": list(metrics)}
            points: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
            for run, key, step, value, is_nan in connection.execute(query, chosen).fetchall():
                if not is_nan and (point := rows.point(step, value)):
                    points[run, key].setdefault(*point)
            for (run, key), by_step in points.items():
                result.setdefault(run, {})[key] = list(by_step.items())
        return result

    nothing: Histories = {}
    return _read(uri, read, nothing) if run_ids and metrics else nothing


def read_experiment_id(uri: str, experiment: str) -> str | None:
    """Return the id of an experiment, "" where there is none; None where MLflow itself had better be asked."""

    def read(connection: "Connection") -> str | None:
        ids = _experiments(connection, experiment)
        return None if len(ids) > 1 else str(ids[0]) if ids else ""

    return _read(uri, read, "")


def read_experiment_tags(uri: str, experiment: str) -> dict[str, str] | None:
    """Return the tags of an experiment, {} where there is none; None where MLflow itself had better be asked."""

    def read(connection: "Connection") -> dict[str, str] | None:
        import sqlalchemy as sa

        ids = _experiments(connection, experiment)
        if len(ids) != 1:
            return None if ids else {}
        stored = connection.execute(sa.text(EXPERIMENT_TAGS), {"experiment": ids[0]})
        return {rows.text(key): rows.text(value) for key, value in stored}

    nothing: dict[str, str] = {}
    return _read(uri, read, nothing)


def read_details(uri: str, run_ids: Sequence[str]) -> dict[str, RunDetails] | None:
    """Return names and params of runs as `Tracker.details` does; None where MLflow itself had better be asked."""

    def read(connection: "Connection") -> dict[str, RunDetails]:
        import sqlalchemy as sa

        names, params = (sa.text(query).bindparams(sa.bindparam("runs", expanding=True)) for query in (NAMES, PARAMS))
        result: dict[str, RunDetails] = {}
        for first in range(0, len(run_ids), CHUNK):
            chosen = {"runs": list(run_ids[first : first + CHUNK])}
            result |= {run: RunDetails(rows.text(name)) for run, name in connection.execute(names, chosen)}
            for run, key, value in connection.execute(params, chosen):
                if run in result:
                    result[run].params[key] = rows.text(value)
        return result

    nothing: dict[str, RunDetails] = {}
    return _read(uri, read, nothing) if run_ids else nothing


def read_artifact_folder(uri: str, run_id: str) -> Path | None:
    """Return the folder on this machine with a run's artifacts; None where they lie elsewhere, or MLflow had better be asked.
    Raises LookupError where the store knows no run, or no place of its artifacts.

    MLflow notes absolute paths. Of a SQLite file that was moved with its artifacts they are looked for beside it.
    """

    def read(connection: "Connection") -> Path | None:
        import sqlalchemy as sa

        location = connection.execute(sa.text("SELECT artifact_uri FROM runs WHERE run_uuid = :run"), {"run": run_id}).scalar()
        if not (place := rows.text(location)):
            raise LookupError(run_id)
        folder = _local(place)
        return beside_store(folder, uri, RUN_PARTS) if folder else None

    return _read(uri, read, None)


def beside_store(place: Path, uri: str, parts: int) -> Path:
    """Return a folder of artifacts as it is noted, or where it lies beside the SQLite file if it is not there: the longest end of
    its path that is found from the file's folder.

    parts: how many names that end has at least, so that no other folder is taken for it.
    """
    store = sqlite_path(uri)
    if store is None or place.exists():
        return place
    names = place.parts[1:]
    ends = (store.absolute().parent.joinpath(*names[first:]) for first in range(len(names) - parts + 1))
    return next((end for end in ends if end.exists()), place)


def follow_move(uri: str, experiment_id: str) -> None:
    """Note where the artifacts of an experiment lie by now, if its SQLite file was moved together with them: new runs store
    theirs there as well, and MLflow's pages find all of them. Whoever calls it holds the experiment."""
    import sqlalchemy as sa

    engine = connect(uri)
    try:
        with engine.begin() as connection:
            chosen = {"experiment": experiment_id}
            query = "SELECT artifact_location FROM experiments WHERE experiment_id = :experiment"
            noted = rows.text(connection.execute(sa.text(query), chosen).scalar())
            before = _local(noted)
            if before is None or before.exists() or before.parent.exists():
                return
            moved = beside_store(before.parent, uri, 1) / before.name
            if moved == before:
                return
            change = chosen | {"old": noted, "new": str(moved), "length": len(noted) + 1}
            connection.execute(sa.text(MOVE_EXPERIMENT), change)
            connection.execute(sa.text(MOVE_RUNS), change)
    finally:
        engine.dispose()


def _local(place: str) -> Path | None:
    """Return the folder on this machine that a place of artifacts names; None where it names something else."""
    if place.startswith("file:///"):
        return Path(unquote(place.removeprefix("file://")))
    return Path(place) if place.startswith("/") else None


def _read(uri: str, read: Callable[["Connection"], T | None], nothing: T) -> T | None:
    """Return what `read` makes of a connection; `nothing` where there is no store yet, None where it is not as we know it."""
    import sqlalchemy as sa

    if (path := sqlite_path(uri)) and not path.exists():
        return nothing
    engine = connect(uri)
    try:
        try:
            with engine.connect() as connection:
                return read(connection) if sa.inspect(connection).has_table("experiments") else nothing
        except sa.exc.OperationalError as error:
            if not errors.is_of_text(error):
                raise
        with engine.connect() as connection:  # slower: each text is decoded by us
            connection.connection.dbapi_connection.text_factory = rows.text  # type: ignore[union-attr]
            return read(connection)
    except sa.exc.DBAPIError as error:
        if errors.is_of_unknown_schema(error):
            return None
        raise
    finally:
        engine.dispose()


def _experiments(connection: "Connection", name: str) -> Sequence[int]:
    """Return the ids of the experiments of this name: one, but for workspaces."""
    import sqlalchemy as sa

    query = "SELECT experiment_id FROM experiments WHERE name = :name AND lifecycle_stage = 'active'"
    return connection.execute(sa.text(query), {"name": name}).scalars().all()


def connect(uri: str) -> "Engine":
    """Return an SQLAlchemy engine that gives up quickly and never creates a SQLite file."""
    import sqlalchemy as sa

    if path := sqlite_path(uri):
        # mode=rw, not ro: a reader must be able to roll back what a killed writer left half done
        url = sa.URL.create("sqlite", database=f"file:{quote(str(path))}", query={"mode": "rw", "uri": "true"})
        return sa.create_engine(url, connect_args={"timeout": PATIENCE})
    if uri.startswith("postgresql"):
        patience.have()
    timed = uri.startswith(("postgresql", "mysql"))
    return sa.create_engine(uri, connect_args={"connect_timeout": PATIENCE} if timed else {})


def prepare(uri: str) -> None:
    """Make sure that the database is there and can be written, before MLflow's own minutes of retries begin."""
    import sqlalchemy as sa

    path = sqlite_path(uri)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        pattern = f"{glob.escape(path.name)}.*.part*"
        if not path.exists() or any(path.parent.glob(pattern)):
            with FileLock(path.with_name(f"{path.name}.tables.lock")):
                for left in path.parent.glob(pattern):  # of a process that was killed
                    left.unlink(missing_ok=True)
                if not path.exists():
                    schema.create(path)
    if path and path.is_dir():
        raise BenchError("there is a folder where the tracking database should be", where=str(path), mend="move it away")
    engine = connect(uri)
    try:
        with engine.connect() as connection:
            if path:
                # a write that changes nothing, and still needs the file, its folder and the disk to be writable
                version = connection.execute(sa.text("PRAGMA user_version")).scalar()
                connection.execute(sa.text("BEGIN IMMEDIATE"))
                connection.execute(sa.text(f"PRAGMA user_version = {version}"))
                connection.rollback()
        schema.check(engine)
        if not path:
            schema.make_tables(engine, uri)
    finally:
        engine.dispose()
