"""A saved view of an experiment in MLflow's web interface: finished runs that count, grouped by cell.

MLflow keeps saved views as experiment tags since 3.15. The form of the tag is not documented; it is what the interface
itself writes. An interface that does not know it shows its ordinary table.
"""

import json

KEY = "cells"
TAG = f"mlflow.sharedViewState.{KEY}"
COLUMNS = ("val/accuracy", "test/accuracy", "wall_clock")
FILTER = "attributes.status = 'FINISHED' AND tags.pilot IS NULL AND tags.superseded IS NULL"
"""What enters the averages: no last values of a diverged run, no pilot, and each trial once."""


def tag() -> str:
    """Return the value of the experiment tag `TAG`; the same for every experiment, so that it is written once."""
    state = {
        "orderByKey": "attributes.start_time",
        "orderByAsc": True,
        "searchFilter": FILTER,
        "groupBy": {"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": "cell"}]},
        "selectedColumns": [f"metrics.`{metric}`" for metric in COLUMNS],
        "runsHiddenMode": "SHOW_ALL",
    }
    return json.dumps({"name": "Cells", "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})


def url(server: str, experiment_id: str) -> str:
    """Return the address that opens the view; without `workflowType` MLflow takes the experiment for one of LLM traces."""
    return f"{server}/#/experiments/{experiment_id}/runs?workflowType=machine_learning&viewStateShareKey={KEY}"


def run_url(server: str, experiment_id: str, run_id: str) -> str:
    """Return the address of a run's page."""
    return f"{server}/#/experiments/{experiment_id}/runs/{run_id}"
