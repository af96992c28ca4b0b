"""What a report gives as DataFrames: every trial, and every verdict."""

import json

import pandas as pd
import pytest

import bench
from bench.api import Outcome

CLAIM = ["claim", "says", "verdict", "holds", "margin", "exploratory"]
PART = (
    *("part", "contrast", "part_verdict", "why", "n", "difference", "ci_low", "ci_high"),
    *("p", "holm", "unit", "seeds_needed", "preliminary"),
)
LOGGED = """\
stages: {s: {axes: {lr: {path: train.optimizer.lr, values: [0.01]}, seed: {one: {}, two: {train: {batch_size: 16}}}}}}
metrics: {votes: {}, share: {minus: [votes, val/accuracy]}}
"""


def table(markdown: str, title: str) -> dict[tuple[str, str], str]:
    """Return the cells of the first table under a title, by row and column."""
    lines = markdown.split(f"\n## {title}\n")[1].split("\n\n")[1].splitlines()
    head, _, *body = [[text.strip(" *") for text in line.strip("|").split("|")] for line in lines]
    return {(row[0], column): text for row in body for column, text in zip(head[1:], row[1:], strict=True)}


def test_a_row_a_trial_and_a_column_an_axis(shown):
    frame = shown.report().frame()
    assert list(frame.columns[:6]) == ["stage", "lr", "axis.epochs", "axis.outcome", "seed", "outcome"], "names that were taken"
    assert frame.columns[-1] == "run_id" and frame.columns.is_unique and len(frame) == 18
    assert frame.groupby("stage").size().to_dict() == {"grid": 12, "other": 6}
    grid, other = (frame[frame.stage == stage] for stage in ("grid", "other"))
    assert set(zip(grid.lr, grid["axis.epochs"], grid.seed, strict=True)) == {
        (lr, epochs, seed) for lr in ("0.01", "0.1") for epochs in ("1", "2") for seed in (0, 1, 2)
    }
    assert grid["axis.outcome"].isna().all() and other.lr.isna().all() and set(other["axis.outcome"]) == {"early", "broken"}
    assert (grid["axis.epochs"].astype(float) == grid.epochs).all(), "the axis and the metric of one name"
    assert all(isinstance(outcome, str) for outcome in frame.outcome)
    assert frame.seed.dtype.kind == "i"


def test_every_metric_stands_there_and_nothing_where_a_trial_has_none(shown):
    report = shown.report()
    frame = report.frame()
    stored = {run.run_id: run for run in shown.tracker.runs("shown")}
    metrics = {metric for run in stored.values() for metric in run.metrics}
    assert metrics | {"gap"} == set(frame.columns) - {
        "stage", "lr", "axis.epochs", "axis.outcome", "seed", "outcome", "run_id",
    }  # fmt: skip
    assert all(frame[metric].dtype == "float64" for metric in metrics | {"gap"})
    finished = frame[frame.outcome == "finished"]
    assert len(finished) == 15 and finished.notna()[["val/accuracy", "test/class_accuracy/3", "gap"]].all(axis=None)
    for row in finished.to_dict("records"):
        run = stored[row["run_id"]]
        assert {metric: row[metric] for metric in run.metrics} == run.metrics
        assert row["gap"] == run.metrics["train/accuracy"] - run.metrics["val/accuracy"]
    broken = frame[frame["axis.outcome"] == "broken"]
    assert set(broken.outcome) == {"diverged"} and broken[sorted(metrics | {"gap"})].isna().all(axis=None)
    assert set(broken.run_id) <= set(stored), "the run of a trial that diverged says why"


def test_grouping_it_gives_what_the_tables_print(shown):
    report = shown.report()
    frame, markdown = report.frame(), report.render()
    for metric, title, scale in (("val/accuracy", "t", 100), ("val/loss", "o", 1)):
        stage, by = ("grid", ["lr", "axis.epochs"]) if title == "t" else ("other", "axis.outcome")
        grouped = frame[frame.stage == stage].groupby(by)[metric].agg(["mean", "std"]) * scale
        printed = table(markdown, title)
        assert len(printed) == len(grouped)
        for labels, ours in zip(grouped.index, grouped.to_numpy(), strict=True):
            text = printed[labels if title == "t" else (labels, metric)]
            if pd.isna(ours[0]):
                assert text == "diverged (3/3)"
                continue
            theirs = text.rstrip("≈†").split(" ± ")
            last = 10.0 ** -len(theirs[0].partition(".")[2])
            assert [float(number) for number in theirs] == pytest.approx(ours, abs=0.5001 * last, rel=0)


def test_a_row_a_contrast_with_the_verdicts_of_the_report(shown):
    report = shown.report()
    claims, told = report.claims(), json.loads(report.render("json"))["claims"]
    assert sorted(claims.columns) == sorted([*CLAIM, *PART])
    assert list(zip(claims.claim, claims.part, strict=True)) == [("faster", "epochs=1"), ("faster", "epochs=2"), ("same", "")]
    for row in claims.astype(object).where(claims.notna(), None).to_dict("records"):
        claim = told[row["claim"]]
        part = claim["parts"][row["part"]]
        assert {name: row[name] for name in CLAIM[1:]} == {name: claim[name] for name in CLAIM[1:]}
        expected = part | part["result"] | {"part": part["label"], "part_verdict": part["verdict"], "p": part["p"]}
        assert {name: row[name] for name in PART} == {name: expected[name] for name in PART}
    assert claims.set_index("claim").verdict["same"] == "equivalent" and claims.set_index("claim").holds["same"] is True
    assert set(claims.n) == {3}


def test_before_any_run(shown, folder):
    suite = bench.load(shown.suite.document.file, tracker="sqlite:///empty.db")
    frame, claims = suite.report().frame(), suite.report().claims()
    assert len(frame) == 18 and set(frame.outcome) == {"missing"} and frame.run_id.isna().all()
    assert list(frame.columns) == ["stage", "lr", "axis.epochs", "axis.outcome", "seed", "outcome", "gap", "run_id"]
    assert frame.gap.dtype == "float64" and frame.gap.isna().all()
    assert sorted(claims.columns) == sorted([*CLAIM, *PART]) and set(claims.verdict) == {"unresolved"}
    assert set(claims.n) == {0} and claims.holds.isna().all() and claims.p.isna().all() and len(claims) == 3
    assert not (folder / "empty.db").exists()


def test_a_suite_without_claims(write):
    claims = bench.load(write()).report().claims()
    assert len(claims) == 0 and list(claims.columns[:4]) == CLAIM[:4]
    assert len(bench.load(write()).report().frame()) == 4


def test_the_columns_of_the_verdicts_are_always_the_same(write, shown):
    assert list(bench.load(write()).report().claims().columns) == list(shown.report().claims().columns)


def test_an_axis_called_seed_and_metrics_that_something_else_logged(write, shelf):
    suite = bench.load(write(LOGGED), tracker=shelf)
    shelf.fill(suite, lambda job: {"val/accuracy": 0.5, "votes": float(job.trial.seed), "agreement/cat": 1.0})
    del shelf.stored[-1].metrics["votes"]
    frame = suite.report().frame()
    assert list(frame.columns[:5]) == ["stage", "lr", "axis.seed", "seed", "outcome"]
    assert list(frame["axis.seed"]) == ["one", "one", "two", "two"] and list(frame.seed) == [0, 1, 0, 1]
    assert list(frame.votes[:3]) == [0.0, 1.0, 0.0] and pd.isna(frame.votes[3])
    assert list(frame.share[:3]) == [-0.5, 0.5, -0.5] and pd.isna(frame.share[3])
    assert list(frame["agreement/cat"]) == [1.0] * 4, "what no suite declared, but a run has"


@pytest.mark.parametrize("name", ["stage", "seed", "outcome", "run_id"])
def test_a_metric_of_the_name_of_a_column_is_kept_apart(write, shelf, name):
    body = f"stages: {{s: {{axes: {{lr: {{path: train.optimizer.lr, values: [0.01]}}}}}}}}\nmetrics: {{{name}: {{}}}}\n"
    suite = bench.load(write(body), tracker=shelf)
    shelf.fill(suite, lambda job: {"val/accuracy": 0.5, name: 7.0})
    frame = suite.report().frame()
    assert frame.columns.is_unique
    assert (list(frame.stage), list(frame.seed), list(frame.outcome)) == (["s"] * 2, [0, 1], ["finished"] * 2)
    assert 7.0 in set(frame[[column for column in frame.columns if name in column and column != name]].to_numpy().ravel())


@pytest.mark.parametrize("outcome", [Outcome.OOM, Outcome.CRASHED, Outcome.DIVERGED])
def test_a_trial_without_a_result_has_no_value_whatever_its_run_has_logged(write, shelf, outcome):
    suite = bench.load(write(), tracker=shelf)
    shelf.fill(suite, lambda job: {"val/accuracy": 0.5})
    shelf.stored[0].tags["outcome"] = str(outcome)
    frame = suite.report().frame()
    assert frame.outcome[0] == str(outcome) and pd.isna(frame["val/accuracy"][0]) and frame.run_id[0] == "run0"
    assert list(frame["val/accuracy"][1:]) == [0.5] * 3
