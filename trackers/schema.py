"""MLflow's tables in a database: made where there are none, and brought to the form of the version that is installed."""

import os
import sqlite3
import time
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bench.trackers import errors

if TYPE_CHECKING:
    from sqlalchemy import Engine

TRIES, PAUSE = 10, 2.0
"""How often, and after how many seconds again, tables are made that another machine may be making at this moment."""


def create(path: Path) -> None:
    """Build MLflow's tables in a file beside `path` and put it in place whole.

    They take MLflow some seconds and several commits; a process killed in between would leave a database that MLflow can
    neither read nor mend, and two processes that begin together would get in each other's way.
    """
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.part")  # a name MLflow does not hold a connection to
    try:
        part.touch()  # where this fails, MLflow would try for minutes
        SqlAlchemyStore(f"sqlite:///{part}", "./mlruns").engine.dispose()
        try:
            os.link(part, path)  # unlike a rename, this fails where another process was first
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            part.rename(path)
    finally:
        for left in (part, part.with_name(f"{part.name}-journal")):
            left.unlink(missing_ok=True)


def make_tables(engine: "Engine", uri: str) -> None:
    """Make MLflow's tables in a database on a server, where they are not there. Of two machines that begin at once, one fails in
    the middle, in one of many ways, and finds them whole a little later."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from sqlalchemy.exc import SQLAlchemyError

    for left in reversed(range(TRIES)):
        try:
            SqlAlchemyStore(uri, "./mlruns").engine.dispose()
            return
        except (MlflowException, SQLAlchemyError):
            if not left or not _is_being_made(engine):
                raise
            time.sleep(PAUSE)


def _is_being_made(engine: "Engine") -> bool:
    """Whether a database has no experiment yet: MLflow writes the first one when all its tables are there."""
    import sqlalchemy as sa

    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("experiments"):
            return True
        return not connection.execute(sa.text("SELECT 1 FROM experiments LIMIT 1")).first()


def check(engine: "Engine") -> None:
    """Raises BenchError where another version of MLflow made the tables. MLflow brings some of an older form to its own without
    being asked, and others not."""
    current, newest, is_older = _forms(engine)
    if current not in ("", newest) and not _is_being_made(engine):
        raise errors.OtherForm(is_older)


def upgrade(engine: "Engine", uri: str, file: Path | None) -> str:
    """Bring a database to the form of the installed MLflow, after a copy of it if it is a file; return what was done, or "".

    Raises what MLflow and the database raise.
    """
    from mlflow.db import upgrade as command

    current, newest, is_older = _forms(engine)
    if current in ("", newest):
        return ""
    if not is_older:
        raise errors.OtherForm(is_older)
    copied = f"; a copy of it as it was is {_copy(file)}" if file else ""
    assert command.callback, "it is a command of click's"
    command.callback(uri)
    return f"the store was brought to the form of the installed MLflow{copied}"


def _forms(engine: "Engine") -> tuple[str, str, bool]:
    """Return the revision of MLflow's tables in a database, "" where there are none; the newest that is known here; and whether
    the first is known, and so an older one."""
    import sqlalchemy as sa
    from alembic.script import ScriptDirectory
    from mlflow.store import db_migrations

    with engine.connect() as connection:
        there = sa.inspect(connection).has_table("alembic_version")
        current = str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or "") if there else ""
    known = ScriptDirectory(db_migrations.__path__[0])
    newest = known.get_current_head() or ""
    return current, newest, current in {script.revision for script in known.walk_revisions()}


def _copy(file: Path) -> Path:
    copy = file.with_name(f"{file.name}.before-{time.strftime('%Y%m%d-%H%M%S')}")
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy
