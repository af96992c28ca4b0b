"""A hourglass network for each of many images, all computed together: weights have a first dimension of images, too.

Convolutions are products of matrices (see `bench.models.patches`); that was faster with 8 channels on 32x32 images.
"""

import math

import torch
from torch.nn import functional

from bench.config import DeepImagePrior
from bench.models import patches

SKIPPED = 4
"""Channels that go past the lower levels, as in the paper."""
SLOPE = 0.2


class Hourglass:
    """The network of Ulyanov et al. (2018), reduced: for each level a 3x3 convolution that halves the sides and one that
    follows the doubling (nearest neighbour), both with normalisation and leaky ReLU, and a 1x1 convolution past them; at the
    end a 1x1 convolution to three colours and a sigmoid. Normalisation is over an image's own pixels.

    size: the number of weights of one network.
    """

    def __init__(self, options: DeepImagePrior):
        self.depth, channels = options.depth, options.channels
        self.shapes: dict[str, tuple[int, ...]] = {}
        for level in range(self.depth):
            above = channels if level else options.input_channels
            self.shapes[f"down{level}"] = (channels, above, 3, 3)
            self.shapes[f"skip{level}"] = (SKIPPED, above)
            self.shapes[f"up{level}"] = (channels, SKIPPED + channels, 3, 3)
            for block in (f"down{level}", f"up{level}"):
                self.shapes |= {f"{block}.gain": (channels,), f"{block}.shift": (channels,)}
        self.shapes |= {"colours": (3, channels), "colours.bias": (3,)}
        self.sizes = [math.prod(shape) for shape in self.shapes.values()]
        self.size = sum(self.sizes)

    def initial(self, uniform: torch.Tensor) -> torch.Tensor:
        """Return weights [N, size] as PyTorch starts them, from numbers [N, size] that are uniform from 0 to 1."""
        bounds = [0.0 if len(shape) == 1 else math.prod(shape[1:]) ** -0.5 for shape in self.shapes.values()]
        starts = [1.0 if name.endswith(".gain") else 0.0 for name in self.shapes]
        sizes = torch.tensor(self.sizes)
        bound, start = (torch.tensor(values).repeat_interleave(sizes).to(uniform) for values in (bounds, starts))
        return (2 * uniform - 1) * bound + start

    def __call__(self, weights: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Return images [N, 3, H, W]. weights: [N, size]. inputs: [N, C, H, W]."""
        pieces = zip(self.shapes.items(), weights.split(self.sizes, 1), strict=True)
        parts = {name: piece.view(-1, *shape) for (name, shape), piece in pieces}
        passed, x = [], inputs
        for level in range(self.depth):
            passed.append(x)
            x = _block(x, parts, f"down{level}", stride=2)
        for level in reversed(range(self.depth)):
            past = functional.leaky_relu(_pointwise(passed[level], parts[f"skip{level}"]), SLOPE)
            x = functional.interpolate(x, size=past.shape[2:])
            x = _block(torch.cat([past, x], 1), parts, f"up{level}")
        return torch.sigmoid(_pointwise(x, parts["colours"]) + parts["colours.bias"][:, :, None, None])


def _block(x: torch.Tensor, parts: dict[str, torch.Tensor], name: str, stride: int = 1) -> torch.Tensor:
    x = patches.convolve(x[None], parts[name], stride, padding=1)[0]  # one image for each network
    images, channels, *sides = x.shape
    flat = x.reshape(1, images * channels, *sides)  # as channels of one image, each is normalised by itself
    gain, shift = (parts[f"{name}.{what}"].reshape(-1) for what in ("gain", "shift"))
    return functional.leaky_relu(functional.batch_norm(flat, None, None, gain, shift, training=True), SLOPE).view_as(x)


def _pointwise(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return a 1x1 convolution. weights: [N, O, C]."""
    return torch.bmm(weights, x.flatten(2)).view(len(x), -1, *x.shape[2:])
