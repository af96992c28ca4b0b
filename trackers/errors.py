"""Errors of a store, as one line that says what failed and how to mend it.

What to do is decided by the code that an error carries, of whatever layer it began in: the system's errno, SQLite's error code,
SQL's SQLSTATE, MLflow's error code. Words are read only of errors that carry nothing else.
"""

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from importlib.metadata import version

from bench.errors import BenchError, ErrorCode


class Mend(Enum):
    """What the user can do about it."""

    SPACE = "free some disk space and run the same command again: what is finished is kept"
    FOLDER = "choose a folder that you may write, or set MLFLOW_TRACKING_URI"
    ACCOUNT = (
        "log in with an account that may use it, named in MLFLOW_TRACKING_URI (of a database) "
        "or in MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD (of a server)"
    )
    OTHER_FILE = "move the file away, or set MLFLOW_TRACKING_URI to another"
    UPGRADE = "add --upgrade-store to bring it to the form of this version, after a copy where it is a file"
    SERVER = "whoever keeps the server upgrades its database: mlflow db upgrade"
    NEWER = "upgrade MLflow here: pip install --upgrade mlflow"
    LOCKED = "another program writes to it; see which one does not end"
    DRIVER = "install the database's driver into this environment"
    ADDRESS = "check MLFLOW_TRACKING_URI, and that the server runs"


TRANSIENT = (Mend.ADDRESS, Mend.LOCKED)
"""What may pass without anyone doing anything."""

OF_ERRNO = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), Mend.SPACE),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR), Mend.FOLDER),
}
OF_SQLITE = {
    **dict.fromkeys((sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR), Mend.SPACE),  # a quota, or a limit of files, is an I/O error
    **dict.fromkeys((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM), Mend.FOLDER),
    sqlite3.SQLITE_NOTADB: Mend.OTHER_FILE,
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), Mend.LOCKED),
}
OF_SQLSTATE = {
    "53100": Mend.SPACE,  # disk full
    **dict.fromkeys(("42501", "25006", "28000", "28P01"), Mend.ACCOUNT),  # no privilege, read-only, two ways to be refused
}
OF_MLFLOW = dict.fromkeys(("PERMISSION_DENIED", "UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"), Mend.ACCOUNT)
OF_WORDS = {
    "out-of-date database schema": Mend.SERVER,  # of MLflow, whose code for it is that of any error
    "database is locked": Mend.LOCKED,
    # a server hands its database's error on as text
    "database or disk is full": Mend.SPACE,
    "disk I/O error": Mend.SPACE,
    "No space left on device": Mend.SPACE,
    "Disk quota exceeded": Mend.SPACE,
    # PostgreSQL's drivers give no SQLSTATE of a connection that was refused
    "password authentication failed": Mend.ACCOUNT,
}
UNKNOWN_NAMES = ("42P01", "42703")
"""SQLSTATE of a table, and of a column, that there is not."""


class OtherForm(Exception):
    """Another version of MLflow made the tables of a database."""

    def __init__(self, older: bool):
        super().__init__(f"{'an older' if older else 'a newer'} version of MLflow made its tables")
        self.mend = Mend.UPGRADE if older else Mend.NEWER


@contextmanager
def guard(uri: str, done: str, server_version: str = "") -> Iterator[None]:
    """Turn every error of the store at `uri` into a BenchError that says whether it could not be `read` or `written`.

    server_version: of MLflow, on the server, where it is known: another than ours may be why.
    """
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        if not _is_store_error(error):
            raise
        mend = _mend(error)
        code = ErrorCode.UNREACHABLE if mend in TRANSIENT else None
        text = f"tracking store {shown(uri)} cannot be {done}: {_reason(error)}"
        if server_version and server_version != (ours := version("mlflow")):
            text += f" (the server runs MLflow {server_version}, this is MLflow {ours})"
        raise BenchError(text, mend=mend.value, code=code) from error


def is_of_unknown_schema(error: Exception) -> bool:
    """Whether SQLAlchemy's error says that tables or columns are not as the query takes them to be."""
    from sqlalchemy.exc import ProgrammingError

    if (state := _sqlstate(error)) is not None:
        return state in UNKNOWN_NAMES
    if (code := _sqlite_code(error)) is not None:
        return code == sqlite3.SQLITE_ERROR  # of SQL itself; the queries are ours, so it is the tables
    return isinstance(error, ProgrammingError)


def is_of_text(error: Exception) -> bool:
    """Whether SQLite's error says that a text in its file is none; it has no code for that."""
    return "decode to UTF-8" in str(error)


def _is_store_error(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, (MlflowException, SQLAlchemyError, OSError, ImportError, OtherForm))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what led to it, as a traceback shows them, the last one first."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _mend(error: Exception) -> Mend:
    if isinstance(error, ImportError):
        return Mend.DRIVER
    if isinstance(error, OtherForm):
        return error.mend
    for layer in _chain(error):
        if mend := _by_code(layer):
            return mend
    text = str(error)
    return next((mend for words, mend in OF_WORDS.items() if words in text), Mend.ADDRESS)


def _by_code(error: BaseException) -> Mend | None:
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    if isinstance(error, RequestException):
        return Mend.ADDRESS  # what led to it is of the network, and of no folder
    if isinstance(error, OSError):
        return OF_ERRNO.get(error.errno or 0)
    if isinstance(error, MlflowException):
        return OF_MLFLOW.get(error.error_code)
    if (code := _sqlite_code(error)) is not None:
        return OF_SQLITE.get(code)
    return OF_SQLSTATE.get(_sqlstate(error) or "")


def _sqlite_code(error: BaseException) -> int | None:
    """Return the primary code of an SQLAlchemy error that began in SQLite, else None."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # above are the details


def _sqlstate(error: BaseException) -> str | None:
    """Return the SQLSTATE of an SQLAlchemy error, None where its driver gives none."""
    driver = getattr(error, "orig", None)
    return getattr(driver, "pgcode", None) or getattr(driver, "sqlstate", None)


def _reason(error: Exception) -> str:
    """Return one line: what the network or the database driver said, without the layers that wrapped it."""
    from requests import Timeout

    for layer in _chain(error):
        if isinstance(layer, OSError) and layer.strerror:
            return f"{layer.strerror}: {layer.filename}" if layer.filename else layer.strerror
        if isinstance(layer, (Timeout, TimeoutError)):
            return "timed out"
    # a database's driver tells in a sentence what the network said
    for cause in ("Connection refused", "Name or service not known", "Temporary failure in name resolution", "timed out"):
        if cause in str(error):
            return cause
    if driver := re.search(r"\(\w+(?:\.\w+)+\) (.+)", str(error)):
        return driver[1]
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def shown(uri: str) -> str:
    """Return the URI without its password."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", uri)
