"""Whole trials: what they measure, how they end, and that a seed decides every bit."""

import hashlib
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch

from bench.data import Dataset, split
from bench.errors import BenchError
from bench.training import run_trial
from bench.training.program import Program

FRESH = """
import pickle, sys, torch
from pathlib import Path
from bench.data import Dataset
from bench.training import run_trial
torch.set_num_threads(1)
config = pickle.loads(Path(sys.argv[2]).read_bytes())
print(pickle.dumps(run_trial(config, int(sys.argv[3]), Dataset.open(Path(sys.argv[1])), keep_weights=True)).hex())
"""

TIMES = {"wall_clock", "images_per_second", "seconds"}


def bits(result):
    """All of a result but the times, in a form that compares exactly."""
    return (
        result.outcome,
        result.message,
        {name: value for name, value in result.metrics.items() if name not in TIMES},
        [{name: value for name, value in row.items() if name not in TIMES} for row in result.history],
        {
            (part, name): hashlib.sha256(array.tobytes()).hexdigest()
            for part, arrays in result.predictions.items()
            for name, array in arrays.items()
        },
        {name: hashlib.sha256(tensor.numpy().tobytes()).hexdigest() for name, tensor in (result.weights or {}).items()},
    )


@pytest.fixture
def everything_random(trial_config):
    """A trial that draws from every stream, and uses what makes targets soft."""
    return trial_config(
        model={"name": "test_resnet", "head": {"hidden": [8], "batch_norm": True, "dropout": 0.5, "l2": 0.01}},
        data={
            "label_noise": {"share": 0.1},
            "copies": {"classes": ["red"], "variances": [0.1, 0.2]},
            "noise": {"variance": 0.01},
            "append": {"share": 0.3, "augment": [{"name": "cutmix"}, {"name": "shift"}]},
            "environments": {"by": "copy"},
            "augment": [{"name": "flip"}, {"name": "crop"}, {"name": "noise", "variance": 0.01}, {"name": "cutmix"}],
        },
        epochs=2,
        optimizer={"name": "adam"},
        schedule={"name": "cosine", "warmup": 1},
        sampling="balanced",
        loss={"name": "irm", "warmup": 0.5},
        restore_best="val/loss",
        class_metrics=["accuracy", "precision", "recall", "f1", "predicted", "size"],
        class_groups={"warm": ["red", "green"]},
    )


def test_a_trial_learns_and_measures_everything(dataset, trial_config):
    result = run_trial(trial_config(epochs=8, restore_best="val/accuracy"), 0, dataset)
    assert result.outcome == "finished"
    assert result.message == ""
    assert result.metrics["test/accuracy"] > 0.8
    names = {f"{part}/{metric}" for part in ("train", "val", "test") for metric in ("loss", "accuracy")}
    names |= {f"test/class_accuracy/{name}" for name in ("red", "green", "light_blue")}
    at_end = {f"{part}/{metric}" for part in ("val", "test") for metric in ("precision", "recall", "f1")}
    at_end |= {"val/mean_accuracy", "convergence_epoch", "wall_clock", "images_per_second", "epochs", "best_epoch"}
    at_end |= {"parameters", "total_parameters", "peak_memory"}
    assert set(result.metrics) == names | at_end
    assert (result.weights, result.images) == (None, {})
    assert [row["epoch"] for row in result.history] == list(range(1, 9))
    assert all(
        set(row) == {n for n in names if n[:4] != "test" and "class" not in n} | {"epoch", "seconds"} for row in result.history
    )
    seconds = [row["seconds"] for row in result.history]
    assert seconds == sorted(seconds)
    assert 0 < result.metrics["wall_clock"] <= seconds[-1]
    assert result.metrics["images_per_second"] == pytest.approx(8 * 120 / result.metrics["wall_clock"])


def test_predictions_agree_with_metrics_and_point_to_their_images(dataset, trial_config):
    config = trial_config()
    result = run_trial(config, 0, dataset)
    chosen = split(dataset, config.data)
    for part, indices, labels in (("val", chosen.val, dataset.train_labels), ("test", chosen.test, dataset.test_labels)):
        found = result.predictions[part]
        assert {name: array.dtype.name for name, array in found.items()} == {
            "probabilities": "float16", "targets": "int32", "indices": "int64",
        }  # fmt: skip
        assert np.array_equal(found["indices"], indices)
        assert np.array_equal(found["targets"], labels[indices])
        probabilities = found["probabilities"].astype(float)
        assert np.allclose(probabilities.sum(1), 1, atol=2e-3)
        right = probabilities.argmax(1) == found["targets"]
        assert right.mean() == pytest.approx(result.metrics[f"{part}/accuracy"])
        red = right[found["targets"] == 0].mean()
        matrix = result.confusion[part]
        assert matrix.sum() == len(right) and red == pytest.approx(matrix[0, 0] / matrix[0].sum())
        if part == "test":
            assert red == pytest.approx(result.metrics["test/class_accuracy/red"])
        loss = -np.log(probabilities[np.arange(len(right)), found["targets"]]).mean()
        assert loss == pytest.approx(result.metrics[f"{part}/loss"], rel=0.02)


def test_a_seed_decides_every_bit_whatever_ran_before(dataset, trial_config, everything_random, tmp_path):
    dataset.save(tmp_path)
    (tmp_path / "config").write_bytes(pickle.dumps(everything_random))
    fresh = subprocess.run(
        [sys.executable, "-c", FRESH, str(tmp_path), str(tmp_path / "config"), "5"],
        capture_output=True,
        text=True,
        check=True,
    )
    first = pickle.loads(bytes.fromhex(fresh.stdout))
    assert first.outcome == "finished"
    run_trial(trial_config(epochs=1, deterministic="fast"), 1, dataset)
    torch.rand(7)
    second = run_trial(everything_random, 5, Dataset.open(tmp_path), keep_weights=True)
    run_trial(everything_random, 6, dataset)
    third = run_trial(everything_random, 5, dataset, keep_weights=True)
    assert bits(first) == bits(second) == bits(third)
    assert bits(run_trial(everything_random, 6, dataset, keep_weights=True)) != bits(first)


def test_a_trial_leaves_no_trace_in_the_process(dataset, trial_config):
    def state():
        return (
            torch.get_rng_state().tolist(),
            torch.are_deterministic_algorithms_enabled(),
            torch.backends.cudnn.benchmark,
            torch.utils.deterministic.fill_uninitialized_memory,
        )

    before = state()
    for mode in ("strict", "fast"):
        run_trial(trial_config(epochs=1, deterministic=mode), 0, dataset)
        assert state() == before


def test_one_more_consumer_shifts_no_other_stream(dataset, trial_config, monkeypatch):
    orders = []
    shuffle = torch.randperm
    monkeypatch.setattr(torch, "randperm", lambda *a, **k: orders.append(shuffle(*a, **k)) or orders[-1])
    plain = {"name": "simple_cnn", "args": {"filters": [4, 4, 4], "hidden": 8}}
    run_trial(trial_config(model=plain, epochs=2), 0, dataset)
    run_trial(
        trial_config(model={**plain, "head": {"hidden": [4], "dropout": 0.5}}, data={"augment": [{"name": "flip"}]}, epochs=2),
        0,
        dataset,
    )
    assert len(orders) == 4
    assert torch.equal(orders[0], orders[2])
    assert torch.equal(orders[1], orders[3])
    assert not torch.equal(orders[0], orders[1])


def test_restoring_takes_the_best_epochs_weights_and_metrics(dataset, trial_config):
    # A learning rate that grows spoils what the first epochs have learned.
    growing = {"schedule": {"name": "exponential", "gamma": 6.0}, "epochs": 4, "divergence": 1e12}
    best = run_trial(trial_config(restore_best="val/loss", **growing), 0, dataset)
    last = run_trial(trial_config(**growing), 0, dataset)
    assert best.history[0].keys() == last.history[0].keys()
    losses = [row["val/loss"] for row in best.history]
    epoch = best.metrics["best_epoch"]
    assert epoch == 1 + losses.index(min(losses)) < 4
    assert best.metrics["val/loss"] == min(losses)
    assert best.metrics["train/loss"] == best.history[epoch - 1]["train/loss"]
    assert last.metrics["val/loss"] == losses[-1]
    short = run_trial(trial_config(**{**growing, "epochs": epoch}), 0, dataset)
    assert short.metrics["test/loss"] == best.metrics["test/loss"] != last.metrics["test/loss"]
    for part in ("val", "test"):
        arrays = (result.predictions[part]["probabilities"] for result in (short, best))
        assert np.array_equal(*arrays)


def test_early_stopping_waits_for_its_patience(dataset, trial_config):
    stopping = {"metric": "val/loss", "patience": 2, "min_delta": 10.0}  # nothing improves by so much
    result = run_trial(trial_config(epochs=9, early_stopping=stopping), 0, dataset)
    assert result.outcome == "finished"
    assert result.metrics["epochs"] == len(result.history) == 3
    assert "test/accuracy" in result.metrics


def test_a_report_that_says_stop_stops_before_the_test(dataset, trial_config):
    seen = []

    def report(epoch, metrics):
        seen.append((epoch, metrics["val/accuracy"]))
        return epoch == 2

    result = run_trial(trial_config(epochs=5), 0, dataset, report=report)
    assert result.outcome == "stopped"
    assert seen == [(row["epoch"], row["val/accuracy"]) for row in result.history]
    assert result.metrics["epochs"] == 2
    assert result.predictions == {}
    assert not any(name.startswith("test") for name in result.metrics)


@pytest.mark.parametrize(
    ("train", "reason"),
    [
        ({"optimizer": {"name": "sgd", "lr": 1e30}}, "is nan in epoch 1|is inf in epoch 1"),
        ({"divergence": 0.01}, "more than 0.01 times the 1.099 of guessing"),
    ],
)
def test_divergence_is_an_outcome_without_nans(dataset, trial_config, train, reason):
    result = run_trial(trial_config(**train), 0, dataset)
    assert result.outcome == "diverged"
    assert any(part in result.message for part in reason.split("|"))
    assert len(result.history) == 1
    assert all(math.isfinite(value) for value in [*result.metrics.values(), *result.history[0].values()])
    assert result.metrics["epochs"] == 1
    assert result.predictions == {}


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_lack_of_memory_is_an_outcome_that_keeps_what_was_measured(dataset, trial_config, monkeypatch, error):
    real, calls = Program.train_epoch, []

    def train_epoch(*args):
        calls.append(1)
        if len(calls) == 2:
            raise error
        return real(*args)

    monkeypatch.setattr(Program, "train_epoch", train_epoch)
    result = run_trial(trial_config(), 0, dataset)
    assert result.outcome == "oom"
    assert "out of memory on cpu" in result.message
    assert len(result.history) == 1
    assert result.metrics["val/accuracy"] == result.history[0]["val/accuracy"]


def test_real_lack_of_memory_is_recognised(dataset, trial_config):
    huge = {"name": "simple_cnn", "args": {"hidden": 10**13}}
    result = run_trial(trial_config(model=huge), 0, dataset)
    assert result.outcome == "oom"


def test_other_errors_are_not_taken_for_lack_of_memory(dataset, trial_config, monkeypatch):
    def broken(*args):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(Program, "train_epoch", broken)
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        run_trial(trial_config(), 0, dataset)


@pytest.mark.parametrize(
    ("train", "device", "message"),
    [
        ({"precision": "bfloat16"}, "cpu", "bfloat16 needs CUDA"),
        ({"compile": True}, "cpu", "compile needs CUDA"),
        ({}, "gpu", "unknown device 'gpu'"),
        ({}, "cuda:99", "there is no device cuda:99"),
    ],
)
def test_what_the_device_cannot_do_is_an_error(dataset, trial_config, train, device, message):
    with pytest.raises(BenchError, match=message) as raised:
        run_trial(trial_config(**train), 0, dataset, device=device)
    assert raised.value.mend


def test_the_last_short_batch_is_trained_on(dataset, trial_config):
    # 120 training images: 119 + 1 leaves the single one out, 118 + 2 does not.
    for batch_size, trained in ((119, 119), (118, 120)):
        metrics = run_trial(trial_config(epochs=1, batch_size=batch_size), 0, dataset).metrics
        assert metrics["images_per_second"] * metrics["wall_clock"] == pytest.approx(trained)
    assert metrics["train/accuracy"] * 120 == pytest.approx(round(metrics["train/accuracy"] * 120))


def test_label_smoothing_changes_training_but_not_how_loss_is_measured(dataset, trial_config):
    smooth = run_trial(trial_config(epochs=1, label_smoothing=0.9, optimizer={"name": "sgd", "lr": 1e-9}), 0, dataset)
    plain = run_trial(trial_config(epochs=1, optimizer={"name": "sgd", "lr": 1e-9}), 0, dataset)
    assert smooth.metrics["val/loss"] == pytest.approx(plain.metrics["val/loss"], rel=1e-5)
    assert smooth.metrics["train/loss"] != pytest.approx(plain.metrics["train/loss"], rel=1e-5)


def test_memory_formats_agree(dataset, trial_config):
    runs = [run_trial(trial_config(epochs=1, channels_last=last), 0, dataset) for last in (True, False)]
    assert runs[0].history[0]["train/loss"] == pytest.approx(runs[1].history[0]["train/loss"], rel=1e-3)


def test_a_frozen_body_trains_its_head(dataset, trial_config):
    spec = {"name": "resnet18", "frozen": True, "head": {"hidden": [16]}}
    history = run_trial(trial_config(model=spec, epochs=4), 0, dataset).history
    assert history[-1]["train/loss"] < history[0]["train/loss"]


def test_a_model_that_does_not_take_the_images_is_an_error(dataset, trial_config):
    with pytest.raises(BenchError, match="does not take images of 22x22"):
        run_trial(trial_config(model={"name": "inception_v3"}), 0, dataset)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    "train", [{}, {"precision": "bfloat16"}, {"deterministic": "fast", "compile": True}, {"channels_last": False}]
)
def test_trials_run_on_cuda(dataset, trial_config, everything_random, train):
    result = run_trial(trial_config(epochs=4, **train), 0, dataset, device="cuda")
    assert result.outcome == "finished"
    assert result.metrics["test/accuracy"] > 0.5
    if train.get("deterministic") != "fast":
        assert bits(result) == bits(run_trial(trial_config(epochs=4, **train), 0, dataset, device="cuda"))
        assert bits(run_trial(everything_random, 3, dataset, "cuda")) == bits(run_trial(everything_random, 3, dataset, "cuda"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_nothing_in_an_epoch_waits_for_the_device(dataset, everything_random, monkeypatch):
    real, epochs = Program.train_epoch, []

    def train_epoch(*args):
        epochs.append(1)
        torch.cuda.set_sync_debug_mode("error" if len(epochs) > 1 else "default")  # the first epoch prepares itself
        try:
            return real(*args)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    monkeypatch.setattr(Program, "train_epoch", train_epoch)
    assert run_trial(everything_random, 0, dataset, device="cuda").outcome == "finished"
    assert len(epochs) == 2
