"""Networks from configurations: sizes, counts, seeds, and what is refused."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from bench import config
from bench.errors import BenchError
from bench.models import MODELS, build, check, parameters

CIFAR = (3, 32, 32)


def model(name="simple_cnn", **fields):
    return config.Model.model_validate({"name": name, **fields})


def outputs(network, shape=CIFAR, batch=4):
    return network(torch.rand(batch, *shape, generator=torch.Generator().manual_seed(0)))


def test_simple_cnn_has_the_reports_number_of_parameters():
    network = build(model(), CIFAR, 10, seed=0)
    # Keras counts two running statistics a channel of the four batch norms, and does not train them.
    assert parameters(network) == {"total": 111_114, "trainable": 111_114 - 2 * (3 * 64 + 128)}


def test_resnet50_has_the_reports_number_of_parameters():
    network = build(model("resnet50", head={"hidden": [128], "batch_norm": True}), CIFAR, 10, seed=0)
    # Keras' ResNet-50 has a bias in each convolution, an output channel each; timm's has none.
    biases = sum(module.out_channels for module in network.body.modules() if isinstance(module, nn.Conv2d))
    assert biases == 26_560
    assert parameters(network)["total"] + biases == 23_859_978


@pytest.mark.parametrize("shape", [(3, 22, 22), (3, 32, 32), (3, 33, 47), (3, 64, 64)])
@pytest.mark.parametrize("classes", [2, 10, 100])
def test_simple_cnn_takes_other_sizes(shape, classes):
    assert outputs(build(model(), shape, classes, seed=0), shape).shape == (4, classes)


def test_arguments_reach_the_constructor():
    network = build(model(args={"filters": [8, 16], "hidden": 12}), CIFAR, 10, seed=0)
    widths = [module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert widths == [8, 16]
    assert outputs(network).shape == (4, 10)


def test_the_seed_decides_the_weights_and_nothing_else_does():
    torch.manual_seed(1)
    first = build(model(), CIFAR, 10, seed=3).state_dict()
    before = torch.get_rng_state()
    again = build(model(), CIFAR, 10, seed=3).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    other = build(model(), CIFAR, 10, seed=4).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["features.0.weight"], other["features.0.weight"])


def test_arms_with_different_heads_start_from_the_same_body():
    for name in ("resnet18", "simple_cnn"):
        plain = build(model(name), CIFAR, 10, seed=0).state_dict()
        headed = build(model(name, head={"hidden": [16]}), CIFAR, 10, seed=0).body.state_dict()
        assert len(plain) - len(headed) == 2
        assert all(torch.equal(plain[key], headed[key]) for key in headed)


def test_models_are_listed_with_a_description():
    assert "Small CNN" in MODELS.describe()["simple_cnn"]


@pytest.mark.parametrize(
    ("name", "nearest"), [("simple_cn", "simple_cnn"), ("resnet5O", "resnet50"), ("resnet50.a1_in2k", "resnet50.a1_in1k")]
)
def test_unknown_names_are_answered_with_the_nearest(name, nearest):
    with pytest.raises(BenchError) as raised:
        check(model(name), CIFAR, 10)
    assert repr(name) in raised.value.message
    assert nearest in raised.value.mend


@pytest.mark.parametrize("name", ["hf-hub:timm/resnet50.a1_in1k", "local-dir:somewhere"])
def test_timms_prefixes_that_would_reach_the_network_are_no_modules(name):
    with pytest.raises(ValidationError, match="should be `module:name`"):
        model(name)


@pytest.mark.parametrize(
    ("name", "shape", "args", "message"),
    [
        ("simple_cnn", (3, 16, 16), {}, "16x16 is too small"),
        ("inception_v3", CIFAR, {}, "does not take images of 32x32"),
        ("vit_tiny_patch16_224", CIFAR, {}, "does not take images of 32x32"),
        ("simple_cnn", CIFAR, {"colour": "red"}, "colour"),
        ("simple_cnn", CIFAR, {"filters": "many"}, "cannot be built"),
        ("resnet18", CIFAR, {"colour": "red"}, "colour"),
        ("resnet18", CIFAR, {"num_classes": 3}, "'num_classes' cannot stand in `args`"),
        ("resnet18", CIFAR, {"global_pool": ""}, "does not take images"),
    ],
)
def test_what_cannot_work_is_refused_before_training(name, shape, args, message):
    for attempt in (
        lambda: check(model(name, args=args), shape, 10),
        lambda: build(model(name, args=args), shape, 10, seed=0),
    ):
        with pytest.raises(BenchError) as raised:
            attempt()
        assert message in raised.value.message
        assert raised.value.where == f"model {name}"
        assert raised.value.mend


def test_a_body_must_give_one_vector_an_image():
    with pytest.raises(BenchError, match="not one vector of features"):
        check(model("resnet18", args={"global_pool": ""}, head={}), CIFAR, 10)


def test_a_transformer_takes_small_images_when_told_their_size():
    small = model("vit_tiny_patch16_224", args={"img_size": 32})
    check(small, CIFAR, 10)
    assert outputs(build(small, CIFAR, 10, seed=0)).shape == (4, 10)
