"""`bench clean`: what no report needs is listed, and deleted when one says so; nothing else is."""

import pytest

from bench.trackers import open_tracker, record

ONE = ("run", "tiny.yaml", "--only", "s[lr=0.1,noise=0]", "--workers", "1", "--pack", "off")


def store(bench):
    return open_tracker(f"sqlite:///{bench.folder}/mlflow.db")


def add(bench, like, *, status="FINISHED", **tags):
    """Record a run as another run of bench may have, from one that is there."""
    tracker, ours = store(bench), {name: text for name, text in like.tags.items() if not name.startswith("mlflow.")}
    tracker.open("tiny", {})
    run_id = tracker.start("again", {**ours, **tags}, {})
    if status != "RUNNING":
        tracker.finish(run_id, status=status, tags={}, metrics=like.metrics, history=[], artifacts={"log.txt": b"x" * 1000})
    return run_id


@pytest.fixture
def cluttered(bench):
    """Two trials that count, and beside them runs of every kind."""
    assert bench(*ONE).code == 0
    like = next(run for run in bench.runs() if record.seed(run) == "0")
    kinds = {
        "outranked": add(bench, like, holder="0"),
        "repeated": add(bench, like, status="FAILED", outcome="crashed"),
        "unplanned": add(bench, like, fingerprint="0" * 32),
        "running": add(bench, like, status="RUNNING", fingerprint="1" * 32),
        "other profile": add(bench, like, fingerprint="2" * 32, profile="quick"),
        "by hand": add(bench, like, fingerprint=""),
    }
    return bench, kinds


def test_what_no_report_needs_is_listed_and_deleted_only_when_one_says_so(cluttered):
    bench, kinds = cluttered
    before, report = {run.run_id for run in bench.runs()}, bench("report", "tiny.yaml").tables
    listed = bench("clean", "tiny.yaml", "--dry-run")
    assert listed.code == 0 and "nothing is deleted" in listed.out
    gone = {kinds[kind] for kind in ("outranked", "repeated", "unplanned")}
    assert {run_id for run_id in before if run_id in listed.out} == gone
    for line in (
        "1 run, 0.0 MB of artifacts: another run of the trial counts",
        "1 run, 0.0 MB of artifacts: a failed attempt that was repeated",
        "1 run, 0.0 MB of artifacts: of no trial of the suite as it is now",
    ):
        assert line in listed.out
    asked = bench("clean", "tiny.yaml")  # nobody is there to be asked
    assert asked.code == 0 and "add --yes" in asked.out and {run.run_id for run in bench.runs()} == before
    done = bench("clean", "tiny.yaml", "--yes")
    assert done.code == 0 and "deleted: 3 runs" in done.out and "mlflow gc" in done.out
    assert {run.run_id for run in bench.runs()} == before - gone
    assert bench("report", "tiny.yaml").tables == report
    assert "no run to delete" in bench("clean", "tiny.yaml", "--yes").out


def test_nothing_is_deleted_while_a_run_of_the_suite_is_at_work(cluttered):
    bench, _ = cluttered
    before = len(bench.runs())
    with store(bench).hold("tiny"):
        answer = bench("clean", "tiny.yaml", "--yes")
    assert answer.code == 1 and "at work" in answer.err and "when it has ended" in answer.err
    assert len(bench.runs()) == before


def test_runs_with_other_settings_stay_where_these_are_given(bench):
    other = ("--set", "train.epochs=1")
    assert bench(*ONE, *other).code == 0 and bench(*ONE).code == 0
    assert "no run to delete" in bench("clean", "tiny.yaml", "--yes", *other).out
    assert "deleted: 2 runs" in bench("clean", "tiny.yaml", "--yes").out
    assert bench.runs() and bench(*ONE).code == 0 and len(bench.runs()) == 2


def test_a_repeated_attempt_says_so_the_moment_the_repeat_has_ended(bench):
    assert bench(*ONE).code == 0
    first = bench.runs()[0]
    tracker = store(bench)
    tracker.open("tiny", {})
    tracker.finish(first.run_id, status="FAILED", tags={"outcome": "crashed"}, metrics={}, history=[], artifacts={})
    assert bench(*ONE).code == 0
    runs = {run.run_id: run for run in bench.runs()}
    assert len(runs) == 3 and [run_id for run_id, run in runs.items() if record.is_superseded(run)] == [first.run_id]
