"""What every tracking store must do, through the protocol: SQLite always, and the server that BENCH_TEST_TRACKING_URI names."""

import time

import pytest

from bench.trackers import StoredRun, open_tracker

HISTORY = [
    {"epoch": 1, "seconds": 1.5, "train/loss": 2.0, "val/accuracy": 0.3},
    {"epoch": 2, "seconds": 3.0, "train/loss": 1.5, "val/accuracy": 0.5},
    {"epoch": 3, "seconds": 4.5, "train/loss": 1.2, "val/accuracy": 0.4},
]


def finish(tracker, run_id, **changes):
    given = {"status": "FINISHED", "tags": {}, "metrics": {}, "history": [], "artifacts": {}}
    tracker.finish(run_id, **given | changes)


def only(tracker, experiment) -> StoredRun:
    (run,) = open_tracker(tracker.uri).runs(experiment)
    return run


def mlflow_client(tracker):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracker.uri)


def test_an_unknown_experiment_has_no_runs_and_stays_unknown(tracker, experiment):
    assert tracker.runs(experiment) == []
    assert mlflow_client(tracker).get_experiment_by_name(experiment) is None


def test_a_run_goes_from_running_to_finished(tracker, experiment):
    before = time.time() - 1
    tracker.open(experiment, {"title": "A title"})
    run_id = tracker.start("cell 0", {"seed": "0", "fingerprint": "abc"}, {"train.epochs": "3"})
    running = only(tracker, experiment)
    assert (running.run_id, running.status, running.end) == (run_id, "RUNNING", None)
    assert before < running.start < time.time() + 1

    finish(tracker, run_id, tags={"outcome": "finished"}, metrics={"test/accuracy": 0.25})
    done = only(tracker, experiment)
    assert (done.status, done.metrics) == ("FINISHED", {"test/accuracy": 0.25})
    assert done.end >= done.start
    assert {"seed": "0", "fingerprint": "abc", "outcome": "finished"}.items() <= done.tags.items()
    stored = mlflow_client(tracker).get_run(run_id)
    assert (stored.info.run_name, stored.data.params) == ("cell 0", {"train.epochs": "3"})


def test_history_becomes_curves_and_finals_win_over_the_last_epoch(tracker, experiment):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    tracker.log(run_id, HISTORY[:1])
    tracker.log(run_id, HISTORY[1:2])
    finish(tracker, run_id, history=HISTORY[2:], metrics={"val/accuracy": 0.5, "train/loss": 1.2, "wall_clock": 4.5})

    run = only(tracker, experiment)
    assert run.metrics == {"val/accuracy": 0.5, "train/loss": 1.2, "wall_clock": 4.5}
    client = mlflow_client(tracker)
    accuracy = client.get_metric_history(run_id, "val/accuracy")
    assert [(point.step, point.value) for point in accuracy] == [(1, 0.3), (2, 0.5), (3, 0.4), (3, 0.5)]
    assert [(point.timestamp - round(run.start * 1000)) for point in accuracy[:3]] == [1500, 3000, 4500]
    assert len(client.get_metric_history(run_id, "train/loss")) == 3  # the final equals the last epoch: no second point


def test_values_that_are_no_numbers_are_left_out(tracker, experiment):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    row = {"epoch": 1, "seconds": 1.0, "train/loss": float("nan"), "val/loss": float("inf"), "val/accuracy": 0.1}
    finish(tracker, run_id, status="FAILED", history=[row], metrics={"test/loss": float("-inf"), "epochs": 1})
    run = only(tracker, experiment)
    assert (run.status, run.metrics) == ("FAILED", {"val/accuracy": 0.1, "epochs": 1.0})


def test_what_is_over_mlflows_limits_is_split_or_cut(tracker, experiment):
    tracker.open(experiment, {"description": "é" * 9000})
    params = {f"param {n}": "x" * 10_000 if n == 0 else str(n) for n in range(150)}
    run_id = tracker.start("n" * 240, {f"start {n}": "1" for n in range(120)}, params)
    history = [{"epoch": n + 1, "seconds": n, "val/loss": float(n), "val/accuracy": n / 3000} for n in range(1500)]
    finals = {f"test/class_accuracy/{n}": n / 1200 for n in range(1200)}
    tags = {f"end {n}": "1" for n in range(120)} | {"message": "y" * 20_000}
    finish(tracker, run_id, history=history, metrics=finals, tags=tags)

    run = only(tracker, experiment)
    assert run.metrics == finals | {"val/loss": 1499.0, "val/accuracy": 1499 / 3000}
    assert run.tags["message"] == "y" * 7999 + "…"
    assert {f"start {n}" for n in range(120)} | {f"end {n}" for n in range(120)} <= set(run.tags)
    stored = mlflow_client(tracker).get_run(run_id).data.params
    assert stored == params | {"param 0": "x" * 5999 + "…"}


def test_odd_names_and_values_are_taken(tracker, experiment):
    tracker.open(experiment, {})
    tags = {"axis.größe": "¼ – 雪", "a//b/../c": "1", "100 %": "2", "nul": "a\0b", "surrogate": "a\ud800b", "k" * 300: "3"}
    run_id = tracker.start("naïve ☃", tags, {"model.args.p*q": "[1, 2]"})
    finish(tracker, run_id, metrics={"test/class_accuracy/..": 0.5, "val/class_accuracy/a*b": 0.25})
    run = only(tracker, experiment)
    expected = {"axis.größe": "¼ – 雪", "a/_/b/_/c": "1", "100 _": "2", "nul": "ab", "surrogate": "a?b", "k" * 250: "3"}
    assert expected.items() <= run.tags.items()
    assert run.metrics == {"test/class_accuracy/_": 0.5, "val/class_accuracy/a_b": 0.25}


def test_artifacts_come_back_byte_for_byte(tracker, experiment):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    content = {"config.yaml": b"a: 1\n", "predictions.npz": bytes(range(256)) * 500, "log.txt": b""}
    finish(tracker, run_id, artifacts=content)
    reader = open_tracker(tracker.uri)
    assert {name: reader.artifact(run_id, name) for name in content} == content
    assert reader.artifact(run_id, "nothing.txt") is None


def test_only_running_runs_are_closed_as_stale(tracker, experiment):
    tracker.open(experiment, {})
    done, lost = tracker.start("done", {}, {}), tracker.start("lost", {}, {})
    finish(tracker, done, tags={"outcome": "finished"})
    successor = open_tracker(tracker.uri)
    successor.open(experiment, {})
    successor.close_stale(successor.runs(experiment), {"outcome": "interrupted"})
    after = {run.run_id: (run.status, run.tags["outcome"], run.end is None) for run in successor.runs(experiment)}
    assert after == {done: ("FINISHED", "finished", False), lost: ("KILLED", "interrupted", False)}


def test_opening_again_keeps_the_runs_and_renews_the_tags(tracker, experiment):
    tracker.open(experiment, {"title": "old", "kept": "1"})
    finish(tracker, tracker.start("cell", {}, {}))
    tracker.open(experiment, {"title": "new"})
    assert len(tracker.runs(experiment)) == 1
    tags = mlflow_client(tracker).get_experiment_by_name(experiment).tags
    assert (tags["title"], tags["kept"]) == ("new", "1")


def test_a_deleted_experiment_has_no_runs_and_opening_restores_it(tracker, experiment):
    tracker.open(experiment, {})
    finish(tracker, tracker.start("cell", {}, {}))
    client = mlflow_client(tracker)
    client.delete_experiment(client.get_experiment_by_name(experiment).experiment_id)
    assert tracker.runs(experiment) == []
    tracker.open(experiment, {})
    assert len(tracker.runs(experiment)) == 1


def test_experiments_do_not_mix_and_deleted_runs_are_gone(tracker, experiment):
    tracker.open(experiment, {})
    kept, deleted = tracker.start("kept", {}, {}), tracker.start("deleted", {}, {})
    mlflow_client(tracker).delete_run(deleted)
    tracker.open(f"{experiment}-other", {})
    tracker.start("elsewhere", {}, {})
    assert [run.run_id for run in tracker.runs(experiment)] == [kept]


def test_the_quick_reader_agrees_with_mlflows_own_search(tracker, experiment, monkeypatch):
    from bench.trackers import database

    tracker.open(experiment, {})
    for seed in range(3):
        run_id = tracker.start(f"cell {seed}", {"seed": str(seed)}, {"a": "b"})
        if seed:
            finish(tracker, run_id, metrics={"val/accuracy": seed / 10}, history=HISTORY, tags={"outcome": "finished"})
    quick = tracker.runs(experiment)
    monkeypatch.setattr(database, "read_runs", lambda uri, experiment: None)
    monkeypatch.setattr("bench.trackers.mlflow_tracker.PAGE", 2)
    assert len(quick) == 3
    assert open_tracker(tracker.uri).runs(experiment) == quick


def test_histories_are_the_epochs_of_the_metrics_asked_for(tracker, experiment):
    tracker.open(experiment, {})
    first, second, failed = (tracker.start(name, {}, {}) for name in ("first", "second", "failed"))
    finish(tracker, first, history=HISTORY, metrics={"test/accuracy": 0.25, "wall_clock": 4.5})
    finish(tracker, second, history=HISTORY[:2], metrics={"test/accuracy": 0.5})
    finish(tracker, failed, status="FAILED")
    reader = open_tracker(tracker.uri)
    found = reader.histories([second, first, failed, "0" * 32], ["val/accuracy", "train/loss", "test/accuracy", "no such"])
    assert found == {
        first: {"val/accuracy": [(1, 0.3), (2, 0.5), (3, 0.4)], "train/loss": [(1, 2.0), (2, 1.5), (3, 1.2)]},
        second: {"val/accuracy": [(1, 0.3), (2, 0.5)], "train/loss": [(1, 2.0), (2, 1.5)]},
    }
    assert reader.histories([], ["val/accuracy"]) == reader.histories([first], []) == {}


def test_a_final_value_under_an_epochs_name_is_no_epoch(tracker, experiment):
    tracker.open(experiment, {})
    restored, measured_once = tracker.start("restored", {}, {}), tracker.start("measured once", {}, {})
    finish(tracker, restored, history=HISTORY, metrics={"val/accuracy": 0.5, "train/loss": 0.1})
    finish(tracker, measured_once, history=[{"epoch": 1, "seconds": 1.0, "val/loss": 2.0}], metrics={"val/accuracy": 0.7})
    found = tracker.histories([restored, measured_once], ["val/accuracy", "train/loss", "val/loss"])
    assert found == {
        restored: {"val/accuracy": [(1, 0.3), (2, 0.5), (3, 0.4)], "train/loss": [(1, 2.0), (2, 1.5), (3, 1.2)]},
        measured_once: {"val/loss": [(1, 2.0)]},
    }


def test_epochs_without_a_finite_value_are_missing_from_their_history(tracker, experiment):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    values = [0.1, float("nan"), 0.3]
    finish(tracker, run_id, history=[{"epoch": n + 1, "seconds": n, "val/loss": value} for n, value in enumerate(values)])
    assert tracker.histories([run_id], ["val/loss"]) == {run_id: {"val/loss": [(1, 0.1), (3, 0.3)]}}


def test_the_quick_histories_agree_with_mlflows_own(tracker, experiment, monkeypatch):
    from bench.trackers import database

    tracker.open(experiment, {})
    run_ids = [tracker.start(f"cell {n}", {}, {}) for n in range(5)]
    for n, run_id in enumerate(run_ids):
        history = [{"epoch": e, "seconds": e, "val/accuracy": e / (n + 7), "val/loss": 1 / e} for e in range(1, 13)]
        finish(tracker, run_id, history=history[: 8 + n], metrics={"val/accuracy": 0.9})
    monkeypatch.setattr(database, "CHUNK", 2)
    quick = tracker.histories(run_ids, ["val/accuracy", "val/loss"])
    monkeypatch.setattr(database, "read_histories", lambda uri, run_ids, metrics: None)
    assert [len(quick[run_id]["val/loss"]) for run_id in run_ids] == [8, 9, 10, 11, 12]
    assert open_tracker(tracker.uri).histories(run_ids, ["val/accuracy", "val/loss"]) == quick


def test_the_pages_of_an_experiment_and_its_runs_are_on_the_server_or_where_mlflow_ui_listens(tracker, experiment):
    assert tracker.experiment_url(experiment) is None
    assert tracker.run_url(experiment) is None
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    server = tracker.uri if tracker.uri.startswith("http") else "http://127.0.0.1:5000"
    number = mlflow_client(tracker).get_experiment_by_name(experiment).experiment_id
    reader = open_tracker(tracker.uri)
    assert reader.experiment_url(experiment).startswith(f"{server}/#/experiments/{number}/runs?")
    assert reader.run_url(experiment)(run_id) == f"{server}/#/experiments/{number}/runs/{run_id}"
    mlflow_client(tracker).delete_experiment(number)
    assert reader.experiment_url(experiment) is reader.run_url(experiment) is None


@pytest.mark.parametrize("outcome", ["FINISHED", "FAILED", "KILLED"])
def test_nothing_is_printed(tracker, experiment, outcome, capfd):
    capfd.readouterr()
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    finish(tracker, run_id, status=outcome, metrics={"a": 1.0}, artifacts={"log.txt": b"x"})
    tracker.artifact(run_id, "log.txt")
    assert only(tracker, experiment).status == outcome
    assert capfd.readouterr() == ("", "")
