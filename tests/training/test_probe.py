"""The probe's estimate against a real trial."""

import time
from importlib import import_module

import pytest
import torch

from bench.errors import BenchError
from bench.training import probe, run_trial


def test_the_estimate_is_near_what_a_trial_takes(dataset, trial_config, monkeypatch):
    """In processor time, which is of this process alone, whatever else the machine does."""
    for module in ("probe", "trial"):
        monkeypatch.setattr(import_module(f"bench.training.{module}"), "clock", time.process_time)
    config = trial_config(model={"name": "simple_cnn"}, epochs=4, batch_size=24)
    found = probe(config, dataset)
    expected = 4 * (120 * found.train_seconds_per_image + 30 * found.eval_seconds_per_image)
    assert found.eval_seconds_per_image < found.train_seconds_per_image
    assert expected / 5 < run_trial(config, 0, dataset).metrics["wall_clock"] < expected * 5


def test_weights_that_cannot_be_had_do_not_matter(dataset, trial_config):
    config = trial_config(model={"name": "resnet18", "weights": "none.pth", "head": {}}, batch_size=256)
    before = torch.get_rng_state()
    assert probe(config, dataset).train_seconds_per_image > 0
    assert torch.equal(before, torch.get_rng_state())


def test_what_the_device_cannot_do_is_an_error(dataset, trial_config):
    with pytest.raises(BenchError, match="bfloat16 needs CUDA"):
        probe(trial_config(precision="bfloat16"), dataset)


@pytest.mark.parametrize(
    ("data", "train"),
    [
        ({"augment": [{"name": "cutmix"}]}, {"label_smoothing": 0.1}),
        ({"append": {"augment": [{"name": "cutmix"}]}, "denoise": {"name": "dip", "iterations": 10**9}}, {}),
        ({"environments": {"by": "class", "groups": [["red", "green"], ["light blue"]]}}, {"loss": {"name": "irm"}}),
        ({"reduce": {"classes": ["red"], "keep": 0.1}}, {"sampling": "balanced", "class_metrics": ["size"]}),
        ({"pool": True, "classes": ["red", "green"], "split": {"val": {"per_class": 5}}}, {}),
    ],
)
def test_every_setting_can_be_probed_and_none_that_is_done_once_is_done(dataset, trial_config, data, train):
    model = {"name": "simple_cnn", "args": {"filters": [4, 4, 4], "hidden": 8}, "head": {"l2": 0.1}}
    found = probe(trial_config(model=model, data=data, **train), dataset)
    assert found.train_seconds_per_image > 0 and found.eval_seconds_per_image > 0
