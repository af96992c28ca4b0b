"""Where trials are recorded: the tracker protocol, and MLflow behind it."""

import os
from pathlib import Path

from bench.errors import BenchError
from bench.trackers.base import RunDetails, Status, StoredRun, Tracker

__all__ = ["RunDetails", "Status", "StoredRun", "Tracker", "open_tracker"]


def open_tracker(uri: str | None = None) -> Tracker:
    """Return the tracker of an MLflow tracking URI. Nothing is read, written or contacted yet.

    uri: an MLflow server (http, https) or database (sqlite, postgresql, …). None takes MLFLOW_TRACKING_URI, and else MLflow's own
    default: mlflow.db in the working folder, artifacts in ./mlruns. A relative path is bound to the folder of now.
    """
    from bench.trackers.mlflow_tracker import MlflowTracker

    uri = uri or os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        _refuse_old_store(Path("mlruns"))
        uri = "sqlite:///mlflow.db"
    scheme = uri.split(":", 1)[0] if ":" in uri else ""
    if scheme in ("", "file"):
        raise BenchError(
            f"MLflow no longer writes to a plain folder such as {uri!r}",
            where="tracking URI",
            mend="use a database, for example MLFLOW_TRACKING_URI=sqlite:///mlflow.db, or a server's http address",
        )
    return MlflowTracker(_absolute(uri))


def _absolute(uri: str) -> str:
    start = "sqlite:///"
    path = uri.removeprefix(start)
    if path == uri or path.startswith(("/", ":memory:", "file:")) or not path:
        return uri
    bound = Path(path).absolute()
    if "?" in str(bound) or "%" in str(bound):
        raise BenchError(
            "a database URI cannot name a folder with '?' or '%' in its name",
            where=str(bound.parent),
            mend="work in another folder, or set MLFLOW_TRACKING_URI",
        )
    return f"{start}{bound}"


def _refuse_old_store(folder: Path) -> None:
    # MLflow prefers an old file store in ./mlruns to its database, and then refuses to write: `mlflow ui` would not show us
    if any(folder.glob("[0-9]*/meta.yaml")):
        raise BenchError(
            "this folder holds runs in MLflow's old file format, which MLflow no longer writes",
            where=str(folder),
            mend="move it away, convert it with `mlflow migrate-filestore`, or set MLFLOW_TRACKING_URI",
        )
