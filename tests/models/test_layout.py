"""Convolutions whose kernel writes outside its memory in channels_last are found, and kept out of it."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from bench.models import MODELS
from bench.models.layout import unsafe

UNSAFE = [
    nn.Conv2d(4, 8, 1, 2),
    nn.Conv2d(15, 8, 1, stride=(1, 2), bias=False),
    nn.Conv2d(1, 64, 1, 3, padding="valid"),
    type("OfAnotherLibrary", (nn.Conv2d,), {})(3, 8, 1, 2),
]
SAFE = [
    nn.Conv2d(4, 8, 1),
    nn.Conv2d(4, 8, 3, 2),
    nn.Conv2d(4, 8, (1, 3), 2),
    nn.Conv2d(16, 8, 1, 2),
    nn.Conv2d(16, 4, 1, 2),
    nn.Conv2d(8, 8, 1, 2, groups=2),
    nn.Conv2d(4, 8, 1, 2, padding=1),
    nn.Conv1d(4, 8, 1, 2),
    nn.Linear(4, 8),
]
CHILD = """
import numpy as np
import torch
from torch import nn
from bench.config import TrialConfig
from bench.data import Dataset
from bench.models import MODELS
from bench.training import run_trials

torch.set_num_threads(1)


@MODELS.register("narrow")
def narrow(in_shape, classes, width):
    layers = [nn.Conv2d(3, width, 1, 2), nn.ReLU(), nn.Conv2d(width, 8, 1, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(8, classes))


random = np.random.default_rng(0)
images = random.integers(0, 255, (96, 3, 64, 64), dtype=np.uint8)
labels = np.arange(96) % 3
dataset = Dataset.build("noise", ("a", "b", "c"), images, labels, images[:30], labels[:30])


def trained(width, seeds, **train):
    train = {"epochs": 3, "batch_size": 32, "optimizer": {"name": "sgd", "lr": 0.05}, **train}
    section = {"data": {"source": "digits"}, "model": {"name": "narrow", "args": {"width": width}}, "train": train}
    return run_trials([(TrialConfig.model_validate(section), seed) for seed in seeds], dataset)


for width in (1, 4, 12):
    usual = trained(width, [0], channels_last=False)[0]
    (last,) = trained(width, [0])
    packed = trained(width, [0, 1])
    assert {one.pack for one in packed} == {2}
    for found in (last, packed[0]):
        for row, expected in zip(found.history, usual.history, strict=True):
            assert abs(row["train/loss"] - expected["train/loss"]) < 1e-4, (width, row, expected)
print("clean")
"""


@pytest.mark.parametrize("instructions", ["ALL", "AVX2"])
def test_a_trial_with_such_layers_stays_within_its_memory_and_is_right(instructions, root):
    """In a process of its own, which would crash, hang or be wrong; glibc tells of damaged memory as it is freed."""
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": instructions, "MALLOC_PERTURB_": "85", "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, timeout=600, env=environment)
    assert (done.returncode, done.stdout) == (0, "clean\n"), done.stderr


def test_exactly_those_layers_are_found():
    network = nn.Sequential(*SAFE, nn.Sequential(*UNSAFE))
    assert list(unsafe(network)) == UNSAFE


def test_a_model_of_timm_has_some_and_none_of_our_own():
    import timm

    with torch.device("meta"):
        assert len(list(unsafe(timm.create_model("repvgg_a0")))) == 1
        for name in MODELS:
            if ":" not in name and "narrow" not in name:
                assert not list(unsafe(MODELS[name]((3, 32, 32), 10))), name
