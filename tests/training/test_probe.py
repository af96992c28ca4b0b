"""The probe's estimate against a real trial."""

import pytest
import torch

from bench.errors import BenchError
from bench.training import probe, run_trial


def test_the_estimate_is_near_what_a_trial_takes(dataset, trial_config):
    config = trial_config(model={"name": "simple_cnn"}, epochs=4, batch_size=24)
    found = probe(config, dataset)
    expected = 4 * (120 * found.train_seconds_per_image + 30 * found.eval_seconds_per_image)
    assert found.eval_seconds_per_image < found.train_seconds_per_image
    assert expected / 5 < run_trial(config, 0, dataset).metrics["wall_clock"] < expected * 5  # others use this machine


def test_weights_that_cannot_be_had_do_not_matter(dataset, trial_config):
    config = trial_config(model={"name": "resnet18", "weights": "none.pth", "head": {}}, batch_size=256)
    before = torch.get_rng_state()
    assert probe(config, dataset).train_seconds_per_image > 0
    assert torch.equal(before, torch.get_rng_state())


def test_what_the_device_cannot_do_is_an_error(dataset, trial_config):
    with pytest.raises(BenchError, match="bfloat16 needs CUDA"):
        probe(trial_config(precision="bfloat16"), dataset)
