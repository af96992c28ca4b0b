"""Suites whose split varies with the seed, from the command line."""

import io

import numpy as np
import pytest

from bench.trackers import open_tracker

SPLIT = """\
suite: split
title: Splits
data: {source: digits, subset: {train: 96, val: 48}}
base: {model: {name: simple_cnn}, train: {epochs: 2, batch_size: 32, optimizer: {name: sgd, lr: 0.05}}}
seeds: 3
vary: [split]
stages:
  s: {axes: {lr: {path: train.optimizer.lr, values: [0.05, 0.1]}}}
  v: {ensemble: {stages: [s], pool: seed}}
tables:
  t: {title: Accuracy, stage: s, rows: lr, values: [val/accuracy, test/accuracy]}
claims:
  more: {says: a larger rate is better, stage: s, metric: val/accuracy, of: {lr: 0.1}, higher_than: {lr: 0.05}}
"""


def indices(bench, split="val"):
    """Return the images of a part by cell and seed."""
    found = {}
    tracker = open_tracker(f"sqlite:///{bench.folder}/mlflow.db")
    for run in tracker.runs("split"):
        content = np.load(io.BytesIO(tracker.artifact(run.run_id, "predictions.npz")))
        found[run.tags["cell"], run.tags["seed"]] = set(content[f"{split}/indices"].tolist())
    return found


@pytest.mark.parametrize("pack", ["off", "6"])
def test_arms_of_a_seed_share_its_split(bench, pack):
    bench.write(SPLIT, "split.yaml")
    answer = bench("run", "split.yaml", "--pack", pack, "--workers", "1")
    assert answer.code == 0, answer.err
    runs = bench.runs("split")
    assert {run.tags["redrawn.val"] for run in runs} == {"48/96"}
    trained = [run for run in runs if run.tags["stage"] == "s"]
    assert len(runs) == 9 and len(trained) == 6, "the votes of a seed are told like it"
    assert {run.tags.get("pack", "1") for run in trained} == ({"1"} if pack == "off" else {"6"}), "each trains on its own images"
    for part in ("val", "test"):
        of = indices(bench, part)
        assert all(of["lr=0.05", seed] == of["lr=0.1", seed] for seed in "012")
        assert all(of["", seed] == of["lr=0.1", seed] for seed in "012"), "each votes on the images of its seed"
        assert len({frozenset(images) for images in of.values()}) == 3
    for told in (
        "over n=3 seeds, each with its own split; paired t-test for overlapping splits (Nadeau and Bengio), Holm",
        "the same for all arms of a seed, the split: seed and split are one source of variation",
        "the t-test has Nadeau and Bengio's variance, (1/n + test/train) s²",
    ):
        assert told in answer.tables
    assert bench("plan", "split.yaml").out.count("to do: 0 trials")


def test_weights_need_the_split_of_their_seed(bench):
    stages = """\
stages:
  a: {axes: {e: {path: train.epochs, values: [1]}}}
  b: {patch: {model: {weights: {stage: a}}}, axes: {e: {path: train.epochs, values: [1]}}}
"""
    head = SPLIT.partition("stages:")[0]
    bench.write(head + stages, "split.yaml")
    assert bench("validate", "split.yaml").code == 0, "of each seed they know its own split"
    for text in (stages.replace("stage: a}", "stage: a, seed: 0}"), stages.replace("b: {", "b: {vary: [], ")):
        bench.write(head + text, "split.yaml")
        answer = bench("validate", "split.yaml")
        assert answer.code == 1 and "split.yaml:9: stage 'a' trains these weights on" in answer.err
        assert "and the same `vary:`" in answer.err


def test_seeds_crossed_with_splits(bench):
    text = (
        SPLIT.replace("  v: {ensemble: {stages: [s], pool: seed}}\n", "")
        .replace("vary: [split]", "vary: {split: 2}")
        .replace("val: 48}", "val: 48, test: 48}")
    )
    bench.write(text, "split.yaml")
    answer = bench("run", "split.yaml", "--workers", "1", "--pack", "6")
    assert answer.code == 0, answer.err
    runs = bench.runs("split")
    assert len(runs) == 12 and {run.tags["axis.split"] for run in runs} == {"0", "1"}
    assert {run.tags["resplit.val"] for run in runs} == {"48/96"} and not any("redrawn.val" in run.tags for run in runs)
    assert "over n=3 seeds, each the mean of 2 splits; t-test over seeds and splits (crossed error)" in answer.tables
    assert "each runs on each of several splits: seeds and splits are two sources of variation" in answer.tables
    by_cell = {(run.tags["axis.lr"], run.tags["axis.split"], run.tags["seed"]): run.metrics["val/accuracy"] for run in runs}
    mean = sum(value for (lr, _, _), value in by_cell.items() if lr == "0.1") / 6
    row = next(line for line in answer.tables.splitlines() if line.startswith("| 0.1"))
    assert f"{mean:.3f}"[:4] in row
