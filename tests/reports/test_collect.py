from dataclasses import replace

import pytest

from bench.reports.records.collect import collect


def test_every_planned_trial_gives_one_record_in_order(make):
    planned = [make.expected(model=model, seed=seed) for model in "ba" for seed in (1, 0)]
    records = collect(planned, [make.run(planned[2], val__accuracy=0.5), make.run(make.expected(model="stranger"))])
    assert [(r.labels["model"], r.seed, r.outcome) for r in records] == [
        ("b", 1, "missing"), ("b", 0, "missing"), ("a", 1, "finished"), ("a", 0, "missing")
    ]  # fmt: skip
    assert records[2].value("val/accuracy") == 0.5
    assert records[2].value("no/such") is None
    assert records[0].value("val/accuracy") is None
    assert records[2].cell == "model=a"


def test_the_newest_finished_run_wins_and_else_the_newest(make):
    trial = make.expected(model="a")
    old = make.run(trial, start=1.0, val__accuracy=0.1)
    new = replace(make.run(trial, start=2.0, val__accuracy=0.2), run_id="new")
    failed = replace(make.run(trial, "FAILED", "oom", start=3.0, tags={"message": "too big"}), run_id="failed")
    running = replace(make.run(trial, "RUNNING", start=4.0), run_id="running")
    for runs in ([old, new, failed, running], [running, failed, new, old]):
        assert collect([trial], runs)[0].run is new
    (record,) = collect([trial], [running, failed])
    assert (record.run, record.outcome) == (running, "running")
    (record,) = collect([trial], [failed])
    assert (record.outcome, record.message, record.value("val/accuracy")) == ("oom", "too big", None)


@pytest.mark.parametrize(
    ("status", "outcome", "expected"),
    [
        ("FINISHED", "", "finished"),
        ("FINISHED", "diverged", "diverged"),
        ("FAILED", "", "failed"),
        ("FAILED", "timeout", "timeout"),
        ("KILLED", "", "interrupted"),
        ("RUNNING", "", "running"),
    ],
)
def test_the_outcome_is_the_runs_own_word_or_its_status(make, status, outcome, expected):
    trial = make.expected(model="a")
    (record,) = collect([trial], [make.run(trial, status, outcome, val__accuracy=0.5)])
    assert record.outcome == expected
    assert (record.value("val/accuracy") is not None) == (expected == "finished")


def test_cells_that_share_a_fingerprint_share_the_run(make):
    first = make.expected(stage="accuracy", model="a")
    second = replace(first, stage="optimizer", labels={"optimizer": "sgd"})
    records = collect([first, second], [make.run(first, val__accuracy=0.5)])
    assert records[0].run is records[1].run
    assert [r.outcome for r in records] == ["finished", "finished"]


def test_unavailable_unless_it_was_run_elsewhere(make):
    trial = make.expected(model="a", unavailable="no weights")
    (record,) = collect([trial], [])
    assert (record.outcome, record.message) == ("unavailable", "no weights")
    (record,) = collect([trial], [make.run(trial, val__accuracy=0.5)])
    assert (record.outcome, record.value("val/accuracy")) == ("finished", 0.5)


def test_runs_that_others_logged_count_by_their_tags(make):
    trial = make.expected(model="a", noise="0", seed=3)
    tags = {"fingerprint": "", "stage": "accuracy", "axis.noise": "0", "axis.model": "a", "seed": "3"}
    foreign = make.run(trial, tags=tags, val__accuracy=0.7)
    (record,) = collect([trial], [foreign])
    assert (record.outcome, record.value("val/accuracy")) == ("finished", 0.7)
    for name, other in (("seed", "2"), ("stage", "optimizer"), ("axis.model", "b"), ("axis.scale", "1")):
        (record,) = collect([trial], [make.run(trial, tags=tags | {name: other}, val__accuracy=0.7)])
        assert record.outcome == "missing"
    own = make.run(trial, start=1.0, val__accuracy=0.6)
    (record,) = collect([trial], [own, foreign])
    assert record.value("val/accuracy") == 0.6
