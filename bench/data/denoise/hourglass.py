"""A hourglass network for each of many images, all computed together: weights have a first dimension of images, too.

A convolution is a product of matrices for each image, of its weights and of the pixels under them. That is faster than a
convolution with a group an image, which is made for few groups of many channels; measured with 8 channels on 32x32 images.
"""

import math

import torch
from torch.nn import functional

from bench.config import DeepImagePrior

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
    x = _Convolution.apply(x, parts[name], stride)
    images, channels, *sides = x.shape
    flat = x.reshape(1, images * channels, *sides)  # as channels of one image, each is normalised by itself
    gain, shift = (parts[f"{name}.{what}"].reshape(-1) for what in ("gain", "shift"))
    return functional.leaky_relu(functional.batch_norm(flat, None, None, gain, shift, training=True), SLOPE).view_as(x)


def _pointwise(x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return a 1x1 convolution. weights: [N, O, C]."""
    return torch.bmm(weights, x.flatten(2)).view(len(x), -1, *x.shape[2:])


class _Convolution(torch.autograd.Function):
    """3x3 convolutions, padded with zeros, of images [N, C, H, W] with weights [N, O, C, 3, 3] of each image's own."""

    @staticmethod
    def forward(context, x: torch.Tensor, weights: torch.Tensor, stride: int) -> torch.Tensor:
        patches, sides = _patches(x, stride)
        context.save_for_backward(patches, weights)
        context.stride, context.sides = stride, x.shape[2:]
        return torch.bmm(weights.flatten(2), patches).view(len(x), -1, *sides)

    @staticmethod
    def backward(context, gradient: torch.Tensor):
        patches, weights = context.saved_tensors
        of_weights = torch.bmm(gradient.flatten(2), patches.transpose(1, 2)).view_as(weights)
        if not context.needs_input_grad[0]:
            return None, of_weights, None
        if context.stride > 1:
            spread = gradient.new_zeros(*gradient.shape[:2], *context.sides)
            spread[:, :, :: context.stride, :: context.stride] = gradient
            gradient = spread
        turned = weights.flip(3, 4).transpose(1, 2).flatten(2)  # the gradient is a convolution with the weights turned round
        of_x = torch.bmm(turned, _patches(gradient, 1)[0]).view(len(weights), -1, *context.sides)
        return of_x, of_weights, None


def _patches(x: torch.Tensor, stride: int) -> tuple[torch.Tensor, tuple[int, int]]:
    """Return the 3x3 neighbourhoods of every (stride-th) pixel, [N, 9 C, H' W'], and (H', W')."""
    padded = functional.pad(x, (1, 1, 1, 1))
    images, channels = x.shape[:2]
    sides = tuple(-(-side // stride) for side in x.shape[2:])
    image, channel, row, column = padded.stride()
    windows = padded.as_strided((images, channels, 3, 3, *sides), (image, channel, row, column, row * stride, column * stride))
    return windows.reshape(images, 9 * channels, -1), sides
