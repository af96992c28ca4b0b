"""Heads, their penalty, and frozen bodies."""

import pytest
import torch
from torch import nn

from bench import config
from bench.models import build, penalty

CIFAR = (3, 32, 32)
HEAD = {"hidden": [64, 32], "dropout": 0.5, "l2": 0.2}


def model(name="simple_cnn", **fields):
    return config.Model.model_validate({"name": name, **fields})


def outputs(network, shape=CIFAR, batch=4):
    return network(torch.rand(batch, *shape, generator=torch.Generator().manual_seed(0)))


def test_a_head_is_built_as_described():
    network = build(model(head={"hidden": [20, 12], "batch_norm": True, "dropout": 0.25}), CIFAR, 7, seed=0)
    kinds = [type(layer).__name__ for layer in network.head]
    assert kinds == ["BatchNorm1d", *["Linear", "ReLU", "BatchNorm1d", "Dropout"] * 2, "Linear"]
    assert [layer.out_features for layer in network.head if isinstance(layer, nn.Linear)] == [20, 12, 7]
    assert outputs(network).shape == (4, 7)


@pytest.mark.parametrize("name", ["simple_cnn", "resnet18", "mobilenetv3_small_100", "convnext_atto"])
def test_heads_fit_every_family(name):
    network = build(model(name, head={"hidden": [8]}), CIFAR, 5, seed=0)
    assert outputs(network).shape == (4, 5)
    assert isinstance(network.body.get_classifier(), nn.Identity)


@pytest.mark.parametrize("head", [None, {"hidden": [8], "batch_norm": True}])
@pytest.mark.parametrize("name", ["simple_cnn", "resnet18"])
def test_a_frozen_body_does_not_change(name, head):
    network = build(model(name, head=head, frozen=True), CIFAR, 10, seed=0)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    optimizer = torch.optim.SGD([weight for weight in network.parameters() if weight.requires_grad], lr=0.5)
    network.train()
    outputs(network).sum().backward()
    optimizer.step()
    changed = {key for key, value in network.state_dict().items() if not torch.equal(before[key], value)}
    assert changed
    last = "network.head." if head else "network.classifier." if name == "simple_cnn" else "network.fc."
    assert all(key.startswith(last) for key in changed)


def test_a_frozen_network_still_switches_its_head():
    network = build(model(head={"hidden": [8], "dropout": 0.5}, frozen=True), CIFAR, 10, seed=0)
    dropout = next(module for module in network.modules() if isinstance(module, nn.Dropout))
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert network.train().training
    assert dropout.training
    assert not network.eval().training
    assert not dropout.training
    network.train()
    assert norms
    assert not any(norm.training for norm in norms)


@pytest.mark.parametrize("size", [32, 64])
def test_a_head_replaces_all_dense_layers_of_vgg(size):
    shape = (3, size, size)
    small = {"mlp_ratio": 0.002}  # of the dense layers, which are 120 million weights otherwise
    network = build(model("vgg11", args=small, head={"hidden": [20]}), shape, 10, seed=0)
    # torchvision's VGG-11: 132,863,336 parameters, of which 123,642,856 in `classifier`
    assert sum(weight.numel() for weight in network.body.parameters()) == 132_863_336 - 123_642_856
    images = torch.rand(2, *shape)
    means = network.eval().body.features(images).mean((2, 3))
    assert means.shape == (2, 512)
    torch.testing.assert_close(network.body(images), means)
    assert network(images).shape == (2, 10)


@pytest.mark.parametrize(("name", "size", "features"), [("efficientnet_b0", 64, 1280), ("tf_mobilenetv3_small_100", 128, 1024)])
@pytest.mark.parametrize("frozen", [True, False])
def test_extractors_give_a_pooled_vector_to_the_head(name, size, features, frozen):
    shape = (3, size, size)
    network = build(model(name, frozen=frozen, head=HEAD), shape, 10, seed=0)
    inner = network.network if frozen else network
    assert inner.body(torch.rand(2, *shape)).shape == (2, features)
    body = {id(weight) for weight in inner.body.parameters()}
    network.train()
    outputs(network, shape, 2).logsumexp(1).sum().backward()
    learning = {id(weight) for weight in network.parameters() if weight.grad is not None}
    assert learning == {id(weight) for weight in inner.head.parameters()} | (set() if frozen else body)
    assert len(learning) == 6 + (0 if frozen else len(body))
    norms = [module.training for module in inner.body.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms
    assert set(norms) == {not frozen}


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
def test_the_penalty_is_of_the_heads_weights_only(frozen, compiled):
    network = build(
        model("vgg_blocks", args={"filters": [4]}, frozen=frozen, head=HEAD | {"batch_norm": True}), CIFAR, 10, seed=0
    )
    dense = [layer for layer in (network.network if frozen else network).head if isinstance(layer, nn.Linear)]
    loss = penalty(torch.compile(network) if compiled else network)
    by_hand = 0.2 * sum(value**2 for layer in dense for value in layer.weight.flatten().tolist())
    assert len(dense) == 3
    assert loss.item() == pytest.approx(by_hand, rel=1e-5)
    loss.backward()
    for layer in dense:
        torch.testing.assert_close(layer.weight.grad, 2 * 0.2 * layer.weight.detach())
    assert sum(weight.grad is not None for weight in network.parameters()) == 3


@pytest.mark.parametrize("head", [None, {"hidden": [8]}])
def test_without_l2_there_is_no_penalty(head):
    assert penalty(build(model(head=head), CIFAR, 10, seed=0)) is None
