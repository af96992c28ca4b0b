"""Our own networks against their papers' numbers of parameters and against torchvision's and hand-written forms."""

from itertools import pairwise
from math import sqrt

import pytest
import torch
import torchvision
from torch import nn
from torch.nn import functional

from bench import config
from bench.models import MODELS, build, parameters
from bench.models.base import Network
from bench.models.residual import Block, Projection, ResNet, SqueezeExcitation, SubsampleAndPad

CIFAR = (3, 32, 32)
TINY = {
    "classic_cnn": {"batch_norm": True, "xavier": True},
    "densenet_cifar": {"depth": 10, "growth": 4},
    "lenet": {"filters": [4, 4, 4]},
    "resnet19": {"channels": 4, "hidden": 16},
    "resnet_cifar": {"depth": 8, "channels": 4},
    "resnet_small": {"channels": 4},
    "resnext_cifar": {"depth": 11, "cardinality": 2, "channels": 4, "width": 4},
    "se_resnet": {"depth": 18, "channels": 4, "squeeze": 4},
    "se_wrn": {"depth": 10, "width": 1},
    "simple_cnn": {"filters": [4, 4]},
    "vgg_blocks": {"filters": [4, 8], "batch_norm": True},
    "wrn": {"depth": 10, "width": 1},
}
# Huang et al., table 2: L, k, millions of parameters
DENSENETS = [(40, 12, "1.0"), (100, 12, "7.0"), (100, 24, "27.2")]
DENSENETS_BC = [(100, 12, "0.8"), (250, 24, "15.3"), (190, 40, "25.6")]
every_network = pytest.mark.parametrize("name", sorted(TINY))


def model(name, **fields):
    return config.Model.model_validate({"name": name, "args": TINY[name], **fields})


def trainable(name, classes=10, **args):
    with torch.device("meta"):
        return parameters(MODELS[name](CIFAR, classes, **args))["trainable"]


def images(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def copy(source: nn.Module, target: nn.Module) -> None:
    """Copy the parameters one after the other; both networks must list them in the order of their layers."""
    for one, other in zip(source.parameters(), target.parameters(), strict=True):
        other.data.copy_(one.data.reshape(other.shape))


def test_all_networks_are_tried_here():
    assert set(TINY) == set(MODELS)


@pytest.mark.parametrize(
    ("name", "args", "millions"),
    [
        *[("resnet_cifar", {"depth": d}, m) for d, m in ((20, "0.27"), (32, "0.46"), (44, "0.66"), (56, "0.85"), (110, "1.7"))],
        # Zagoruyko and Komodakis, tables 2, 4 and 5
        *[("wrn", {"depth": 40, "width": k}, m) for k, m in ((1, "0.6"), (2, "2.2"), (4, "8.9"), (8, "35.7"))],
        *[("wrn", {"depth": 28, "width": k}, m) for k, m in ((10, "36.5"), (12, "52.5"))],
        *[("wrn", {"depth": d, "width": 8}, m) for d, m in ((22, "17.2"), (16, "11.0"))],
        *[("resnext_cifar", {"cardinality": c}, m) for c, m in ((8, "34.4"), (16, "68.1"))],
        *[("densenet_cifar", {"depth": d, "growth": k}, m) for d, k, m in DENSENETS_BC],
        *[("densenet_cifar", {"depth": d, "growth": k, "compact": False}, m) for d, k, m in DENSENETS],
    ],
)
def test_numbers_of_parameters_are_the_papers(name, args, millions):
    decimals = len(millions.split(".")[1])
    # ResNeXt's 68.1 is 68.16: the paper cuts digits off instead of rounding
    assert abs(trainable(name, **args) / 1e6 - float(millions)) <= (1 if name == "resnext_cifar" else 0.501) * 10**-decimals


@pytest.mark.parametrize(("depth", "count"), [(18, 11_173_962), (34, 21_282_122), (50, None), (101, None), (152, None)])
def test_resnets_for_small_images_have_torchvisions_parameters_with_a_smaller_stem(depth, count):
    with torch.device("meta"):
        reference = getattr(torchvision.models, f"resnet{depth}")(num_classes=10)
    expected = sum(weight.numel() for weight in reference.parameters()) - 64 * 3 * (7 * 7 - 3 * 3)
    assert trainable("resnet_small", depth=depth) == expected == (count or expected)


def test_squeeze_and_excitation_adds_what_its_paper_says():
    # 2 / r times the sum of N C², without biases: C/r and C a block
    stages = zip((3, 4, 6, 3), (256, 512, 1024, 2048), strict=True)
    added = sum(n * (2 * c * c // 16 + c // 16 + c) for n, c in stages)
    assert trainable("se_resnet", depth=50) - trainable("resnet_small", depth=50) == added
    assert added == pytest.approx(2.5e6, rel=0.02)  # "SE-ResNet-50 introduces ∼2.5 million additional parameters"
    added = sum(4 * (2 * c * c // 16 + c // 16 + c) for c in (160, 320, 640))
    assert trainable("se_wrn") - trainable("wrn") == added


def test_resnet19_has_its_17_convolutions_and_2_dense_layers():
    with torch.device("meta"):
        network = MODELS["resnet19"](CIFAR, 10)
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)]
    assert [layer.out_channels for layer in convolutions] == [128] * 7 + [256] * 6 + [512] * 4
    dense = [(layer.in_features, layer.out_features) for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert dense == [(512, 256), (256, 10)]


def test_plain_networks_have_the_parameters_counted_by_hand():
    lenet = (3 * 25 + 1) * 16 + (16 * 25 + 1) * 32 + (32 * 25 + 1) * 64
    assert trainable("lenet") == lenet + (64 * 4 * 4 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10
    # PyTorch's tutorial "Training a classifier"
    assert trainable("classic_cnn") == 62_006
    assert trainable("classic_cnn", batch_norm=True) == 62_006 + 2 * (6 + 16 + 120 + 84)
    blocks = 28 * 32 + (288 + 1) * 32 + (288 + 1) * 64 + (576 + 1) * 64 + (576 + 1) * 128 + (1152 + 1) * 128
    assert trainable("vgg_blocks") == blocks + 128 * 4 * 4 * 10 + 10
    vgg16 = {"filters": [64, 128, 256, 512, 512], "convolutions": [2, 2, 3, 3, 3]}
    # torchvision's VGG-16: 138,357,544 parameters, of which 123,642,856 in `classifier`
    assert trainable("vgg_blocks", **vgg16) == 138_357_544 - 123_642_856 + 512 * 10 + 10


def _with_small_stem(network):
    network.conv1, network.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    return network


@pytest.mark.parametrize("depth", [18, 50])
def test_residual_networks_compute_what_torchvisions_do(depth):
    reference = _with_small_stem(getattr(torchvision.models, f"resnet{depth}")(num_classes=10))
    ours = MODELS["resnet_small"](CIFAR, 10, depth=depth)
    copy(reference, ours)
    x = images(3, 3, 16, 16)
    torch.testing.assert_close(ours(x), reference(x), rtol=1e-4, atol=1e-4)


def test_grouped_bottlenecks_compute_what_torchvisions_do():
    reference = _with_small_stem(torchvision.models.resnext50_32x4d(num_classes=10))
    block = Block(bottleneck=0.5, groups=32)
    ours = ResNet(CIFAR, 10, block, stem=64, depths=(3, 4, 6, 3), widths=(256, 512, 1024, 2048))
    copy(reference, ours)
    x = images(3, 3, 16, 16)
    torch.testing.assert_close(ours(x), reference(x), rtol=1e-4, atol=1e-4)


def test_resnext_takes_its_widths_from_8x64d():
    with torch.device("meta"):
        network = MODELS["resnext_cifar"](CIFAR, 10)
    grouped = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.groups == 8]
    assert [layer.out_channels for layer in grouped] == [512] * 3 + [1024] * 3 + [2048] * 3


def test_densenets_compute_what_torchvisions_do():
    reference = torchvision.models.DenseNet(12, (3, 3, 3), 24, num_classes=10)
    reference.features.conv0 = nn.Conv2d(3, 24, 3, padding=1, bias=False)
    for name in ("norm0", "relu0", "pool0"):
        setattr(reference.features, name, nn.Identity())
    ours = MODELS["densenet_cifar"](CIFAR, 10, depth=22)
    copy(reference, ours)
    x = images(3, 3, 16, 16)
    torch.testing.assert_close(ours(x), reference(x), rtol=1e-4, atol=1e-4)


def test_squeeze_and_excitation_computes_what_torchvisions_does():
    reference = torchvision.ops.SqueezeExcitation(32, 2)
    ours = SqueezeExcitation(32, 16)
    copy(reference, ours)
    x = images(3, 32, 5, 7)
    torch.testing.assert_close(ours(x), reference(x))


def test_vgg_blocks_compute_what_torchvisions_vgg_does():
    reference = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["A"])
    ours = MODELS["vgg_blocks"](CIFAR, 10, filters=[64, 128, 256, 512, 512], convolutions=[1, 1, 2, 2, 2])
    ours.features.load_state_dict(reference.state_dict())
    ours.reset_classifier(0)
    x = images(2, *CIFAR)
    torch.testing.assert_close(ours(x), reference(x).flatten(1))


def _active(x, norm):
    return functional.relu(functional.batch_norm(x, None, None, norm.weight, norm.bias, training=True))


@pytest.mark.parametrize("name", ["wrn", "resnet_cifar"])
def test_full_pre_activation_is_as_in_its_paper(name):
    """Identity mappings (He et al. 2016), figure 4e: BN, ReLU, convolution, BN, ReLU, convolution, addition."""
    args = {"depth": 16, "width": 1} if name == "wrn" else {"depth": 14, "pre_activation": True}
    network = MODELS[name](CIFAR, 10, **args)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    x = images(3, *CIFAR)
    found = network(x)
    layers = iter([layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.BatchNorm2d, nn.Linear))])
    x = functional.conv2d(x, next(layers).weight, padding=1)
    for stage in range(3):
        for place in range(2):
            changes, stride = (stage > 0 and place == 0), 2 if stage and not place else 1
            active = _active(x, next(layers))
            y = functional.conv2d(active, next(layers).weight, padding=1, stride=stride)
            y = functional.conv2d(_active(y, next(layers)), next(layers).weight, padding=1)
            shortcut = active if changes or (stage, place) == (0, 0) else x
            if changes and name == "wrn":
                shortcut = functional.conv2d(shortcut, next(layers).weight, stride=stride)
            elif changes:
                shortcut = shortcut[:, :, ::2, ::2]
                shortcut = torch.cat([shortcut, torch.zeros_like(shortcut)], 1)
            x = y + shortcut
    x = _active(x, next(layers)).mean((2, 3))
    last = next(layers)
    torch.testing.assert_close(found, x @ last.weight.T + last.bias, rtol=1e-4, atol=1e-4)
    assert next(layers, None) is None


def test_shortcuts_with_weights_are_strided_convolutions():
    """Narrow ones too, and in channels_last, where a 1x1 convolution with a stride of its own breaks PyTorch 2.15 on the CPU."""
    torch.manual_seed(0)
    for channels in range(2, 10):
        shortcut = Projection(channels, 2 * channels, 2)
        maps = torch.randn(4, channels, 9, 9)
        expected = functional.conv2d(maps, shortcut.weight, stride=2)
        last = maps.to(memory_format=torch.channels_last).requires_grad_()
        found = shortcut.to(memory_format=torch.channels_last)(last)
        torch.testing.assert_close(found, expected)
        found.sum().backward()
        assert last.grad.isfinite().all() and shortcut.weight.grad.isfinite().all()


def test_shortcuts_without_weights_subsample_and_pad():
    x = images(2, 3, 5, 6)
    found = SubsampleAndPad(2, 2)(x)
    assert found.shape == (2, 5, 3, 3)
    for channel in range(5):
        for row in range(3):
            for column in range(3):
                expected = x[:, channel, 2 * row, 2 * column] if channel < 3 else torch.zeros(2)
                assert torch.equal(found[:, channel, row, column], expected)


def test_the_order_of_a_block_is_an_option():
    def kinds(**args):
        return [type(layer).__name__ for layer in MODELS["wrn"](CIFAR, 10, depth=10, width=2, **args).blocks[0].branch]

    assert kinds() == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d"]
    assert kinds(dropout=0.3) == ["Conv2d", "BatchNorm2d", "ReLU", "Dropout", "Conv2d"]
    assert kinds(pre_activation=False) == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d"]
    assert kinds(pre_activation=False, squeeze=16)[-2:] == ["BatchNorm2d", "SqueezeExcitation"]
    assert kinds(squeeze=16)[-2:] == ["Conv2d", "SqueezeExcitation"]


def test_dropout_stands_where_it_is_asked_for():
    classic = MODELS["classic_cnn"](CIFAR, 10, dropout=0.3, batch_norm=True).dense
    hidden = ["Linear", "BatchNorm1d", "ReLU", "Dropout"]
    assert [type(layer).__name__ for layer in classic] == ["Flatten", *hidden, *hidden]
    assert [layer.p for layer in classic if isinstance(layer, nn.Dropout)] == [0.3, 0.3]
    resnet = MODELS["resnet_small"](CIFAR, 10, channels=4, dropout=0.3)
    dropouts = [name for name, layer in resnet.named_modules() if isinstance(layer, nn.Dropout)]
    assert dropouts == ["top.0"]
    assert not any(isinstance(layer, nn.Dropout) for layer in MODELS["resnet_small"](CIFAR, 10, channels=4).modules())


def test_xavier_is_glorots_uniform_distribution():
    plain, xavier = (MODELS["classic_cnn"](CIFAR, 10, xavier=on) for on in (False, True))
    widths = [400, 120, 84, 10]
    for one, other, (inputs, outputs) in zip(_dense(plain), _dense(xavier), pairwise(widths), strict=True):
        bound = sqrt(6 / (inputs + outputs))
        assert 0.98 * bound < other.weight.abs().max() <= bound
        assert not other.bias.any()
        # PyTorch's own: uniform in ±1 / sqrt(fan-in), biases too
        assert 0.98 / sqrt(inputs) < one.weight.abs().max() <= 1 / sqrt(inputs)
        assert one.bias.any()


def _dense(network):
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)]


@pytest.mark.parametrize("name", ["wrn", "densenet_cifar"])
def test_convolutions_start_from_hes_normal_distribution(name):
    torch.manual_seed(0)
    network = MODELS[name](CIFAR, 10, **{"wrn": {"depth": 10, "width": 4}, "densenet_cifar": {"depth": 10, "growth": 64}}[name])
    large = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.weight.numel() > 20_000]
    assert large
    for layer in large:
        deviation = sqrt(2 / (layer.out_channels * layer.kernel_size[0] ** 2))
        assert layer.weight.std().item() == pytest.approx(deviation, rel=0.03)
        assert abs(layer.weight.mean().item()) < 0.03 * deviation


@every_network
def test_a_step_lowers_the_loss(name):
    network = build(model(name), CIFAR, 10, seed=0)
    x, labels = images(8, *CIFAR), torch.arange(8)
    loss = functional.cross_entropy(network(x), labels)
    loss.backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in network.parameters())
    squared = sum(weight.grad.square().sum() for weight in network.parameters()).item()
    with torch.no_grad():
        for weight in network.parameters():
            weight -= 0.01 / squared * weight.grad  # to first order, the loss falls by 0.01
    fallen = loss.item() - functional.cross_entropy(network(x), labels).item()
    assert 0.001 < fallen < 0.02


@every_network
def test_initial_weights_follow_the_seed(name):
    first, again, other = (build(model(name), CIFAR, 10, seed=seed).state_dict() for seed in (3, 3, 4))
    assert all(torch.equal(first[key], again[key]) for key in first)
    drawn = [key for key in first if first[key].ndim > 1]
    assert drawn
    assert not any(torch.equal(first[key], other[key]) for key in drawn)


@every_network
def test_bodies_do_not_depend_on_classes_or_head(name):
    plain = build(model(name), CIFAR, 10, seed=0).state_dict()
    others = build(model(name), CIFAR, 7, seed=0).state_dict()
    headed = build(model(name, head={"hidden": [5]}), CIFAR, 10, seed=0)
    body = headed.body.state_dict()
    assert set(plain) - set(body) == {"classifier.weight", "classifier.bias"}
    assert all(torch.equal(plain[key], body[key]) and torch.equal(plain[key], others[key]) for key in body)
    assert headed(images(2, *CIFAR)).shape == (2, 10)


@every_network
@pytest.mark.parametrize("size", [(24, 24), (33, 40)])
def test_other_sizes_and_classes(name, size):
    network = build(model(name), (3, *size), 7, seed=0)
    assert isinstance(network, Network)
    assert network(images(2, 3, *size)).shape == (2, 7)


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("resnet_cifar", {"depth": 18}, r"depth should be 6n \+ 2, such as 20, not 18"),
        ("resnet_cifar", {"depth": 2}, r"depth should be 6n \+ 2"),
        ("wrn", {"depth": 26}, r"depth should be 6n \+ 4, such as 22, not 26"),
        ("resnext_cifar", {"depth": 30}, r"depth should be 9n \+ 2, such as 29, not 30"),
        ("resnet_small", {"depth": 20}, "depth should be one of 18, 34, 50, 101, 152, not 20"),
        ("densenet_cifar", {"depth": 101}, r"depth should be 6n \+ 4, such as 40, not 101"),
        ("densenet_cifar", {"depth": 42, "compact": False}, r"depth should be 3n \+ 4, such as 22, not 42"),
    ],
)
def test_depths_that_do_not_exist_are_refused(name, args, message):
    with pytest.raises(ValueError, match=message):
        MODELS[name](CIFAR, 10, **args)


@pytest.mark.parametrize("name", ["lenet", "classic_cnn", "vgg_blocks", "simple_cnn"])
def test_images_that_are_too_small_are_refused(name):
    with pytest.raises(ValueError, match="an input of 7x7 is too small for"):
        MODELS[name]((3, 7, 7), 10)
