"""What is equally good is told apart by the order in which the suite declares it, and the plan and the report say so."""

import re

import bench
from bench.cli.main import main

CHAIN = """\
stages:
  first: {axes: {patience: {path: train.early_stopping.patience, values: [40, 50, 60]}}}
  then: {patch: {start: {stage: first}}, axes: {batch: {path: train.batch_size, values: [16]}}}
tables: {t: {stage: then, rows: batch, values: val/accuracy}}
"""
LEVELS = {"low": 0.1, "first": 0.2, "second": 0.2, "third": 0.2}
MADE = """\
stages:
  first: {{axes: {{arm: {{{arms}}}}}}}
  then: {{patch: {{start: {{stage: first, metric: {metric}}}}}, axes: {{batch: {{path: train.batch_size, values: [16]}}}}}}
tables: {{t: {{stage: then, rows: batch, values: {metric}}}}}
"""


def made(write, shelf, values, metric="val/accuracy", seeds=3):
    """A suite of which each arm's trials have these values of a metric, by seed; the other metrics are of no account."""
    arms = ", ".join(f"{arm}: {{train: {{optimizer: {{lr: 0.0{number}}}}}}}" for number, arm in enumerate(values, 1))
    path = write(MADE.format(arms=arms, metric=metric), changes={"seeds: 2": f"seeds: {seeds}"})
    suite = bench.load(path, tracker=shelf)
    shelf.fill(suite, lambda job: {metric: values.get(job.trial.cell.labels.get("arm"), [0.5] * seeds)[job.trial.seed]})
    return suite


def told(suite) -> str:
    """Return what the report says of where the second stage's trials come from."""
    (line,) = re.findall(r"^Every trial .*first: .*$", suite.report().render(), re.MULTILINE)
    return line


def test_of_results_that_are_the_same_the_first_declared_is_kept(write, inline, capsys):
    """A patience that no trial comes to the end of changes its fingerprint, and nothing else."""
    path = write(CHAIN)
    suite = bench.load(path)
    suite.run(**inline)
    frame = suite.report().frame()
    first = frame[frame.stage == "first"].pivot(index="seed", columns="patience", values="val/accuracy")
    assert len({run.tags["fingerprint"] for run in suite.tracker.runs("tiny")}) == 8
    assert first.nunique(axis="columns").tolist() == [1, 1]
    tie = "first: patience=40 (as good as patience=50 and patience=60; the first declared is kept)"
    assert tie in told(suite)
    (kept,) = suite.status().plan.kept
    assert kept.text_with_ties == tie and kept.tied == ("patience=50", "patience=60")
    assert main(["plan", str(path), "--no-probe"]) == 0 and f"then starts from {tie}" in capsys.readouterr().out
    started = {run.tags.get("start") for run in suite.tracker.runs("tiny")}
    assert started == {None, "first: patience=40"}


def test_the_order_is_that_of_the_suite_not_of_the_runs_nor_of_the_alphabet(write, shelf):
    suite = made(write, shelf, {"z": [0.2] * 3, "m": [0.3] * 3, "a": [0.3] * 3, "k": [0.3] * 3})
    assert "first: arm=m (as good as arm=a and arm=k; the first declared is kept)" in told(suite)
    shelf.stored.reverse()
    assert "first: arm=m (as good as arm=a and arm=k; the first declared is kept)" in told(suite)


def test_what_differs_by_the_rounding_of_the_sum_alone_is_a_tie(write, shelf):
    forth, back = [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]
    assert sum(forth) != sum(back), "added up one after another"
    suite = made(write, shelf, {"forth": forth, "back": back})
    assert "first: arm=forth (as good as arm=back; the first declared is kept)" in told(suite)
    third = made(write, type(shelf)(), {"whole": [1 / 3] * 3, "parts": [0.1 + 0.2 + 1 / 3 - 0.3, 1 / 3, 1 / 3]})
    assert "first: arm=whole (as good as arm=parts; the first declared is kept)" in told(third)


def test_what_is_better_by_more_than_rounding_is_kept_and_no_tie(write, shelf):
    suite = made(write, shelf, {"one": [0.5, 0.5, 0.5], "other": [0.5, 0.5, 0.5 + 1e-6]})
    assert "first: arm=other" in told(suite) and "as good as" not in told(suite)


def test_the_least_loss_is_the_best_and_ties_alike(write, shelf):
    suite = made(write, shelf, {"high": [0.9] * 3, "low": [0.1, 0.2, 0.3], "same": [0.3, 0.2, 0.1]}, metric="val/loss")
    assert "first: arm=low (as good as arm=same; the first declared is kept)" in told(suite)
