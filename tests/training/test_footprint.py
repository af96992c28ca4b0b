"""What a trial is said to need: the size of its network, and the memory that its training takes."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from bench.models import MODELS, build, parameters
from bench.training import run_trial, run_trials
from bench.training.footprint import Footprint, kept_for_backward

NETWORK = {"name": "resnet_cifar", "args": {"depth": 8, "channels": 4}}


def memory(dataset, config, seed=0, **options):
    return run_trial(config, seed, dataset, **options).metrics["peak_memory"]


def linear(in_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes))


def test_a_dense_layer_needs_weights_gradients_averages_and_what_it_looks_at_again(dataset, trial_config, monkeypatch):
    """By hand: 16 images of 3 x 22 x 22 numbers, 3 classes; float32."""
    monkeypatch.setitem(MODELS._parts, "test_linear", linear)
    need = {
        name: memory(dataset, trial_config(model={"name": "test_linear"}, epochs=1, optimizer={"name": "sgd", **settings}))
        for name, settings in (("plain", {}), ("momentum", {"momentum": 0.9}))
    }
    inputs, classes, batch = 3 * 22 * 22, 3, 16
    weights = 4 * (inputs * classes + classes)
    # the layer looks at its input again, the softmax at its output, the mean loss at the targets and their number
    kept = 4 * batch * inputs + 4 * batch * classes + 8 * batch + 4
    assert need["plain"] == pytest.approx((2 * weights + kept) / 1e6)
    assert need["momentum"] == pytest.approx((3 * weights + kept) / 1e6)


def test_it_is_the_same_for_every_seed_length_and_rate_and_grows_with_the_batch(dataset, trial_config):
    need = memory(dataset, trial_config(model=NETWORK, epochs=1))
    longer = trial_config(model=NETWORK, epochs=2, optimizer={"name": "sgd", "momentum": 0.9, "lr": 0.5})
    assert memory(dataset, longer, seed=5) == need
    twice = memory(dataset, trial_config(model=NETWORK, epochs=1, batch_size=32))
    assert 1.8 < twice / need < 2


def test_a_frozen_body_needs_little(dataset, trial_config):
    head = {"head": {"hidden": [8]}}
    trained, frozen = (memory(dataset, trial_config(model=NETWORK | head | also, epochs=1)) for also in ({}, {"frozen": True}))
    assert frozen < trained / 10


def test_a_trial_of_a_pack_has_its_share_which_is_what_it_needs_alone(dataset, trial_config):
    config = trial_config(model=NETWORK, epochs=1)
    results = run_trials([(config, seed) for seed in range(3)], dataset)
    assert len({result.metrics["peak_memory"] for result in results}) == 1
    assert results[0].metrics["peak_memory"] == pytest.approx(memory(dataset, config), rel=0.001)
    assert results[0].metrics["parameters"] == run_trial(config, 0, dataset).metrics["parameters"]


def test_the_size_of_the_network_is_that_of_what_is_trained_and_of_all(dataset, trial_config):
    config = trial_config(model=NETWORK | {"head": {"hidden": [8]}, "frozen": True}, epochs=1)
    found = run_trial(config, 0, dataset).metrics
    expected = parameters(build(config.model, (3, 22, 22), 3, 0))
    assert (found["parameters"], found["total_parameters"]) == (expected["trainable"], expected["total"])
    assert found["parameters"] == (16 * 8 + 8) + (8 * 3 + 3)


class Square(torch.autograd.Function):
    """Keeps its input and twice that."""

    @staticmethod
    def forward(ctx, values):
        ctx.save_for_backward(values, 2 * values)
        return values * values

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.saved_tensors[1]


def test_what_a_graph_keeps_counts_once_and_not_what_is_known():
    values = torch.randn(100, 4, requires_grad=True)
    shared = values.exp()  # its result is kept by exp itself, and by both of what follows
    assert kept_for_backward((shared.square() + shared.sin()).sum(), []) == shared.nbytes
    assert kept_for_backward(Square.apply(values).sum(), []) == 2 * values.nbytes
    assert kept_for_backward(Square.apply(values).sum(), [values]) == values.nbytes
    assert kept_for_backward(torch.cat([values.exp(), values]).square().sum(), [values]) == 3 * values.nbytes
    assert kept_for_backward(torch.zeros(()), []) == 0


def test_looking_computes_nothing_again():
    layer, images, calls = nn.Linear(4, 4), torch.randn(8, 4), []

    def part(values):
        calls.append(1)
        return functional.relu(layer(values)).square()

    loss = checkpoint(part, images, use_reentrant=False).sum()
    assert kept_for_backward(loss, layer.parameters()) == 0 and len(calls) == 1
    loss.backward()
    assert len(calls) == 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_it_is_what_the_allocator_gave_out_whatever_ran_before(dataset, trial_config):
    config = trial_config(model=NETWORK, epochs=2)
    need = memory(dataset, config, device="cuda")
    others = torch.zeros(10_000_000, device="cuda")
    assert memory(dataset, config, seed=1, device="cuda") == pytest.approx(need, rel=0.02)
    del others
    larger = memory(dataset, trial_config(model=NETWORK, epochs=2, batch_size=64), device="cuda")
    assert larger > 1.5 * need > 0


def test_on_cuda_the_first_step_counts_only_where_there_is_no_other(monkeypatch):
    """In the first one libraries allocate what they keep; from the fourth on a step may be a captured graph."""
    seen = iter([(100, 1000), (500, 800), (500, 900), (500, 9000)])  # what is there before a step, and at most in it
    before, most = 0, 0

    def reset(device):
        nonlocal before, most
        before, most = next(seen)

    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", reset)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: before)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: most)
    footprint, lasting = Footprint(torch.device("cuda")), torch.zeros(25)
    found = []
    for _ in range(4):
        footprint.begin()
        footprint.look(torch.zeros(()), nn.Identity())
        footprint.end(lambda: [lasting, {"averages": [None, lasting]}], trials=2)
        found.append(round(1e6 * footprint.megabytes))
    assert found == [(200 + 900) / 2, (200 + 300) / 2, (200 + 400) / 2, (200 + 400) / 2]
    assert len(list(seen)) == 1, "a step that may be captured is left alone"
