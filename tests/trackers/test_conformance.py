"""What every tracker must do, through the protocol: on SQLite, on a server, and the toy of `toy.py`.

`store` opens a tracker, anew each time: what one writes, another that is opened on the same store must find.
"""

import time

import pytest

from bench.errors import BenchError
from bench.trackers import StoredRun

HISTORY = [
    {"epoch": 1, "seconds": 1.5, "train/loss": 2.0, "val/accuracy": 0.3},
    {"epoch": 2, "seconds": 3.0, "train/loss": 1.5, "val/accuracy": 0.5},
    {"epoch": 3, "seconds": 4.5, "train/loss": 1.2, "val/accuracy": 0.4},
]


def test_an_unknown_experiment_has_no_runs_and_stays_unknown(store, experiment):
    for reader in (store(), store()):
        assert reader.runs(experiment) == []
        assert reader.experiment_url(experiment) is None
        assert reader.run_url(experiment) is None


def test_a_run_goes_from_running_to_finished(store, tracker, experiment, finish, only):
    before = time.time() - 1
    tracker.open(experiment, {"title": "A title"})
    run_id = tracker.start("cell 0", {"seed": "0", "fingerprint": "abc"}, {"train.epochs": "3"})
    running = only()
    assert (running.run_id, running.status, running.end) == (run_id, "RUNNING", None)
    assert before < running.start < time.time() + 1
    assert {"seed": "0", "fingerprint": "abc"}.items() <= running.tags.items()

    finish(run_id, tags={"outcome": "finished"}, metrics={"test/accuracy": 0.25})
    done = only()
    assert (done.run_id, done.status, done.metrics) == (run_id, "FINISHED", {"test/accuracy": 0.25})
    assert running.start == done.start <= done.end < time.time() + 1
    assert {"seed": "0", "fingerprint": "abc", "outcome": "finished"}.items() <= done.tags.items()


def test_what_was_logged_is_seen_while_the_run_goes_on(store, tracker, experiment, only):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {"a": "1"})
    tracker.log(run_id, HISTORY[:1])
    tracker.log(run_id, HISTORY[1:2])
    assert (only().status, only().metrics) == ("RUNNING", {"train/loss": 1.5, "val/accuracy": 0.5})
    assert store().histories([run_id], ["val/accuracy"]) == {run_id: {"val/accuracy": [(1, 0.3), (2, 0.5)]}}


def test_what_is_stored_once_more_changes_nothing(store, tracker, experiment, finish, only):
    """An answer may be lost, and what was asked for is asked for again."""
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {"a": "1"})
    for _ in range(2):
        tracker.log(run_id, HISTORY[:2])
    for _ in range(2):
        finish(run_id, history=HISTORY[1:], tags={"outcome": "finished"}, metrics={"test/accuracy": 0.5}, artifacts={"a": b"x"})
    assert only().metrics == {"train/loss": 1.2, "val/accuracy": 0.4, "test/accuracy": 0.5}
    curve = {"val/accuracy": [(1, 0.3), (2, 0.5), (3, 0.4)]}
    assert store().histories([run_id], ["val/accuracy"]) == {run_id: curve}


def test_a_run_has_the_times_that_are_given(tracker, experiment, finish, only):
    tracker.open(experiment, {})
    finish(tracker.start("cell", {}, {}, 1000.5), ended=2000.25)
    assert (only().start, only().end) == (1000.5, 2000.25)


def test_tags_are_added_to_runs_that_have_ended(tracker, experiment, finish, only):
    tracker.open(experiment, {})
    finish(tracker.start("cell", {"a": "1"}, {}))
    tracker.tag([only()], {"b": "2"})
    assert (only().status, {"a": "1", "b": "2"}.items() <= only().tags.items()) == ("FINISHED", True)


def test_finals_win_over_the_last_epoch(store, tracker, experiment, finish, only):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    tracker.log(run_id, HISTORY[:2])
    finish(run_id, history=HISTORY[2:], metrics={"val/accuracy": 0.5, "train/loss": 1.2, "wall_clock": 4.5})
    assert only().metrics == {"val/accuracy": 0.5, "train/loss": 1.2, "wall_clock": 4.5}


def test_values_that_are_no_numbers_are_left_out(store, tracker, experiment, finish, only):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    row = {"epoch": 1, "seconds": 1.0, "train/loss": float("nan"), "val/loss": float("inf"), "val/accuracy": 0.1}
    finish(run_id, status="FAILED", history=[row], metrics={"test/loss": float("-inf"), "epochs": 1})
    assert (only().status, only().metrics) == ("FAILED", {"val/accuracy": 0.1, "epochs": 1.0})


def test_nothing_is_lost_of_many_tags_and_metrics(store, tracker, experiment, finish, only):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {f"start {n}": "1" for n in range(120)}, {f"param {n}": str(n) for n in range(150)})
    history = [{"epoch": n + 1, "seconds": n, "val/loss": float(n), "val/accuracy": n / 3000} for n in range(1500)]
    finals = {f"test/class_accuracy/{n}": n / 1200 for n in range(1200)}
    finish(run_id, history=history, metrics=finals, tags={f"end {n}": "1" for n in range(120)})
    assert only().metrics == finals | {"val/loss": 1499.0, "val/accuracy": 1499 / 3000}
    assert {f"start {n}" for n in range(120)} | {f"end {n}" for n in range(120)} <= set(only().tags)
    assert len(store().histories([run_id], ["val/loss"])[run_id]["val/loss"]) == 1500


def test_what_a_store_cannot_hold_is_cut_or_changed_and_no_error(store, tracker, experiment, finish, only):
    tracker.open(experiment, {"about": "é" * 9000})
    odd = {"a//b/../c": "1", "100 %": "2", "nul": "a\0b", "surrogate": "a\ud800b", "k" * 300: "3"}
    params = {"model.args.p*q": "[1, 2]", "long": "x" * 10_000}
    run_id = tracker.start("naïve ☃\0\ud800" * 40, {"axis.größe": "¼ – 雪", **odd}, params)
    finish(run_id, tags={"message": "y" * 20_000}, metrics={"test/class_accuracy/..": 0.5, "val/class_accuracy/a*b": 0.25})
    run = only()
    assert run.tags["axis.größe"] == "¼ – 雪"
    assert run.tags["message"].startswith("y" * 5000)
    assert sorted(run.metrics.values()) == [0.25, 0.5]


def test_notes_of_an_experiment_come_back_whole(store, tracker, experiment):
    assert store().notes(experiment) == {}
    tracker.open(experiment, {"about": "x"})
    assert store().notes(experiment) == {}
    long = "".join(f"{n} é ☃\n" for n in range(6000))
    texts = {"0001-abc": long, "0001-abd": "", "a b/c": "{}"}
    for name, text in texts.items():
        tracker.note(name, text)
    assert store().notes(experiment) == tracker.notes(experiment) == texts
    assert store().notes(f"{experiment}-other") == {} and store().runs(experiment) == []


def test_a_note_stays_and_those_of_two_writers_do_too(store, experiment):
    first, second = store(), store()
    for writer in (first, second):
        writer.open(experiment, {})
    first.note("a", "first")
    second.note("b", "second")
    first.open(experiment, {"about": "another day"})
    assert store().notes(experiment) == {"a": "first", "b": "second"}


def test_names_and_params_come_back(store, tracker, experiment, finish):
    tracker.open(experiment, {})
    ids = [tracker.start(name, {}, {"train.lr": "0.1", "n": name}) for name in ("one", "two")]
    for run_id in ids:
        finish(run_id)
    found = store().details([*ids, "0" * 32])
    assert {run_id: (one.name, one.params) for run_id, one in found.items()} == {
        run_id: (name, {"train.lr": "0.1", "n": name}) for run_id, name in zip(ids, ("one", "two"), strict=True)
    }
    assert store().details([]) == {}


def test_what_lies_in_the_store_is_in_reach(store, tracker, experiment, finish):
    tracker.open(experiment, {})
    with_some, without = (tracker.start(name, {}, {}) for name in ("with", "without"))
    finish(with_some, artifacts={"log.txt": b"x"})
    finish(without)
    assert [store().unreachable(run_id) for run_id in (with_some, without, "0" * 32)] == ["", "", ""]


def test_artifacts_come_back_byte_for_byte(store, tracker, experiment, finish):
    tracker.open(experiment, {})
    run_id, other = tracker.start("cell", {}, {}), tracker.start("other", {}, {})
    content = {"config.yaml": b"a: 1\n", "predictions.npz": bytes(range(256)) * 500, "log.txt": b""}
    finish(run_id, artifacts=content)
    finish(other)
    assert {name: store().artifact(run_id, name) for name in content} == content
    assert store().artifact(run_id, "nothing.txt") is None
    assert store().artifact(other, "log.txt") is None
    assert store().artifact("0" * 32, "log.txt") is None
    assert {name: store().artifact_size(run_id, name) for name in content} == {name: len(one) for name, one in content.items()}
    assert store().artifact_size(run_id, "nothing.txt") is store().artifact_size("0" * 32, "log.txt") is None


def test_only_running_runs_are_closed_as_stale(store, tracker, experiment, finish):
    tracker.open(experiment, {})
    done, lost, spared = (tracker.start(name, {"seed": "0"}, {}) for name in ("done", "lost", "spared"))
    finish(done, tags={"outcome": "finished"})
    successor = store()
    successor.open(experiment, {})
    successor.close_stale([run for run in successor.runs(experiment) if run.run_id != spared], {"outcome": "interrupted"})
    after = {run.run_id: (run.status, run.tags.get("outcome"), run.end is None) for run in successor.runs(experiment)}
    assert after == {
        done: ("FINISHED", "finished", False),
        lost: ("KILLED", "interrupted", False),
        spared: ("RUNNING", None, True),
    }
    assert all(run.tags["seed"] == "0" for run in successor.runs(experiment))


def test_deleted_runs_are_gone_and_the_others_are_not(store, tracker, experiment, finish):
    tracker.open(experiment, {})
    kept, gone = (tracker.start(name, {}, {}) for name in ("kept", "gone"))
    for run_id in (kept, gone):
        finish(run_id, artifacts={"a.txt": b"12345", "b.bin": bytes(7)})
    assert store().artifacts_size(kept) == 12 and store().artifacts_size("0" * 32) is None
    tracker.delete([run for run in tracker.runs(experiment) if run.run_id == gone])
    tracker.delete([])
    assert [run.run_id for run in store().runs(experiment)] == [kept]
    assert store().artifact(kept, "a.txt") == b"12345"


def test_opening_again_keeps_the_runs(store, tracker, experiment, finish):
    tracker.open(experiment, {"title": "old"})
    first = tracker.start("cell", {}, {})
    finish(first)
    again = store()
    again.open(experiment, {"title": "new"})
    second = again.start("cell", {}, {})
    assert [(run.run_id, run.status) for run in tracker.runs(experiment)] == [(first, "FINISHED"), (second, "RUNNING")]


def test_runs_come_the_oldest_first(store, tracker, experiment, finish):
    tracker.open(experiment, {})
    began = []
    for name in "cab":
        began.append(tracker.start(name, {}, {}))
        time.sleep(0.01)
    for run_id in reversed(began):
        finish(run_id)
    assert [run.run_id for run in store().runs(experiment)] == began


def test_experiments_do_not_mix(store, tracker, experiment):
    tracker.open(experiment, {})
    here = tracker.start("here", {}, {})
    tracker.open(f"{experiment}-other", {})
    elsewhere = tracker.start("elsewhere", {}, {})
    assert [run.run_id for run in store().runs(experiment)] == [here]
    assert [run.run_id for run in store().runs(f"{experiment}-other")] == [elsewhere]


def test_histories_are_the_epochs_of_the_metrics_asked_for(store, tracker, experiment, finish):
    tracker.open(experiment, {})
    first, second, failed = (tracker.start(name, {}, {}) for name in ("first", "second", "failed"))
    finish(first, history=HISTORY, metrics={"test/accuracy": 0.25, "wall_clock": 4.5})
    finish(second, history=HISTORY[:2], metrics={"test/accuracy": 0.5})
    finish(failed, status="FAILED")
    reader = store()
    found = reader.histories([second, first, failed, "0" * 32], ["val/accuracy", "train/loss", "test/accuracy", "no such"])
    assert found == {
        first: {"val/accuracy": [(1, 0.3), (2, 0.5), (3, 0.4)], "train/loss": [(1, 2.0), (2, 1.5), (3, 1.2)]},
        second: {"val/accuracy": [(1, 0.3), (2, 0.5)], "train/loss": [(1, 2.0), (2, 1.5)]},
    }
    assert reader.histories([], ["val/accuracy"]) == reader.histories([first], []) == {}


def test_a_final_value_under_an_epochs_name_is_no_epoch(store, tracker, experiment, finish):
    tracker.open(experiment, {})
    restored, measured_once = tracker.start("restored", {}, {}), tracker.start("measured once", {}, {})
    finish(restored, history=HISTORY, metrics={"val/accuracy": 0.5, "train/loss": 0.1})
    finish(measured_once, history=[{"epoch": 1, "seconds": 1.0, "val/loss": 2.0}], metrics={"val/accuracy": 0.7})
    found = store().histories([restored, measured_once], ["val/accuracy", "train/loss", "val/loss"])
    assert found == {
        restored: {"val/accuracy": [(1, 0.3), (2, 0.5), (3, 0.4)], "train/loss": [(1, 2.0), (2, 1.5), (3, 1.2)]},
        measured_once: {"val/loss": [(1, 2.0)]},
    }


def test_epochs_without_a_finite_value_are_missing_from_their_history(store, tracker, experiment, finish):
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    values = [0.1, float("nan"), 0.3]
    finish(run_id, history=[{"epoch": n + 1, "seconds": n, "val/loss": value} for n, value in enumerate(values)])
    assert store().histories([run_id], ["val/loss"]) == {run_id: {"val/loss": [(1, 0.1), (3, 0.3)]}}


def test_an_experiment_and_each_of_its_runs_have_a_page(store, tracker, experiment):
    tracker.open(experiment, {})
    first, second = tracker.start("first", {}, {}), tracker.start("second", {}, {})
    tracker.open(f"{experiment}-other", {})
    reader = store()
    page = reader.run_url(experiment)
    addresses = [reader.experiment_url(experiment), reader.experiment_url(f"{experiment}-other"), page(first), page(second)]
    assert len(set(addresses)) == 4 and all("://" in address for address in addresses)
    assert store().experiment_url(experiment) == addresses[0]
    assert first in page(first) and second in page(second)


def test_a_store_without_pages_of_its_own_names_the_command_that_shows_them(tracker):
    command = tracker.ui_command("127.0.0.1", 5001)
    assert (command is None) == (tracker.needs_ui == "")
    if command is not None:
        assert {"127.0.0.1", "5001", tracker.uri, *tracker.needs_ui.split()} <= set(command)


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_nothing_is_printed(store, tracker, experiment, finish, only, status, capfd):
    capfd.readouterr()
    tracker.open(experiment, {})
    run_id = tracker.start("cell", {}, {})
    finish(run_id, status=status, metrics={"a": 1.0}, artifacts={"log.txt": b"x"})
    tracker.artifact(run_id, "log.txt")
    assert only().status == status
    assert capfd.readouterr() == ("", "")


METHODS = {
    "open": lambda tracker: tracker.open("suite", {}),
    "runs": lambda tracker: tracker.runs("suite"),
    "histories": lambda tracker: tracker.histories(["0" * 32], ["val/loss"]),
    "artifact": lambda tracker: tracker.artifact("0" * 32, "log.txt"),
    "artifact_size": lambda tracker: tracker.artifact_size("0" * 32, "log.txt"),
    "artifacts_size": lambda tracker: tracker.artifacts_size("0" * 32),
    "delete": lambda tracker: tracker.delete([StoredRun("0" * 32, "FINISHED")]),
    "details": lambda tracker: tracker.details(["0" * 32]),
    "experiment_url": lambda tracker: tracker.experiment_url("suite"),
    "run_url": lambda tracker: tracker.run_url("suite"),
}


@pytest.mark.parametrize("method", METHODS)
def test_a_store_that_cannot_be_used_is_an_error_with_a_mend(broken, method):
    began = time.monotonic()
    with pytest.raises(BenchError) as error:
        METHODS[method](broken())
    assert error.value.mend and time.monotonic() - began < 15
