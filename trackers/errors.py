"""Errors of a store, as one line that says what failed and how to mend it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bench.errors import BenchError


@contextmanager
def guard(uri: str, done: str) -> Iterator[None]:
    """Turn every error of the store at `uri` into a BenchError that says whether it could not be `read` or `written`."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        if not _is_store_error(error):
            raise
        reason = _reason(error)
        store = _shown(uri)
        raise BenchError(f"tracking store {store} cannot be {done}: {reason}", mend=_mend(reason, store)) from error


def _is_store_error(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return isinstance(error, (MlflowException, SQLAlchemyError, OSError, ImportError))


def _reason(error: Exception) -> str:
    """Return one line: what the network or the database driver said, without the layers that wrapped it."""
    for cause in ("Connection refused", "Name or service not known", "Temporary failure in name resolution", "timed out"):
        if cause in str(error):
            return cause
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if driver := re.search(r"\(\w+(?:\.\w+)+\) (.+)", str(error)):
        return driver[1]
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _mend(reason: str, store: str) -> str:
    low = reason.lower()
    if any(word in low for word in ("full", "no space left", "disk i/o error", "quota")):
        return "free some disk space and run the same command again: what is finished is kept"
    if "out-of-date" in low:
        return f"back the database up, then: mlflow db upgrade {store}"
    if any(word in low for word in ("readonly", "read-only", "permission", "unable to open", "file exists", "not a directory")):
        return "choose a folder that you may write, or set MLFLOW_TRACKING_URI"
    if "not a database" in low:
        return "move the file away, or set MLFLOW_TRACKING_URI to another"
    if "no module named" in low:
        return "install the database's driver into this environment"
    return "check MLFLOW_TRACKING_URI, and that the server runs"


def _shown(uri: str) -> str:
    """Return the URI without its password."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", uri)
