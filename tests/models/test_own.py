"""Networks of the user's own, `module:name`."""

import itertools
from textwrap import dedent

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from bench import config
from bench.errors import BenchError
from bench.models import build, check, unavailable

CIFAR = (3, 32, 32)
COUNT = itertools.count()

NETWORK = """
from torch import nn

class Net(nn.Module):
    def __init__(self, in_shape, classes, width=6):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(in_shape[0], width, 3, stride=8), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(width * (in_shape[1] // 8) * (in_shape[2] // 8), classes)

    def forward(self, images):
        return self.head(self.body(images))
"""
CLASSIFIER = """
    def get_classifier(self):
        return self.head

    def reset_classifier(self, classes):
        self.head = nn.Linear(self.head.in_features, classes) if classes else nn.Identity()
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Write a module of the user's own; return what makes a configuration with a name of it."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(text, name="Net"):
        module = f"own_networks_{next(COUNT)}"  # a new one each time: Python imports a module once
        (tmp_path / f"{module}.py").write_text(dedent(text))
        return lambda **fields: config.Model.model_validate({"name": f"{module}:{name}", **fields})

    return write


def test_a_network_needs_nothing_but_its_constructor(own):
    spec = own(NETWORK)(args={"width": 5})
    check(spec, CIFAR, 7)
    assert unavailable(spec) is None
    first, again, other = (build(spec, CIFAR, 7, seed=seed) for seed in (0, 0, 1))
    assert first(torch.rand(2, *CIFAR)).shape == (2, 7)
    assert first.body[0].out_channels == 5
    assert torch.equal(first.head.weight, again.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


@pytest.mark.parametrize(
    ("fields", "method"),
    [
        ({"head": {"hidden": [4]}}, "reset_classifier"),
        ({"frozen": True}, "get_classifier"),
        ({"weights": "weights.pth"}, "get_classifier"),
        ({"weights": {"stage": "pretraining"}}, "get_classifier"),
    ],
)
def test_more_is_asked_only_of_those_who_use_it(own, fields, method):
    with pytest.raises(BenchError, match=rf"has no {method}\(\), which `model\.{next(iter(fields))}` needs") as raised:
        check(own(NETWORK)(**fields), CIFAR, 10)
    assert "get_classifier(), which returns the last layer" in raised.value.mend
    check(own(NETWORK + CLASSIFIER)(**fields), CIFAR, 10)


def test_heads_and_frozen_bodies_work_with_it(own):
    network = build(own(NETWORK + CLASSIFIER)(head={"hidden": [4]}, frozen=True), CIFAR, 10, seed=0)
    assert network(torch.rand(2, *CIFAR)).shape == (2, 10)
    assert {name.split(".")[1] for name, weight in network.named_parameters() if weight.requires_grad} == {"head"}
    plain = build(own(NETWORK + CLASSIFIER)(frozen=True), CIFAR, 10, seed=0)
    assert {name for name, weight in plain.named_parameters() if weight.requires_grad} == {
        "network.head.weight",
        "network.head.bias",
    }


@pytest.mark.parametrize("fields", [{}, {"head": {"hidden": [4]}}, {"frozen": True}, {"head": {}, "frozen": True}])
def test_parts_called_body_and_head_are_not_mistaken_for_the_wrappers(own, tmp_path, fields):
    spec = own(NETWORK + CLASSIFIER)
    trained = build(spec(**fields), CIFAR, 10, seed=7)
    path = tmp_path / "trained.safetensors"
    save_file(trained.state_dict(), path)
    loaded = build(spec(weights=str(path), **fields), CIFAR, 10, seed=0).state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in trained.state_dict().items())
    body = build(spec(weights=str(path)), CIFAR, 3, seed=0).body
    kernel = next(value for key, value in trained.state_dict().items() if key.endswith("body.0.weight"))
    assert torch.equal(body[0].weight, kernel)


def test_a_network_that_needs_real_numbers_is_built_on_the_cpu(own):
    text = NETWORK.replace("stride=8)", "stride=max(8, int(torch.ones(3).sum().item())))").replace(
        "return self.head", "assert images.mean().item() >= 0\n        return self.head"
    )
    spec = own("import torch\n" + text)()
    before = torch.get_rng_state()
    check(spec, CIFAR, 10)
    assert torch.equal(before, torch.get_rng_state())
    assert build(spec, CIFAR, 10, seed=0)(torch.rand(2, *CIFAR)).shape == (2, 10)


@pytest.mark.parametrize(
    ("change", "message", "mend"),
    [
        (("self.head(self.body(images))", "self.body(images)"), "gives 96 numbers an image, not one for each of 10", "forward"),
        (("self.head(self.body(images))", "self.head(self.body(images)).flatten()"), r"shape \(20,\) for 2 images", "forward"),
        (("self.head(self.body(images))", "{'logits': images}"), "gives a dict, not a tensor", "forward"),
        (("self.head(self.body(images))", "self.head(images)"), r"32x32: RuntimeError: .*\(own_networks_\d+\.py:11\)", "forward"),
        (("super().__init__()", "raise KeyError('colour')"), r"built .* KeyError: 'colour' \(own_networks_\d+\.py:6\)", "images"),
        (("width=6", "width"), "built .* TypeError: .*missing 1 required positional argument: 'width'", "images"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(own, change, message, mend):
    assert change[0] in NETWORK
    spec = own(NETWORK.replace(*change))()
    for attempt in (lambda: check(spec, CIFAR, 10), lambda: build(spec, CIFAR, 10, seed=0)):
        with pytest.raises(BenchError, match=message) as raised:
            attempt()
        assert raised.value.where == f"model {spec.name}"
        assert mend in raised.value.mend


def test_what_is_no_network_is_refused(own):
    with pytest.raises(BenchError, match=r"gives a list, not a torch\.nn\.Module"):
        check(own("def net(in_shape, classes): return [1]", "net")(), CIFAR, 10)
    with pytest.raises(BenchError, match="there is no such module"):
        check(config.Model(name="no_such_module:Net"), CIFAR, 10)


def test_a_body_of_the_users_own_must_give_a_vector_to_a_head(own):
    text = (NETWORK + CLASSIFIER).replace(", nn.Flatten())", ")").replace("self.body(images))", "self.body(images).flatten(2))")
    with pytest.raises(BenchError, match=r"shape \(2, 6, 16\) for 2 images, not one vector of features each"):
        check(own(text)(head={}), CIFAR, 10)


def test_pretrained_is_for_timms_names(own):
    spec = own(NETWORK)(pretrained=True)
    assert unavailable(spec) == f"no pretrained weights are published for {spec.name}"


def test_a_plain_function_may_make_it(own):
    text = """
        from torch import nn

        def net(in_shape, classes):
            return nn.Sequential(nn.Flatten(), nn.Linear(in_shape[0] * in_shape[1] * in_shape[2], classes))
    """
    spec = own(text, "net")()
    check(spec, CIFAR, 10)
    assert isinstance(build(spec, CIFAR, 10, seed=0), nn.Sequential)
