"""What is MLflow's own behind the tracker: its tags, limits, curves and pages, on SQLite and on a server."""

import ast
import re
from pathlib import Path

import pytest
from mlflow import MlflowClient

import bench
from bench import reports, trackers
from bench.errors import BenchError
from bench.trackers import open_tracker, record, view
from bench.trackers.record import Outcome, TrialEnd

HISTORY = [
    {"epoch": 1, "seconds": 1.5, "train/loss": 2.0, "val/accuracy": 0.3},
    {"epoch": 2, "seconds": 3.0, "train/loss": 1.5, "val/accuracy": 0.5},
    {"epoch": 3, "seconds": 4.5, "train/loss": 1.2, "val/accuracy": 0.4},
]


PACKAGE = Path(bench.__file__).parent
MLFLOWS = {"mlflow_tracker.py", "view.py"}
"""The modules of `trackers/` that know MLflow's own tags."""
TAG = re.compile(r"mlflow\.(?!db\b)\w")


@pytest.fixture(params=["sqlite", "server"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def client(tracker):
    return MlflowClient(tracking_uri=tracker.uri)


def test_reading_creates_no_experiment(tracker, experiment, client):
    assert tracker.runs(experiment) == []
    assert client.get_experiment_by_name(experiment) is None


def test_a_run_has_its_name_and_parameters(tracker, experiment, finish, client):
    tracker.open(experiment, {"title": "A title"})
    run_id = tracker.start("cell 0", {"seed": "0"}, {"train.epochs": "3"})
    finish(run_id)
    stored = client.get_run(run_id)
    assert (stored.info.run_name, stored.data.params) == ("cell 0", {"train.epochs": "3"})


def test_history_becomes_curves_and_finals_stand_after_the_last_epoch(tracker, experiment, finish, only, client):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    tracker.log(run_id, HISTORY[:1])
    tracker.log(run_id, HISTORY[1:2])
    finish(run_id, history=HISTORY[2:], metrics={"val/accuracy": 0.5, "train/loss": 1.2, "wall_clock": 4.5})
    accuracy = client.get_metric_history(run_id, "val/accuracy")
    assert [(point.step, point.value) for point in accuracy] == [(1, 0.3), (2, 0.5), (3, 0.4), (3, 0.5)]
    assert [(point.timestamp - round(only().start * 1000)) for point in accuracy[:3]] == [1500, 3000, 4500]
    assert len(client.get_metric_history(run_id, "train/loss")) == 3  # the final equals the last epoch: no second point


def test_what_is_over_mlflows_limits_is_split_or_cut(tracker, experiment, finish, only, client):
    tracker.open(experiment, {"description": "é" * 9000})
    params = {f"param {n}": "x" * 10_000 if n == 0 else str(n) for n in range(150)}
    run_id = tracker.start("n" * 300, {f"start {n}": "1" for n in range(120)}, params)
    history = [{"epoch": n + 1, "seconds": n, "val/loss": float(n), "val/accuracy": n / 3000} for n in range(1500)]
    finals = {f"test/class_accuracy/{n}": n / 1200 for n in range(1200)}
    tags = {f"end {n}": "1" for n in range(120)} | {"message": "y" * 20_000}
    finish(run_id, history=history, metrics=finals, tags=tags)

    run = only()
    assert run.metrics == finals | {"val/loss": 1499.0, "val/accuracy": 1499 / 3000}
    assert run.tags["message"] == "y" * 7999 + "…"
    assert {f"start {n}" for n in range(120)} | {f"end {n}" for n in range(120)} <= set(run.tags)
    stored = client.get_run(run_id)
    assert stored.info.run_name == "n" * 249 + "…"
    assert stored.data.params == params | {"param 0": "x" * 5999 + "…"}
    assert client.get_experiment_by_name(experiment).tags["description"] == "é" * 7999 + "…"


def test_odd_names_and_values_are_made_into_what_mlflow_takes(tracker, experiment, finish, only, client):
    tracker.open(experiment, {})
    tags = {"axis.größe": "¼ – 雪", "a//b/../c": "1", "100 %": "2", "nul": "a\0b", "surrogate": "a\ud800b", "k" * 300: "3"}
    run_id = tracker.start("naïve ☃\0\ud800", tags, {"model.args.p*q": "[1, 2]"})
    finish(run_id, metrics={"test/class_accuracy/..": 0.5, "val/class_accuracy/a*b": 0.25})
    run = only()
    expected = {"axis.größe": "¼ – 雪", "a/_/b/_/c": "1", "100 _": "2", "nul": "ab", "surrogate": "a?b", "k" * 250: "3"}
    assert expected.items() <= run.tags.items()
    assert run.metrics == {"test/class_accuracy/_": 0.5, "val/class_accuracy/a_b": 0.25}
    stored = client.get_run(run_id)
    assert (stored.info.run_name, stored.data.params) == ("naïve ☃?", {"model.args.p_q": "[1, 2]"})


def test_opening_again_renews_the_tags_of_the_experiment(tracker, experiment, client):
    tracker.open(experiment, {"title": "old", "kept": "1"})
    tracker.open(experiment, {"title": "new"})
    tags = client.get_experiment_by_name(experiment).tags
    assert (tags["title"], tags["kept"]) == ("new", "1")


def test_a_deleted_experiment_has_no_runs_and_is_not_restored_in_silence(tracker, experiment, finish, client):
    tracker.open(experiment, {})
    finish(tracker.start("cell", {}, {}))
    number = client.get_experiment_by_name(experiment).experiment_id
    client.delete_experiment(number)
    assert tracker.runs(experiment) == []
    with pytest.raises(BenchError, match="was deleted in MLflow") as error:
        tracker.open(experiment, {})
    assert f"mlflow experiments restore --experiment-id {number}" in error.value.mend
    assert client.get_experiment(number).lifecycle_stage == "deleted"


def test_deleted_runs_are_gone(tracker, experiment, client):
    tracker.open(experiment, {})
    kept, deleted = tracker.start("kept", {}, {}), tracker.start("deleted", {}, {})
    client.delete_run(deleted)
    assert [run.run_id for run in tracker.runs(experiment)] == [kept]


def test_a_run_that_something_else_has_scheduled_counts_as_running(store, tracker, experiment, only, client, monkeypatch):
    from bench.trackers import database

    tracker.open(experiment, {})
    client.update_run(tracker.start("cell", {}, {}), "SCHEDULED")
    assert (only().status, record.outcome(only())) == ("RUNNING", Outcome.RUNNING)
    monkeypatch.setattr(database, "read_runs", lambda uri, experiment: None)
    assert only().status == "RUNNING"


def test_the_quick_reader_agrees_with_mlflows_own_search(store, tracker, experiment, finish, monkeypatch):
    from bench.trackers import database

    tracker.open(experiment, {})
    for seed in range(3):
        run_id = tracker.start(f"cell {seed}", {"seed": str(seed)}, {"a": "b"})
        if seed:
            finish(run_id, metrics={"val/accuracy": seed / 10}, history=HISTORY, tags={"outcome": "finished"})
    quick = tracker.runs(experiment)
    monkeypatch.setattr(database, "read_runs", lambda uri, experiment: None)
    monkeypatch.setattr("bench.trackers.mlflow_tracker.PAGE", 2)
    assert len(quick) == 3
    assert store().runs(experiment) == quick


def test_the_quick_histories_agree_with_mlflows_own(store, tracker, experiment, finish, monkeypatch):
    from bench.trackers import database

    tracker.open(experiment, {})
    run_ids = [tracker.start(f"cell {n}", {}, {}) for n in range(5)]
    for n, run_id in enumerate(run_ids):
        history = [{"epoch": e, "seconds": e, "val/accuracy": e / (n + 7), "val/loss": 1 / e} for e in range(1, 13)]
        finish(run_id, history=history[: 8 + n], metrics={"val/accuracy": 0.9})
    monkeypatch.setattr(database, "CHUNK", 2)
    quick = tracker.histories(run_ids, ["val/accuracy", "val/loss"])
    monkeypatch.setattr(database, "read_histories", lambda uri, run_ids, metrics: None)
    assert [len(quick[run_id]["val/loss"]) for run_id in run_ids] == [8, 9, 10, 11, 12]
    assert store().histories(run_ids, ["val/accuracy", "val/loss"]) == quick


def test_the_pages_of_an_experiment_and_its_runs_are_on_the_server_or_where_mlflow_ui_listens(tracker, experiment, client):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    server = tracker.uri if tracker.uri.startswith("http") else "http://127.0.0.1:5000"
    number = client.get_experiment_by_name(experiment).experiment_id
    reader = open_tracker(tracker.uri)
    assert reader.experiment_url(experiment).startswith(f"{server}/#/experiments/{number}/runs?")
    assert reader.run_url(experiment)(run_id) == f"{server}/#/experiments/{number}/runs/{run_id}"
    client.delete_experiment(number)
    assert reader.experiment_url(experiment) is reader.run_url(experiment) is None


def test_an_experiment_says_what_it_is_about_and_has_a_saved_view(tracker, experiment, client):
    tracker.open(experiment, {"suite": "tiny", "about": "A tiny suite — bench report tiny.yaml"})
    tags = client.get_experiment_by_name(experiment).tags
    own = {name: text for name, text in tags.items() if name.startswith("mlflow.") and name != "mlflow.experimentKind"}
    assert own == {"mlflow.note.content": "A tiny suite — bench report tiny.yaml", view.TAG: view.tag()}
    assert (tags["suite"], tags["about"]) == ("tiny", "A tiny suite — bench report tiny.yaml")


def test_the_saved_view_averages_finished_runs_that_count(tracker, experiment, finish, client):
    tracker.open(experiment, {})
    all_tags = {"seed": "0"}, {"pilot": "yes"}, {"seed": "1"}, {"seed": "0", **record.SUPERSEDED}
    counts, pilot, failed, superseded = (tracker.start("cell", tags, {}) for tags in all_tags)
    for run_id in (counts, pilot, superseded):
        finish(run_id)
    finish(failed, status="FAILED")
    shown = client.search_runs([client.get_experiment_by_name(experiment).experiment_id], view.FILTER)
    assert [run.info.run_id for run in shown] == [counts]


def test_a_run_has_mlflows_own_tags_beside_ours(tracker, experiment, finish, only):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {"source": "tiny.yaml", "user": "ada", "commit": "abc+changes", "seed": "0"}, {})
    started = {
        "mlflow.source.name": "tiny.yaml",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": "ada",
        "mlflow.source.git.commit": "abc+changes",
    }
    assert _own(only()) == started
    finish(run_id, status="FAILED", tags=TrialEnd(Outcome.DIVERGED, "loss is nan in epoch 2").tags())
    assert _own(only()) == started | {"mlflow.note.content": "**diverged**: loss is nan in epoch 2"}
    ours = {"source": "tiny.yaml", "user": "ada", "commit": "abc+changes", "message": "loss is nan in epoch 2"}
    assert ours.items() <= only().tags.items()


def test_a_run_that_says_nothing_of_itself_has_no_tags_of_mlflows(tracker, experiment, finish, only):
    tracker.open(experiment, {})
    finish(tracker.start("cell", {"seed": "0"}, {}), tags=TrialEnd(Outcome.FINISHED).tags())
    assert _own(only()) == {}


def test_a_run_that_is_closed_as_stale_has_a_note(tracker, experiment, only):
    tracker.open(experiment, {})
    tracker.start("cell", {}, {})
    tracker.close_stale([only()], TrialEnd(Outcome.INTERRUPTED, "its coordinator is gone").tags())
    assert _own(only()) == {"mlflow.note.content": "**interrupted**: its coordinator is gone"}


def test_only_the_mlflow_tracker_knows_mlflows_own_tags():
    found = set()
    for folder in (PACKAGE, Path(reports.__file__).parent, Path(trackers.__file__).parent):
        for path in folder.rglob("*.py"):
            texts = [node.value for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Constant)]
            if any(isinstance(text, str) and TAG.match(text) for text in texts):
                found.add(path.name)
    assert found == MLFLOWS


def _own(run) -> dict[str, str]:
    """Return MLflow's tags, but for the name, which it gives itself."""
    return {name: text for name, text in run.tags.items() if name.startswith("mlflow.") and name != "mlflow.runName"}
