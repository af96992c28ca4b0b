"""Deep Image Prior on many images at once: against one network built of PyTorch's own layers, and against itself alone."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from bench.config import DeepImagePrior
from bench.data.denoise import prior
from bench.data.denoise.base import noise_level
from bench.data.denoise.hourglass import SKIPPED, Hourglass
from bench.data.denoise.prior import deep_image_prior
from bench.data.denoise.quality import psnr
from bench.errors import BenchError


def options(**changes) -> DeepImagePrior:
    return DeepImagePrior.model_validate({"name": "dip", "stop_at_noise": False} | changes)


@pytest.fixture
def scenes():
    """Smooth images [4, 3, 16, 16] with an edge each, from 0 to 1."""
    places = torch.linspace(-1, 1, 16)
    made = []
    for k in range(4):
        turn = torch.tensor(0.8 * k)
        slope = turn.cos() * places[:, None] + turn.sin() * places
        edge = torch.where(slope > 0.2 * k - 0.3, 0.3, -0.3)
        made.append(torch.stack([0.5 + 0.2 * slope + weight * edge for weight in (1.0, 0.5, -0.5)]))
    return torch.stack(made).clamp(0, 1)


@pytest.fixture
def noisy(scenes):
    return (scenes + 0.15 * torch.randn(scenes.shape, generator=torch.Generator().manual_seed(1))).clamp(0, 1)


class Layers(nn.Module):
    """The same network for a single image, of PyTorch's own layers."""

    def __init__(self, depth: int, channels: int, first: int):
        super().__init__()
        self.depth = depth
        above = [first] + [channels] * (depth - 1)
        self.down = nn.ModuleList(nn.Conv2d(above[k], channels, 3, stride=2, padding=1, bias=False) for k in range(depth))
        self.skip = nn.ModuleList(nn.Conv2d(above[k], SKIPPED, 1, bias=False) for k in range(depth))
        self.up = nn.ModuleList(nn.Conv2d(SKIPPED + channels, channels, 3, padding=1, bias=False) for _ in range(depth))
        self.down_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(depth))
        self.up_norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(depth))
        self.colours = nn.Conv2d(channels, 3, 1)

    def forward(self, x):
        return torch.sigmoid(self.colours(self.level(x, 0)))

    def level(self, x, k):
        act = nn.LeakyReLU(0.2)
        below = act(self.down_norm[k](self.down[k](x)))
        if k + 1 < self.depth:
            below = self.level(below, k + 1)
        below = nn.Upsample(size=x.shape[2:], mode="nearest")(below)
        return act(self.up_norm[k](self.up[k](torch.cat([act(self.skip[k](x)), below], 1))))

    def by_name(self):
        """Return our names → parameters."""
        found = {}
        for k in range(self.depth):
            found |= {f"down{k}": self.down[k].weight, f"up{k}": self.up[k].weight, f"skip{k}": self.skip[k].weight}
            for which, norm in (("down", self.down_norm[k]), ("up", self.up_norm[k])):
                found |= {f"{which}{k}.gain": norm.weight, f"{which}{k}.shift": norm.bias}
        return found | {"colours": self.colours.weight, "colours.bias": self.colours.bias}


def with_weights(network: Hourglass, weights: torch.Tensor, depth: int, channels: int, first: int) -> Layers:
    layers = Layers(depth, channels, first)
    named = layers.by_name()
    for (name, shape), values in zip(network.shapes.items(), weights.split(network.sizes), strict=True):
        assert named[name].numel() == values.numel() == np.prod(shape)
        named[name].data = values.view_as(named[name]).clone()
    return layers


@pytest.mark.parametrize(("depth", "sides"), [(1, (16, 16)), (2, (16, 12)), (3, (17, 19))])
def test_the_network_is_the_one_of_pytorchs_layers(depth, sides):
    network = Hourglass(options(depth=depth, channels=5, input_channels=4))
    random = torch.Generator().manual_seed(depth)
    weights = network.initial(torch.rand(3, network.size, generator=random))
    weights += 0.1 * torch.randn(weights.shape, generator=random)  # so that no gain is 1, and no shift 0
    inputs = torch.rand(3, 4, *sides, generator=random)
    ours = network(weights, inputs)
    assert ours.shape == (3, 3, *sides)
    for k in range(3):
        layers = with_weights(network, weights[k], depth, 5, 4)
        torch.testing.assert_close(ours[k : k + 1], layers(inputs[k : k + 1]), rtol=1e-4, atol=1e-5)


def test_weights_start_as_those_of_pytorchs_layers():
    network = Hourglass(options(depth=1, channels=64, input_channels=8))
    weights = network.initial(torch.rand(1, network.size, generator=torch.Generator().manual_seed(0)))[0]
    theirs = Layers(1, 64, 8).by_name()
    for (name, shape), values in zip(network.shapes.items(), weights.split(network.sizes), strict=True):
        if len(shape) > 1:
            bound = 1 / np.sqrt(np.prod(shape[1:]))
            assert 0.85 * bound < values.abs().max() <= bound
            assert float(values.std()) == pytest.approx(bound / np.sqrt(3), rel=0.15)
            assert theirs[name].abs().max() <= bound
        elif name != "colours.bias":
            torch.testing.assert_close(values, theirs[name].detach())


def test_an_image_is_painted_as_by_a_plain_loop_with_pytorchs_layers_and_adam(noisy):
    chosen = options(depth=2, channels=4, input_channels=3, iterations=12, average=0.8, input_noise=0.05)
    image = noisy[1:2]
    network = Hourglass(chosen)
    state = prior._start(image, torch.zeros(1), network, chosen)
    layers = with_weights(network, state.weights[0], 2, 4, 3)
    pool = torch.randn(prior.POOL + 3 * 256, generator=prior.generator(0, "dip"))
    optimizer = torch.optim.Adam(layers.parameters(), lr=chosen.lr)
    total, share = 0, 0
    for place in state.places[0].tolist():
        painted = layers(state.inputs + 0.05 * pool[place : place + 3 * 256].view(1, 3, 16, 16))
        optimizer.zero_grad()
        functional.mse_loss(painted, image).backward()
        optimizer.step()
        total, share = 0.8 * total + painted.detach(), 0.8 * share + 1
    torch.testing.assert_close(deep_image_prior(image, chosen), total / share, rtol=0, atol=2e-4)


def test_a_result_depends_on_the_image_alone(noisy, monkeypatch):
    chosen = options(depth=2, channels=4, iterations=30)
    together = deep_image_prior(noisy, chosen)
    turned = deep_image_prior(noisy.flip(0), chosen).flip(0)
    alone = torch.cat([deep_image_prior(image[None], chosen) for image in noisy])
    monkeypatch.setattr(prior, "CPU_BYTES", 1)  # a batch is then one image
    assert prior._batch(noisy, chosen) == 1
    chunked = deep_image_prior(noisy, chosen)
    for other in (turned, alone, chunked):
        torch.testing.assert_close(together, other, rtol=0, atol=0.5 / 255)
    assert torch.equal(together, deep_image_prior(noisy, chosen))


def test_images_that_stop_early_leave_the_others_as_they_are(noisy):
    even = 0.02 * torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(2)) + noisy.mean((2, 3), keepdim=True)
    images = torch.cat([noisy, even]).clamp(0, 1)
    chosen = options(depth=2, channels=4, iterations=60, stop_at_noise=True)
    together = deep_image_prior(images, chosen)
    alone = torch.cat([deep_image_prior(image[None], chosen) for image in images])
    torch.testing.assert_close(together, alone, rtol=0, atol=0.5 / 255)


def test_an_image_is_stopped_when_the_result_is_as_far_from_it_as_its_noise(noisy):
    long = options(depth=2, iterations=400)
    stopped = deep_image_prior(noisy, long.model_copy(update={"stop_at_noise": True}))
    level = noise_level(noisy)
    rounding = 1e-5  # what is just at the level may be stopped there or at the next look
    for step in range(prior.CHECKED, 400, prior.CHECKED):
        found = deep_image_prior(noisy, long.model_copy(update={"iterations": step}))
        distance = (found - noisy).square().mean((1, 2, 3)).sqrt() / level
        here = (found - stopped).abs().amax((1, 2, 3)) <= 0.5 / 255
        assert (distance[here] <= 1 + rounding).all(), "not before the first look at which that is so"
        assert (distance[~here] >= 1 - rounding).all(), "nor after it"
        noisy, level, stopped = noisy[~here], level[~here], stopped[~here]
        if not len(noisy):
            break
    assert not len(noisy)


def test_noise_is_removed_and_clean_images_stay_as_they_are(scenes, noisy):
    chosen = options(stop_at_noise=True, depth=2)
    before, after = psnr(noisy, scenes), psnr(deep_image_prior(noisy, chosen), scenes)
    assert (after > before + 4).all()
    assert (psnr(deep_image_prior(scenes, chosen), scenes) > 30).all()


def test_the_average_without_a_past_is_the_last_output_and_one_iteration_is_its_own_average(noisy):
    first = deep_image_prior(noisy, options(depth=1, iterations=1, average=0.9))
    torch.testing.assert_close(first, deep_image_prior(noisy, options(depth=1, iterations=1, average=0)))
    assert ((first > 0) & (first < 1)).all()


def test_it_works_where_gradients_are_off(noisy):
    with torch.no_grad():
        result = deep_image_prior(noisy, options(depth=1, iterations=3))
    assert not result.requires_grad
    torch.testing.assert_close(result, deep_image_prior(noisy, options(depth=1, iterations=3)))


def test_images_too_small_for_the_depth_are_told(noisy):
    assert deep_image_prior(noisy[:, :, :8, :8], options(depth=2, iterations=1)).shape == (4, 3, 8, 8)
    with pytest.raises(BenchError, match="8x7 pixels are too small for a network that halves 2 times"):
        deep_image_prior(noisy[:, :, :7, :8], options(depth=2, iterations=1))


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_how_many_images_are_done_at_once_hangs_on_nothing_else_that_runs(monkeypatch, device):
    asked = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: asked.append(device) or (0, 0))
    images = SimpleNamespace(device=torch.device(device), shape=(1024, 3, 32, 32))
    assert prior._batch(images, options()) >= (1024 if device == "cuda" else 64)
    assert not asked
