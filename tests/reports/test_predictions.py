"""Claims over seeds and images, from stored predictions."""

import io
from dataclasses import replace

import numpy as np
import pytest

from bench.reports.records.arms import ArmValues
from bench.reports.records.predictions import crossed_comparison
from bench.reports.statistics import crossed, mcnemar


def stored(correct, order, split="test"):
    """Return predictions.npz of one run: 3 classes, right where `correct` says so, images in the given order."""
    targets = np.arange(len(correct)) % 3
    said = np.where(correct, targets, (targets + 1) % 3)
    probabilities = np.eye(3, dtype=np.float16)[said]
    buffer = io.BytesIO()
    arrays = {"probabilities": probabilities[order], "targets": targets[order], "indices": 100 + order}
    np.savez(buffer, **{f"{split}/{name}": array for name, array in arrays.items()})
    return buffer.getvalue()


@pytest.fixture
def study(make):
    """Return the two arms, and the store of their predictions; every run has its images in an order of its own."""
    rng = np.random.default_rng(3)
    difficulty = rng.normal(size=200)
    correct = {arm: difficulty + rng.normal(size=(4, 200)) < (1.0 if arm == "a" else 0.7) for arm in "ab"}
    store, arms = {}, []
    for arm in "ab":
        records = {}
        for seed in range(4):
            trial = make.expected(model=arm, seed=seed)
            run = make.run(trial, test__accuracy=correct[arm][seed].mean())
            store[run.run_id] = stored(correct[arm][seed], rng.permutation(200))
            records[seed] = (type("R", (), {"run": run})(),)
        arms.append(ArmValues(arm, {s: correct[arm][s].mean() for s in range(4)}, records))
    return correct, arms, store


def test_images_are_matched_by_their_index(study):
    correct, (a, b), store = study
    over_both = crossed_comparison(a, b, "test/accuracy", 0.95, store.get)
    found = over_both.comparison
    expected = crossed(correct["a"], correct["b"])
    assert found.p == pytest.approx(expected.comparison.p) and found.error == pytest.approx(expected.comparison.error)
    assert found.difference == pytest.approx(np.mean(list(a.values.values())) - np.mean(list(b.values.values())))
    assert found.test == "crossed" and list(found.deltas) == [0, 1, 2, 3] and over_both.items == 200
    sds = [(one.seed_sd, one.item_sd, one.residual_sd) for one in (over_both, expected)]
    assert sds[0] == pytest.approx(sds[1])
    assert over_both.error_of_seeds == pytest.approx(expected.error_of_seeds)


def test_one_seed_is_too_few_whatever_the_images(study):
    _, (a, b), store = study
    found = crossed_comparison(replace(a, values={1: a.values[1]}), b, "test/accuracy", 0.95, store.get)
    assert found.comparison.p is None and "seed" in found.comparison.reason and found.error_of_seeds is None


def test_two_models_of_one_seed_each_are_compared_over_images_alone(study):
    correct, (a, b), store = study
    alone = [replace(arm, values={2: arm.values[2]}) for arm in (a, b)]
    found = crossed_comparison(*alone, "test/accuracy", 0.95, store.get).comparison
    expected = mcnemar(correct["a"][2].tolist(), correct["b"][2].tolist())
    assert (found.test, found.n, found.p, found.ci_low) == ("mcnemar", 200, expected.p, pytest.approx(expected.ci_low))
    assert found.difference == pytest.approx(a.values[2] - b.values[2])


@pytest.mark.parametrize(
    ("metric", "change", "words"),
    [
        ("val/loss", lambda a, store: (a, store.get), "needs val/accuracy or test/accuracy, not val/loss"),
        ("test/accuracy", lambda a, store: (a, None), "with its predictions"),
        ("test/accuracy", lambda a, store: (a, lambda run_id: None), "the run of seed 0 of a has no stored predictions"),
        ("test/accuracy", lambda a, store: (replace(a, values={9: 0.5}), store.get), "no seed in common"),
    ],
)
def test_what_is_missing_is_said(study, metric, change, words):
    _, (a, b), store = study
    arm, source = change(a, store)
    found = crossed_comparison(arm, b, metric, 0.95, source).comparison
    assert found.p is None and words in found.reason


@pytest.mark.parametrize("metric", ["test/robust/accuracy", "ood/accuracy", "test/f1", "train/accuracy", "test/predicted/cat"])
def test_predictions_are_of_the_accuracy_on_the_images_of_their_split_alone(study, metric):
    _, (a, b), store = study
    comparison = crossed_comparison(a, b, metric, 0.95, store.get).comparison
    assert comparison.p is None and comparison.reason.endswith(f"needs val/accuracy or test/accuracy, not {metric}")
