"""A whole suite on a tracker that knows no MLflow: run, reported, gone on with; and it comes to what it does on SQLite."""

import platform
import re

import pytest

import bench
from bench.trackers import record
from bench.trackers.record import Artifact, Outcome

from .toy import Toy

SUITE = """\
suite: tiny
title: A tiny suite
data: {source: digits, subset: {train: 96, val: 48, test: 48}}
base:
  model: {name: simple_cnn, args: {filters: [4, 4, 4], hidden: 8}}
  train: {epochs: 2, batch_size: 32, optimizer: {name: sgd, lr: 0.01}}
seeds: 2
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.01, 0.1]}}}
  best: {patch: {start: {stage: s}}, axes: {epochs: {path: train.epochs, values: [1, 2]}}}
  later: {patch: {model: {weights: {stage: s, cell: {lr: 0.1}}}}, axes: {frozen: {path: model.frozen, values: [true, false]}}}
  votes: {ensemble: {stages: [s, later], pool: seed}, axes: {vote: {path: ensemble.vote, values: [soft, hard]}}}
tables:
  rates: {stage: s, rows: lr, values: [val/accuracy, test/loss]}
  bodies: {stage: later, rows: frozen, values: test/accuracy}
  votes: {stage: votes, rows: vote, values: test/accuracy}
claims:
  more: {says: a higher rate is better, stage: s, metric: val/accuracy, of: {lr: 0.1}, higher_than: {lr: 0.01}}
figures:
  curves: {kind: curves, stage: s, metric: val/accuracy, lines: lr}
"""
TRIALS = 2 * (2 + 2 + 2 + 2) - 2
"""Of two seeds; `best` starts from a cell that has run with two epochs already."""
HERE = {"executor": "inline", "workers": 1, "device": "cpu"}


@pytest.fixture
def suite_file(tmp_path, monkeypatch):
    """The file of a small suite with all that a store is asked for, in an empty folder that is the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.yaml"
    path.write_text(SUITE)
    return path


@pytest.fixture
def toy(tmp_path):
    """Opens a toy tracker, anew each time, on one and the same folder."""
    return lambda: Toy(tmp_path / "toy")


def test_a_suite_runs_and_is_reported_and_nothing_runs_twice(suite_file, toy, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.api.store.open_tracker", None)  # nobody asks for another
    suite = bench.load(suite_file, tracker=toy())
    assert len(suite.status().plan.todo()) > 0 and not suite.status().complete and not list(tmp_path.glob("toy*"))
    result = suite.run(**HERE)
    assert sum(summary.outcomes[Outcome.FINISHED] for summary in result.rounds) == TRIALS
    assert not list(tmp_path.glob("ml*"))

    again = bench.load(suite_file, tracker=toy())
    assert again.status().complete and again.status().plan.todo() == []
    text = again.report(figures=True).render()
    assert "a higher rate is better" in text and again.report().complete
    assert all(run.run_id in text for run in again.tracker.runs("tiny") if record.stage(run) == "s")
    before = _times(tmp_path / "toy")
    assert again.run(**HERE).rounds == []
    assert _times(tmp_path / "toy") == before
    assert again.run(**HERE).report().render(with_runs=False) == again.report().render(with_runs=False)


def test_the_report_is_that_of_the_same_suite_on_sqlite(suite_file, toy, sqlite_uri):
    suites = [bench.load(suite_file, tracker=tracker) for tracker in (toy(), sqlite_uri)]
    for suite in suites:
        suite.run(**HERE)
    for format in ("markdown", "latex", "json", "csv", "html"):
        ours, theirs = (_anonymous(suite.report().render(format), suite) for suite in suites)
        assert ours == theirs, format
    ours, theirs = (suite.report().frame().drop(columns=["run_id"]) for suite in suites)
    timed = [name for name in ours if "seconds" in name or "clock" in name or "per_second" in name]
    assert ours.drop(columns=timed).equals(theirs.drop(columns=timed)) and timed
    ours, theirs = ([figure.data for figure in suite.report(figures=True).data.figures] for suite in suites)
    assert len(ours) == 1 and ours == theirs


def test_a_trial_whose_coordinator_is_gone_runs_again(suite_file, toy):
    first = toy()
    first.open("tiny", {})
    lost = first.start("lost", {"stage": "s", "coordinator": f"{platform.node()}:1:0.00"}, {})
    suite = bench.load(suite_file, tracker=toy(), only=["s"])
    assert suite.run(**HERE).report().complete
    runs = {run.run_id: run for run in first.runs("tiny")}
    assert (runs[lost].status, record.outcome(runs[lost])) == ("KILLED", Outcome.INTERRUPTED)
    assert record.message(runs.pop(lost)) == "the coordinator ended without closing the run"
    assert {run.status for run in runs.values()} == {"FINISHED"} and len(runs) == 4


def test_what_a_store_has_lost_is_trained_again(suite_file, toy):
    suite = bench.load(suite_file, tracker=toy(), only=["s"])
    suite.run(**HERE)
    for path in toy().folder.rglob(str(Artifact.WEIGHTS)):
        path.unlink()
    assert bench.load(suite_file, tracker=toy()).run(**HERE).report().complete
    assert list(toy().folder.rglob(str(Artifact.WEIGHTS)))


def _anonymous(text: str, suite) -> str:
    """Return a report without the ids of its runs, their addresses, how they are opened, and when they ran."""
    page = suite.tracker.run_url("tiny")
    for number, row in enumerate(suite.report().frame()["run_id"]):
        text = text.replace(page(row), f"page {number}").replace(row, f"run {number}")
    text = re.sub(r'<span class="runs">.*?</span>', "", text)
    text = re.sub(r", with the first characters of its id. To open them: <code>.*?</code>", ".", text)
    return re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?|\b\d{10}\.\d+", "TIME", text)


def _times(folder):
    """Return when files were changed last, but for those that say who is at work."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if ".lease" not in str(path)}
