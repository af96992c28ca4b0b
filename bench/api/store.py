"""The store of the runs: the one place where a tracker is chosen."""

from bench.trackers import Tracker, open_tracker


def store(tracker: Tracker | str | None = None) -> Tracker:
    """Return the store of the runs: a tracker as it is, else that of an MLflow tracking URI; None takes MLFLOW_TRACKING_URI, and
    else mlflow.db in the working folder. Raises BenchError for a URI that cannot be one."""
    return open_tracker(tracker) if tracker is None or isinstance(tracker, str) else tracker
