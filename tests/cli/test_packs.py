"""Trials that train together, from the command line."""

import json
import os
import signal
from itertools import pairwise

import pytest

SMOOTH = """\
from torch import nn


def smooth(in_shape, classes):
    channels, height, width = in_shape
    features = 8 * ((height - 2) // 2) * ((width - 2) // 2)
    return nn.Sequential(nn.Conv2d(channels, 8, 3), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(features, classes))
"""
"""A network in which rounding stays as small as it is: ReLU and max pooling make a choice of it, which every processor makes in
its own way, and which training makes large within a few steps."""


def measured(bench):
    """Return what every run says of its trial, by cell and seed."""
    return {(run.tags["cell"], run.tags["seed"]): run for run in bench.runs() if run.status == "FINISHED"}


def test_packs_are_recorded_and_tell_what_trials_tell_alone(bench, new_bench, tmp_path):
    (tmp_path / "other").mkdir()
    other = new_bench(tmp_path / "other")
    for one in (bench, other):
        one.write(SMOOTH, "own_model.py")
    words = ("run", "tiny.yaml", "--set", "model.name=own_model:smooth")
    together, alone = bench(*words, "--pack", "3", "--workers", "1"), other(*words, "--pack", "off")
    assert together.code == alone.code == 0, together.err
    assert "packs: up to 3 trials train together" in together.out and "packs" not in alone.out
    assert together.shape == alone.shape
    runs, others = measured(bench), measured(other)
    assert sorted(run.tags.get("pack", "1") for run in runs.values()) == ["2"] * 2 + ["3"] * 6
    assert not any("pack" in run.tags for run in others.values())
    assert runs.keys() == others.keys()
    for name, run in runs.items():
        assert run.metrics.keys() == others[name].metrics.keys()
        for part in ("train", "val", "test"):
            assert run.metrics[f"{part}/loss"] == pytest.approx(others[name].metrics[f"{part}/loss"], rel=1e-4)
        assert run.tags["fingerprint"] == others[name].tags["fingerprint"]
    losses = sorted(run.metrics["train/loss"] for run in others.values())
    assert all(more > 1.001 * less for less, more in pairwise(losses)), "no trial can be taken for another"
    assert "to do: 0 trials" in bench(*words).out, "they are the same trials"


def test_a_pack_whose_worker_dies_is_run_again_trial_by_trial(bench):
    bench.gate.shut()
    process = bench.start("run", "tiny.yaml", "--set", 'train.loss={name: "gated:loss"}', "--pack", "8", "--workers", "1")
    os.kill(bench.gate.wait(process), signal.SIGKILL)
    bench.gate.open()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert len(measured(bench)) == 8 and "crashed" not in out
    assert not any("pack" in run.tags for run in bench.runs())


LARGE = """\
from math import prod
from pathlib import Path

import torch


class Large(torch.nn.Sequential):
    def forward(self, images):
        if self.training and len(images) > 2 * 32:
            with Path("tries.txt").open("a") as file:
                file.write("x")
            raise torch.OutOfMemoryError("out of memory")
        return super().forward(images)


def large(in_shape, classes):
    return Large(torch.nn.Flatten(), torch.nn.Linear(prod(in_shape), classes))
"""


def test_what_is_too_large_for_the_memory_is_tried_once(bench):
    bench.write(LARGE, "own_model.py")
    model = ("--set", "model.name=own_model:large", "--set", "train.batch_size=32", "--workers", "1")
    answer = bench("run", "tiny.yaml", *model, "--pack", "4")
    assert answer.code == 0, answer.err
    assert len(measured(bench)) == 8 and {run.tags["pack"] for run in bench.runs()} == {"2"}
    assert (bench.folder / "tries.txt").read_text() == "x"


def test_the_plan_tells_what_trains_together(bench):
    answer = bench("plan", "tiny.yaml", "--json", "--no-probe", "--pack", "4")
    assert {job["pack"] for job in json.loads(answer.out)["jobs"]} == {4}


def test_a_number_of_trials_that_is_none(bench):
    answer = bench("run", "tiny.yaml", "--pack", "some")
    assert answer.code == 1
    assert "--pack: 'some' is not a number of trials" in answer.err and "give a number from 1, `auto` or `off`" in answer.err
    assert not bench.runs()
