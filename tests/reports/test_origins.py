"""What is said of trials that were made from those of other stages."""

import pytest

from bench.reports.layout.results import results
from bench.reports.records.arms import Records
from bench.reports.records.collect import collect
from bench.reports.records.origins import origins
from bench.reports.tables.build import build
from bench.trackers import StoredRun


def test_each_origin_is_an_end_of_a_sentence_without_its_seed():
    tags = {"start": "another: x=1", "weights": "pretraining: model=resnet50, seed 3", "members": "38 of 380", "other": "x"}
    assert origins("tuning-lr: lr=0.05", StoredRun("a", "FINISHED", tags)) == (
        "starts from the best of tuning-lr: lr=0.05",
        "starts from the weights of pretraining: model=resnet50",
        "is the vote of 38 of 380 trials",
    )
    assert origins("", StoredRun("a", "FINISHED", {"device": "cpu", "start": "of another cell that shares the run"})) == ()


@pytest.fixture
def told(make):
    """Return what stands below a table noise x model; tags_of, start_of: (noise, model, seed) → the run's tags, what it starts
    from."""

    def made(tags_of=lambda *_: {}, missing=(), start_of=lambda *_: ""):
        planned = [
            make.expected(noise=n, model=m, seed=s, start=start_of(n, m, s))
            for n in ("0", "1")
            for m in ("simple", "complex")
            for s in (0, 1)
        ]
        runs = [
            make.run(trial, val__accuracy=0.5 + 0.1 * trial.seed, tags=tags_of(*trial.labels.values(), trial.seed))
            for trial in planned
            if (trial.labels["noise"], trial.labels["model"]) not in missing
        ]
        table = build(make.spec(), Records(collect(planned, runs)))
        return [remark for remark in results(table, table.stacks).remarks if not remark.startswith(("Bold", "Not compared"))]

    return made


def test_an_arm_names_the_origin_of_its_weights_once_for_all_seeds_and_rows(told):
    def weights(noise, model, seed):
        return {"weights": f"pretraining: model=resnet50, seed {seed}"} if model == "complex" else {}

    expected = ["complex: starts from the weights of pretraining: model=resnet50."]
    assert told(weights) == expected
    assert told(weights, missing=[("1", "complex")]) == expected  # what has no result has no origin either


def test_origins_that_differ_by_row_are_told_by_row_and_others_by_cell(told):
    assert told(lambda noise, model, seed: {"members": f"{5 * (1 + int(noise))} of 10"}) == [
        "0: is the vote of 5 of 10 trials.", "1: is the vote of 10 of 10 trials.",
    ]  # fmt: skip
    assert told(start_of=lambda noise, model, seed: "a: x=1" if (noise, model) == ("1", "complex") else "") == [
        "1 / complex: starts from the best of a: x=1."
    ]


def test_what_all_share_is_told_once(told):
    assert told(lambda *_: {"weights": "b: y=2, seed 0"}, start_of=lambda *_: "a: x=1") == [
        "Every trial starts from the best of a: x=1 and starts from the weights of b: y=2."
    ]
    assert told() == []


def test_arms_of_one_origin_share_a_remark(told):
    start = {"simple": "tuning: lr=0.1", "complex": "tuning: lr=0.1"}
    assert told(start_of=lambda noise, model, seed: start[model] if noise == "0" else "") == [
        "0: starts from the best of tuning: lr=0.1."
    ]
