"""The stores that rounds write to: a SQLite file, an MLflow server, or PostgreSQL, the latter two behind a proxy."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
import sqlalchemy as sa

from tests import servers

from .proxy import Proxy

KINDS = ("sqlite", "server", "postgres")
INITIALISE = (
    "import sys; from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore; SqlAlchemyStore(sys.argv[1], './mlruns')"
)


@dataclass(frozen=True)
class RawRun:
    """A run as the database has it, read past MLflow and past us."""

    run_id: str
    status: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Store:
    """The store of one round. uri: for the checks, past the proxy. database: what holds the runs, for SQLAlchemy. experiment: the
    suite's name. environment: makes a run use it. artifacts: the folder below which they lie. file: of SQLite."""

    kind: str
    uri: str
    database: str
    experiment: str
    artifacts: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    proxy: Proxy | None = None

    def close(self) -> None:
        if self.proxy:
            self.proxy.close()

    def runs(self) -> list[RawRun]:
        """Return the runs of the experiment that are not deleted."""
        engine = sa.create_engine(self.database)
        ours = "FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id WHERE e.name = :name"
        active = f"{ours} AND r.lifecycle_stage = 'active'"
        tagged = f"SELECT t.run_uuid, t.key, t.value FROM tags t WHERE t.run_uuid IN (SELECT r.run_uuid {active})"
        name = {"name": self.experiment}
        try:
            with engine.connect() as connection:
                if not sa.inspect(connection).has_table("experiments"):
                    return []
                tags: dict[str, dict[str, str]] = {}
                for run_id, key, value in connection.execute(sa.text(tagged), name):
                    tags.setdefault(run_id, {})[key] = value
                rows = connection.execute(sa.text(f"SELECT r.run_uuid, r.status {active} ORDER BY r.start_time"), name)
                return [RawRun(run_id, status, tags.get(run_id, {})) for run_id, status in rows]
        finally:
            engine.dispose()


class Stores:
    """Makes the stores of rounds. What takes long is made once, when it is first needed."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._open = ExitStack()
        self._postgres: servers.Server | None = None
        self._server: tuple[servers.Server, str] | None = None

    def close(self) -> None:
        self._open.close()

    def make(self, kind: str, work: Path, name: str, *, fresh: bool) -> Store:
        """Return a store for a round whose runs work in the folder `work`. name: of the round. fresh: MLflow has not yet made its
        tables there; of a server it always has. Raises `servers.NotHere`."""
        if kind == "sqlite":
            file = work / "mlflow.db"
            if not fresh:
                shutil.copy(self._template(), file)
            return Store(kind, f"sqlite:///{file}", f"sqlite:///{file}", "chaos", work / "mlruns", file=file)
        if kind == "server":
            server, database = self._mlflow()
            proxy = Proxy(_port(server.address))
            through = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{proxy.port}"}
            return Store(kind, server.address, database, name, self.folder / "server" / "artifacts", through, proxy=proxy)
        address = self._database(name, "" if fresh else self._template_database())
        proxy = Proxy(_port(address))
        through = {"MLFLOW_TRACKING_URI": address.replace(f":{_port(address)}/", f":{proxy.port}/")}
        return Store(kind, address, address, "chaos", work / "mlruns", through, proxy=proxy)

    def _template(self) -> Path:
        """Return a SQLite file in which MLflow has made its tables, which takes seconds."""
        file = self.folder / "template" / "mlflow.db"
        if not file.exists():
            file.parent.mkdir()
            _initialise(f"sqlite:///{file}", file.parent)
        return file

    def _cluster(self) -> str:
        if not self._postgres:
            folder = self.folder / "postgres"
            folder.mkdir()
            self._postgres = self._open.enter_context(servers.postgres(folder))
        return self._postgres.address

    def _database(self, name: str, template: str = "") -> str:
        """Create a database and return its address."""
        address = self._cluster()
        connection = psycopg2.connect(host="127.0.0.1", port=_port(address), user="postgres", dbname="postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if not cursor.fetchone():
                    cursor.execute(f"CREATE DATABASE {name}{f' TEMPLATE {template}' if template else ''}")
        finally:
            connection.close()
        return f"{address.rpartition('/')[0]}/{name}"

    def _template_database(self) -> str:
        if not (self.folder / "template.postgres").exists():
            (self.folder / "template.postgres").mkdir()
            _initialise(self._database("template_of_rounds"), self.folder / "template.postgres")
        return "template_of_rounds"

    def _mlflow(self) -> tuple[servers.Server, str]:
        if not self._server:
            (self.folder / "server").mkdir()
            try:
                database = self._database("behind_the_server")
            except servers.NotHere:
                database = f"sqlite:///{self.folder / 'server' / 'mlflow.db'}"
            server = self._open.enter_context(servers.mlflow_server(self.folder / "server", database))
            self._server = server, database
        return self._server


def _port(address: str) -> int:
    port = sa.make_url(address).port
    assert port, address
    return port


def _initialise(uri: str, folder: Path) -> None:
    subprocess.run([sys.executable, "-c", INITIALISE, uri], cwd=folder, check=True, capture_output=True)
