"""Weights that another stage trained: in whatever form it saved them, into whatever form the network takes next."""

import pytest
import torch
from safetensors.torch import save_file

from bench import config
from bench.errors import BenchError
from bench.models import build, check, unavailable, weights_digest

CIFAR = (3, 32, 32)
SMALL = {
    "simple_cnn": {"filters": [4, 4]},
    "lenet": {"filters": [4, 4, 4]},
    "classic_cnn": {"batch_norm": True},
    "vgg_blocks": {"filters": [4, 8]},
    "resnet_cifar": {"depth": 8},
    "resnet19": {"channels": 4},
    "resnet_small": {"channels": 4},
    "se_resnet": {"depth": 18, "channels": 4},
    "wrn": {"depth": 10, "width": 1},
    "se_wrn": {"depth": 10, "width": 1},
    "resnext_cifar": {"depth": 11, "cardinality": 2, "width": 4, "channels": 4},
    "densenet_cifar": {"depth": 10},
    "convnext_atto": {},  # of timm, with a batch norm in what it calls head
}
# What another stage trained is saved as `build` returned it.
HEAD = {"hidden": [6], "batch_norm": True}
TRAINED = [{}, {"head": HEAD}, {"frozen": True}, {"head": HEAD, "frozen": True}]


def model(name="simple_cnn", **fields):
    return config.Model.model_validate({"name": name, **fields})


@pytest.fixture
def stage(tmp_path):
    """Save what a stage trained, with seed 7; return path and state."""

    def save(name="wrn", classes=10, **fields):
        state = build(model(name, args=SMALL[name], **fields), CIFAR, classes, seed=7).state_dict()
        path = tmp_path / "trained.safetensors"
        save_file(state, path)
        return str(path), state

    return save


def _part(state, name):
    """Return the weights of the body or the head in what `build` returned."""
    state = {key.removeprefix("network."): value for key, value in state.items()}
    if not any(key.startswith("body.") for key in state):
        state = {f"{'head' if key.startswith('classifier.') else 'body'}.{key}": value for key, value in state.items()}
    return {key.removeprefix(f"{name}."): value for key, value in state.items() if key.startswith(f"{name}.")}


def _same(state, other):
    return state.keys() == other.keys() and all(torch.equal(state[key], other[key]) for key in state)


@pytest.mark.parametrize("target", TRAINED)
@pytest.mark.parametrize("source", TRAINED)
@pytest.mark.parametrize("classes", [10, 100])
def test_what_a_stage_trained_loads_into_every_form_of_the_network(stage, source, target, classes):
    path, state = stage(classes=classes, **source)
    fields = {"args": SMALL["wrn"], **target}
    spec = model("wrn", weights=path, **fields)
    check(spec, CIFAR, 10)
    loaded = build(spec, CIFAR, 10, seed=0).state_dict()
    fresh = build(model("wrn", **fields), CIFAR, 10, seed=0).state_dict()
    assert _same(_part(loaded, "body"), _part(state, "body"))
    assert not _same(_part(fresh, "body"), _part(state, "body"))
    top, trained, random = (_part(each, "head") for each in (loaded, state, fresh))
    if source.get("head") != target.get("head"):
        assert _same(top, random)
    elif classes == 10:
        assert _same(top, trained)
    else:  # all but the last layer
        last = [key for key in top if top[key].shape != trained[key].shape]
        assert all(torch.equal(top[key], (random if key in last else trained)[key]) for key in top)
        assert last == (["4.weight", "4.bias"] if target.get("head") else ["classifier.weight", "classifier.bias"])


def test_another_head_begins_anew(stage):
    path, state = stage(head=HEAD)
    fields = {"args": SMALL["wrn"], "head": {"hidden": [5]}}
    loaded = build(model("wrn", weights=path, **fields), CIFAR, 10, seed=0).state_dict()
    fresh = build(model("wrn", **fields), CIFAR, 10, seed=0).state_dict()
    assert _same(_part(loaded, "head"), _part(fresh, "head"))
    assert _same(_part(loaded, "body"), _part(state, "body"))


def _dense(network):
    return [layer.weight for layer in network.head if isinstance(layer, torch.nn.Linear)]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ({"hidden": [6, 5]}, {"hidden": [6, 5], "dropout": 0.5}),
        ({"hidden": [6, 5], "dropout": 0.5}, {"hidden": [6, 5]}),
        ({"hidden": [6, 5, 4, 3, 2], "dropout": 0.1}, {"hidden": [6, 5, 4, 3, 2]}),  # with layers 10 and 12
        ({**HEAD, "dropout": 0.5, "l2": 0.1}, HEAD),
    ],
)
@pytest.mark.parametrize("classes", [10, 100])
def test_dropout_makes_no_other_head(stage, source, target, classes):
    path, _ = stage(head=source, classes=classes)
    trained = _dense(build(model("wrn", args=SMALL["wrn"], head=source), CIFAR, classes, seed=7))
    loaded = _dense(build(model("wrn", args=SMALL["wrn"], head=target, weights=path), CIFAR, 10, seed=0))
    kept = [torch.equal(one, other) for one, other in zip(loaded, trained, strict=True)]
    assert kept == [True] * (len(kept) - 1) + [classes == 10]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ({"hidden": []}, {"hidden": [100]}),
        ({"hidden": [100]}, {"hidden": []}),
        ({"hidden": [6]}, {"hidden": [6], "batch_norm": True}),
    ],
)
@pytest.mark.parametrize("classes", [10, 100])
def test_a_head_of_other_layers_begins_anew(stage, source, target, classes):
    path, _ = stage(head=source, classes=classes)
    fields = {"args": SMALL["wrn"], "head": target}
    loaded = build(model("wrn", weights=path, **fields), CIFAR, 10, seed=0).state_dict()
    assert _same(_part(loaded, "head"), _part(build(model("wrn", **fields), CIFAR, 10, seed=0).state_dict(), "head"))


@pytest.mark.parametrize("head", [None, HEAD])
@pytest.mark.parametrize("name", SMALL)
def test_a_hundred_classes_become_ten(stage, name, head):
    path, state = stage(name, classes=100)
    loaded = build(model(name, args=SMALL[name], weights=path, head=head), CIFAR, 10, seed=0).state_dict()
    bodies = {key.removeprefix("body."): value for key, value in loaded.items() if not key.startswith("head.") or not head}
    kept = [key for key in state if not key.startswith(("classifier.", "head.fc."))]
    assert len(state) - len(kept) == 2
    assert all(torch.equal(state[key], bodies[key]) for key in kept)


@pytest.mark.parametrize(
    ("source", "target"),
    [("wrn", "resnet_cifar"), ("resnet_small", "resnet_cifar"), ("lenet", "classic_cnn"), ("densenet_cifar", "resnet_cifar")],
)
@pytest.mark.parametrize("fields", TRAINED)
def test_weights_of_another_architecture_are_refused(stage, source, target, fields):
    path, _ = stage(source, **fields)
    for head in (None, HEAD):
        with pytest.raises(BenchError, match="the weights do not fit the model") as raised:
            check(model(target, args=SMALL[target], weights=path, head=head), CIFAR, 10)
        assert raised.value.where == path
        assert "model.name" in raised.value.mend


def test_weights_that_a_stage_is_still_to_train_are_no_matter_yet():
    spec = model(weights={"stage": "pretraining", "cell": {"model": "simple"}})
    assert unavailable(spec) is None
    assert weights_digest(spec) == ""
    check(spec, CIFAR, 10)
    with pytest.raises(BenchError, match="16x16 is too small"):
        check(spec, (3, 16, 16), 10)
