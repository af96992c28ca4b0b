"""A trial depends on its fingerprint alone: what a custom component leaves behind in its process, no other request meets."""

import os
import random
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.config import Model
from bench.runner.executors import open_executor
from bench.runner.messages import Fault, Inspect, ProbeTraining, TrainTrials

PARTS = """\
import os
import random
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

HERE = Path(__file__).parent


class Net(nn.Module):
    def __init__(self, in_shape, classes, dirt=""):
        super().__init__()
        with (HERE / "ids").open("a") as file:
            print(os.getpid(), file=file)
        self.layer = nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes)
        if dirt == "patch":
            nn.Conv2d.reset_parameters = lambda self: nn.init.zeros_(self.weight)
            nn.functional.relu = lambda x, inplace=False: x * 0
        if dirt == "draws":
            nn.init.constant_(self.layer.weight, random.random() + np.random.rand())
        if dirt == "all":
            torch.set_default_dtype(torch.float64)
            torch.set_default_device("meta")
            torch.set_num_threads(3)
            torch.autograd.set_grad_enabled(False)
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.backends.mkldnn.enabled = False
            torch.backends.cudnn.benchmark = True
            torch.set_float32_matmul_precision("medium")
            torch.manual_seed(1), np.random.seed(1), random.seed(1)
            np.seterr(all="raise")
            warnings.simplefilter("error")
            sys.path.insert(0, "/nowhere")
            os.environ["LEFT"] = "behind"
            os.environ.pop("HOME", None)
            os.chdir("/")

    def forward(self, images):
        return self.layer(images.flatten(1))
"""


@pytest.fixture
def own(tmp_path, config):
    """Returns a trial's configuration with the custom component."""
    (tmp_path / "parts.py").write_text(PARTS)

    def own(**args):
        return config().model_copy(update={"model": Model(name="parts:Net", args=args), "folder": str(tmp_path)})

    return own


def test_a_process_that_ran_a_custom_component_runs_nothing_else(own, config, tmp_path):
    requests = [
        Inspect(own()),
        ProbeTraining(own()),
        TrainTrials(((own(), 0),)),
        TrainTrials(((own(), 1), (own(), 2))),
        Inspect(config()),
    ]
    with open_executor("local", workers=1, device="cpu") as local:
        local.map(requests)
        seen = (tmp_path / "ids").read_text().split()
        assert len(set(seen)) == 4, "one for each check, probe, trial and pack"
        before = local.workers[0].process.pid
        local.map([Inspect(config())])
        assert local.workers[0].process.pid == before and str(before) not in seen, "the others share theirs"


def test_what_it_does_to_a_library_is_gone_with_it(own, config):
    plain = TrainTrials(((config(), 0),))
    with open_executor("local", workers=1, device="cpu") as local:
        (first,), _, (after,) = local.map([plain, TrainTrials(((own(dirt="patch"), 0),)), plain])
    assert after.metrics["val/loss"] == first.metrics["val/loss"] and after.history[0]["val/loss"] == first.history[0]["val/loss"]


def world():
    """Return what a process shares that a trial may depend on."""
    numpy = np.random.get_state()
    return {
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "threads": torch.get_num_threads(),
        "grad": torch.is_grad_enabled(),
        "deterministic": (torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()),
        "mkldnn": torch.backends.mkldnn.enabled,
        "cudnn": torch.backends.cudnn.benchmark,
        "precision": torch.get_float32_matmul_precision(),
        "generators": (torch.get_rng_state().tolist(), numpy[1].tolist(), numpy[2:], random.getstate()),
        "errors": np.geterr(),
        "warnings": list(warnings.filters),
        "path": list(sys.path),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
    }


def test_what_libraries_let_leak_is_put_back_also_in_this_very_process(own, config):
    plain = TrainTrials(((config(), 0),))
    with open_executor("inline", workers=1, device="cpu") as inline:
        (first,) = inline.map([plain])
        before = world()
        found = inline.attempt([Inspect(own(dirt="all")), TrainTrials(((own(dirt="all"), 0),)), ProbeTraining(own(dirt="all"))])
        assert all(isinstance(one, Fault) for one in found[1:]), "a network on the meta device cannot be trained"
        assert world() == before
        (after,) = inline.map([plain])
    assert after[0].history[0]["val/loss"] == first[0].history[0]["val/loss"]


def test_what_draws_from_the_generators_of_python_and_numpy_draws_the_same_again(own):
    """Whatever ran before in its process, and whichever process that is."""
    losses = []
    for _ in range(2):
        with open_executor("local", workers=1, device="cpu") as local:
            losses += [one.metrics["val/loss"] for (one,) in local.map([TrainTrials(((own(dirt="draws"), 0),))] * 2)]
    assert len(set(losses)) == 1
