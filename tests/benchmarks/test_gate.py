"""The gate before ratios of time, with made-up accuracies; and that all arms start from the same networks."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parent))  # the measurements are scripts, not a package

import gate
from glue.task import PROFILES

from bench.config import Model
from bench.models import build

OURS = {seed: 0.60 + 0.01 * (seed % 5) for seed in range(10)}


def _judged(shift: float, margin: float = 0.04) -> gate.Verdict:
    return gate.judge("simple", "glue", OURS, {seed: value + shift for seed, value in OURS.items()}, margin)


@pytest.mark.parametrize("shift", [0, 0.01, -0.01])
def test_passes_arms_that_agree_to_within_the_margin(shift):
    verdict = _judged(shift)
    assert verdict.passed
    assert verdict.difference.difference == pytest.approx(-shift)
    assert "| yes |" in gate.markdown([verdict], 0.04)


@pytest.mark.parametrize(("shift", "margin"), [(0.05, 0.04), (-0.05, 0.04), (0.04, 0.04), (0, 0.005)])
def test_does_not_pass_arms_that_differ_or_too_few_seeds_for_the_margin(shift, margin):
    verdict = _judged(shift, margin)
    assert not verdict.passed
    assert "| **no** |" in gate.markdown([verdict], margin)


def test_does_not_pass_what_cannot_be_tested():
    verdict = gate.judge("simple", "glue", {0: 0.5, 1: 0.5}, {0: 0.5, 1: 0.5}, 0.04)
    assert not verdict.passed
    assert "no spread to test against" in gate.markdown([verdict], 0.04)


def test_an_arm_passes_on_all_networks_or_not_at_all():
    agrees, differs = _judged(0), _judged(0.1)
    assert gate.passed([agrees, agrees], "glue")
    assert not gate.passed([agrees, differs], "glue")
    assert gate.passed([agrees, gate.judge("simple", "other", OURS, {0: 0.1, 1: 0.2}, 0.04)], "glue")


@pytest.mark.parametrize("profile", PROFILES)
def test_glue_starts_from_the_weights_of_the_product(profile):
    task = PROFILES[profile].timed
    for name, model in task.networks.items():
        ours = build(Model(**model), (3, 32, 32), 10, 1).state_dict()
        theirs = task.build(name, (3, 32, 32), 10, 1).state_dict()
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
