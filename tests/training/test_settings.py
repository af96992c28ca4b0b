"""Trials with losses, penalties, sampling, mixed targets, class metrics and kept weights."""

import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.metrics import precision_recall_fscore_support

from bench.data import Preprocess, parts
from bench.errors import BenchError
from bench.training import run_trial

STILL = {"name": "sgd", "lr": 1e-30}
ENVIRONMENTS = {"environments": {"by": "class", "groups": [["red"], ["green", "light blue"]]}}
LOSSES = """
import torch
from torch.nn import functional as F

seen = []


def noting(scores, targets, options, context):
    seen.append((context, targets))
    return options.scale * F.cross_entropy(scores, targets)


def not_a_number(scores, targets, options, context):
    return F.cross_entropy(scores, targets) * float("nan")


def roll(images, options, generator):
    partner = torch.arange(len(images)).roll(1)
    return images, partner, torch.full((len(images),), 0.25)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Put a module of the user's own on the path; return it."""
    (tmp_path / "settings_parts.py").write_text(LOSSES)
    monkeypatch.syspath_prepend(str(tmp_path))
    import settings_parts

    yield settings_parts
    del sys.modules["settings_parts"]


def test_a_loss_of_the_users_own_gets_its_options_environments_and_the_epoch(dataset, trial_config, own):
    config = trial_config(
        data=ENVIRONMENTS,
        epochs=2,
        batch_size=40,
        label_smoothing=0.1,
        loss={"name": "settings_parts:noting", "args": {"scale": 3.0}},
    )
    result = run_trial(config, 0, dataset)
    assert result.outcome == "finished"
    assert [context.epoch for context, _ in own.seen] == pytest.approx([0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3])
    for context, targets in own.seen:
        assert (context.environment_count, context.label_smoothing) == (2, 0.1)
        assert torch.equal(context.environments, (targets > 0).long())
    for row in result.history:  # this loss smoothes no labels, the cross entropy does
        assert row["train/loss"] != pytest.approx(3 * row["train/cross_entropy"], rel=1e-4)
    plain = run_trial(config.model_copy(update={"train": config.train.model_copy(update={"label_smoothing": 0.0})}), 0, dataset)
    for row in plain.history:
        assert row["train/loss"] == pytest.approx(3 * row["train/cross_entropy"], rel=1e-5)


def test_irm_trains_and_tells_its_cross_entropy(dataset, trial_config):
    losses = {}
    for penalty in (0.0, 10.0):
        config = trial_config(data=ENVIRONMENTS, epochs=1, optimizer=STILL, loss={"name": "irm", "penalty": penalty})
        losses[penalty] = run_trial(config, 0, dataset).metrics
    plain = run_trial(trial_config(epochs=1, optimizer=STILL), 0, dataset).metrics
    assert "train/cross_entropy" not in plain
    for metrics in losses.values():
        assert metrics["train/cross_entropy"] == pytest.approx(plain["train/loss"], rel=1e-6)
    assert losses[10.0]["train/loss"] > losses[0.0]["train/loss"] > 1.5 * plain["train/loss"]  # two environments' sum
    learned = run_trial(trial_config(data=ENVIRONMENTS, epochs=8, loss={"name": "irm", "penalty": 0.1}), 0, dataset)
    assert learned.metrics["test/accuracy"] > 0.8


def test_the_penalty_changes_nothing_before_the_end_of_its_warm_up(dataset, trial_config):
    def history(penalty):
        loss = {"name": "irm", "penalty": penalty, "warmup": 2}
        config = trial_config(data=ENVIRONMENTS, epochs=3, loss=loss)
        return [{k: v for k, v in row.items() if k != "seconds"} for row in run_trial(config, 0, dataset).history]

    one, other = history(0.0), history(50.0)
    assert one[:2] == other[:2]
    assert one[2] != other[2]


def test_irm_without_environments_is_refused_before_training(dataset, trial_config):
    with pytest.raises(BenchError, match="needs environments") as raised:
        run_trial(trial_config(loss={"name": "irm"}), 0, dataset)
    assert "environments" in raised.value.mend


def test_a_large_penalty_is_no_divergence_but_a_loss_that_is_no_number_is(dataset, trial_config, own):
    huge = {"name": "settings_parts:noting", "args": {"scale": 1e6}}
    result = run_trial(trial_config(loss=huge, epochs=1, optimizer=STILL), 0, dataset)
    assert result.outcome == "finished"
    assert result.metrics["train/loss"] > 100 * np.log(3)
    result = run_trial(trial_config(loss={"name": "settings_parts:not_a_number"}, epochs=1), 0, dataset)
    assert (result.outcome, result.message) == ("diverged", "train/loss is nan in epoch 1")
    result = run_trial(trial_config(loss=huge, epochs=1, divergence=0.01, optimizer=STILL), 0, dataset)
    assert result.message.startswith("train/cross_entropy is ")


def test_the_heads_l2_penalty_is_in_the_loss_and_shrinks_its_weights(dataset, trial_config):
    def trained(l2, **train):
        model = {"name": "simple_cnn", "args": {"filters": [4, 4, 4], "hidden": 8}, "head": {"hidden": [6], "l2": l2}}
        return run_trial(trial_config(model=model, **{"epochs": 1, **train}), 0, dataset, keep_weights=True)

    def squares(result):
        return sum(
            value.double().square().sum().item()
            for name, value in result.weights.items()
            if name.startswith("head.") and value.ndim == 2
        )

    still = trained(0.5, optimizer=STILL)
    expected = still.metrics["train/cross_entropy"] + 0.5 * squares(still)
    assert still.metrics["train/loss"] == pytest.approx(expected, rel=1e-5)
    assert "train/cross_entropy" not in trained(0.0).metrics
    assert squares(trained(0.05, epochs=3)) < 0.9 * squares(trained(0.0, epochs=3))


def test_mixed_images_have_soft_targets_and_count_as_the_larger_share(dataset, trial_config, own):
    mixing = {"augment": [{"name": "settings_parts:roll"}]}
    loss = {"name": "settings_parts:noting", "args": {"scale": 1.0}}
    result = run_trial(trial_config(data=mixing, loss=loss, epochs=1, batch_size=40), 0, dataset)
    assert result.outcome == "finished"
    for _, targets in own.seen:
        assert targets.dtype == torch.float32 and targets.shape == (40, 3)
        assert torch.allclose(targets.sum(1), torch.ones(40))
        assert set(targets.unique().tolist()) == {0.0, 0.25, 0.75, 1.0}
    mixed = run_trial(trial_config(data=mixing, epochs=1, optimizer=STILL), 0, dataset).metrics
    plain = run_trial(trial_config(epochs=1, optimizer=STILL), 0, dataset).metrics
    assert mixed["train/accuracy"] != plain["train/accuracy"]  # measured by the partners' labels
    assert mixed["val/loss"] == pytest.approx(plain["val/loss"], rel=1e-6)


def test_appended_copies_that_were_mixed_train(dataset, trial_config):
    data = {"append": {"share": 0.5, "augment": [{"name": "cutmix", "p": 1.0}]}}
    config = trial_config(data=data, epochs=6)
    assert parts(dataset, config.data, 0)["train"].targets.shape == (180, 3)
    result = run_trial(config, 0, dataset)
    assert result.metrics["images_per_second"] * result.metrics["wall_clock"] == pytest.approx(6 * 180)
    assert result.metrics["test/accuracy"] > 0.8


def test_balanced_sampling_shifts_no_other_stream(dataset, trial_config, monkeypatch):
    states = []
    real = Preprocess.train

    def train(preprocess, images, targets, generator):
        found = real(preprocess, images, targets, generator)
        states.append(generator.get_state().tolist())
        return found

    monkeypatch.setattr(Preprocess, "train", train)
    small = {"name": "simple_cnn", "args": {"filters": [4, 4, 4], "hidden": 8}}
    starts = []
    for sampling in ("shuffle", "balanced"):
        config = trial_config(model=small, data={"augment": [{"name": "flip"}]}, epochs=1, sampling=sampling, optimizer=STILL)
        starts.append(run_trial(config, 0, dataset, keep_weights=True).weights["classifier.weight"])
    assert torch.equal(*starts)
    half = len(states) // 2
    assert states[:half] == states[half:]


def test_balanced_sampling_helps_the_classes_that_are_rare(dataset, trial_config):
    rare = {"reduce": {"classes": ["red", "green"], "keep": 0.1}}
    recalls = {}
    for sampling in ("shuffle", "balanced"):
        config = trial_config(data=rare, epochs=6, sampling=sampling, class_metrics=["recall", "size"])
        metrics = run_trial(config, 0, dataset).metrics
        assert [metrics[f"train/class_size/{name}"] for name in ("red", "green", "light_blue")] == [4, 4, 40]
        recalls[sampling] = metrics["test/recall/red"] + metrics["test/recall/green"]
    assert recalls["balanced"] > recalls["shuffle"]


def test_class_metrics_are_scikit_learns_of_the_stored_predictions(dataset, trial_config):
    config = trial_config(epochs=2, class_metrics=["precision", "recall", "f1", "size"])
    result = run_trial(config, 0, dataset)
    for split in ("val", "test"):
        found = result.predictions[split]
        predicted = found["probabilities"].astype(float).argmax(1)
        for average, names in ((None, ["/red", "/green", "/light_blue"]), ("macro", [""])):
            expected = precision_recall_fscore_support(found["targets"], predicted, average=average, zero_division=0)
            for metric, values in zip(("precision", "recall", "f1"), expected, strict=False):
                ours = [result.metrics[f"{split}/{metric}{name}"] for name in names]
                assert ours == pytest.approx(np.atleast_1d(values).tolist())
    assert result.metrics["train/class_size/red"] == 40
    assert not any("class_accuracy" in name for name in result.metrics)


def test_the_course_of_training_is_in_the_metrics(dataset, trial_config):
    result = run_trial(trial_config(epochs=5), 0, dataset, report=lambda epoch, metrics: epoch == 4)
    accuracies = [row["val/accuracy"] for row in result.history]
    assert result.outcome == "stopped" and len(accuracies) == 4
    assert result.metrics["val/mean_accuracy"] == pytest.approx(np.mean(accuracies))
    bar = 0.95 * max(accuracies)
    assert result.metrics["convergence_epoch"] == 1 + [value >= bar for value in accuracies].index(True)


def test_classes_are_those_that_the_trial_sees(dataset, trial_config):
    config = trial_config(data={"classes": ["red", "light blue"]}, epochs=1, class_metrics=["accuracy", "f1"])
    result = run_trial(config, 0, dataset)
    assert {name for name in result.metrics if name.startswith(("test/f1/", "test/class"))} == {
        "test/f1/red", "test/f1/light_blue", "test/class_accuracy/red", "test/class_accuracy/light_blue",
    }  # fmt: skip
    assert result.predictions["test"]["probabilities"].shape == (20, 2)
    assert result.confusion["test"].shape == (2, 2)


def test_kept_weights_are_those_that_were_evaluated_and_load_into_another_trial(dataset, trial_config, tmp_path):
    # A learning rate that grows spoils what the first epochs have learned.
    growing = {"schedule": {"name": "exponential", "gamma": 6.0}, "epochs": 4, "divergence": 1e12, "restore_best": "val/loss"}
    model = {"name": "simple_cnn", "args": {"filters": [8, 8, 8], "hidden": 16}}
    result = run_trial(trial_config(model=model, **growing), 0, dataset, keep_weights=True)
    assert result.metrics["best_epoch"] < 4
    assert all(value.is_contiguous() and value.device.type == "cpu" for value in result.weights.values())
    save_file(result.weights, tmp_path / "weights.safetensors")
    again = {**model, "weights": str(tmp_path / "weights.safetensors")}
    still = run_trial(trial_config(model={**again, "frozen": True}, epochs=1, optimizer=STILL), 0, dataset)
    assert still.metrics["test/loss"] == pytest.approx(result.metrics["test/loss"], rel=1e-6)
    assert still.predictions["test"]["probabilities"].tolist() == result.predictions["test"]["probabilities"].tolist()


def test_weights_are_kept_only_of_trials_that_finished(dataset, trial_config):
    stopped = run_trial(trial_config(), 0, dataset, report=lambda *_: True, keep_weights=True)
    diverged = run_trial(trial_config(divergence=0.01), 0, dataset, keep_weights=True)
    assert stopped.weights is diverged.weights is None
    assert run_trial(trial_config(epochs=1), 0, dataset).weights is None


def test_denoised_images_are_measured_and_shown(dataset, trial_config, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    data = {"noise": {"variance": 0.02}, "denoise": {"name": "tv"}}
    said = []
    result = run_trial(trial_config(data=data, epochs=1), 0, dataset, say=said.append)
    test = parts(dataset, trial_config(data=data).data, 0)["test"]
    assert set(result.images) == {"clean", "noisy", "denoised"}
    assert all(image.dtype == np.uint8 and image.shape[1:] == (22, 22, 3) for image in result.images.values())
    names = {f"denoise/{measure}/{which}" for measure in ("psnr", "ssim") for which in ("noisy", "denoised")}
    assert {name for name in result.metrics if name.startswith("denoise/")} == names
    for which, images in (("noisy", test.noisy), ("denoised", test.images)):
        squares = ((images.double() - test.clean.double()) / 255).square().mean((1, 2, 3))
        assert result.metrics[f"denoise/psnr/{which}"] == pytest.approx((-10 * squares.log10()).mean().item())
    assert any("denoised" in line for line in said)
    only_train = {**data, "denoise": {"name": "tv", "splits": ["train"]}}
    result = run_trial(trial_config(data=only_train, epochs=1), 0, dataset)
    assert result.images == {}
    assert not any(name.startswith("denoise/") for name in result.metrics)
