"""Augmentations that change pixels' values."""

import math

import torch

from bench.config import AddNoise, ColorJitter, Contrast, Grayscale
from bench.data.augment.base import AUGMENTATIONS, Source, chosen, drawn, floats, like, uniform


@AUGMENTATIONS.register("noise")
def noise(images: torch.Tensor, options: AddNoise, generator: Source) -> torch.Tensor:
    """Add fresh Gaussian noise N(0, variance) with probability p, clipped to the range of pixel values."""
    which = chosen(images, options.p, generator)
    # in the images' memory layout
    z = torch.empty_like(images, dtype=torch.float32).copy_(drawn(torch.randn, images.shape, images, generator))
    z *= math.sqrt(options.variance)
    as_bytes = not images.is_floating_point()
    noisy = z.mul_(255).add_(images).round_().clamp_(0, 255) if as_bytes else (images + z).clamp_(0, 1)
    return torch.where(which, noisy.to(images), images)


@AUGMENTATIONS.register("contrast")
def contrast(images: torch.Tensor, options: Contrast, generator: Source) -> torch.Tensor:
    """Multiply the distance from each image's mean grey by a factor drawn from [1, 1 + increase]."""
    which = chosen(images, options.p, generator)
    planes = _planes(images)
    _contrast(planes, uniform(images, 1, 1 + options.increase, generator))
    return _images(planes, images, which)


@AUGMENTATIONS.register("color_jitter")
def color_jitter(images: torch.Tensor, options: ColorJitter, generator: Source) -> torch.Tensor:
    """Change brightness, contrast, saturation and hue, each by a factor or angle drawn per image, in this order."""
    which = chosen(images, options.p, generator)
    extents = (options.brightness, options.contrast, options.saturation)
    brightness, contrast, saturation = (uniform(images, 1 - extent, 1 + extent, generator) for extent in extents)
    turn = uniform(images, -options.hue, options.hue, generator)
    planes = _planes(images)
    if options.brightness:
        planes.mul_(brightness).clamp_(0, 1)
    if options.contrast:
        _contrast(planes, contrast)
    if options.saturation:
        _away_from(_grey(planes), planes, saturation)
    if options.hue:
        planes = _turned(planes, turn)
    return _images(planes, images, which)


@AUGMENTATIONS.register("grayscale")
def grayscale(images: torch.Tensor, options: Grayscale, generator: Source) -> torch.Tensor:
    """Turn each image grey (Rec. 601 luma) with probability p."""
    which = chosen(images, options.p, generator)
    return _images(_grey(_planes(images)).expand(3, -1, -1, -1), images, which)


def _planes(images: torch.Tensor) -> torch.Tensor:
    """Return a copy as values in [0, 1], float [3, B, H, W], each channel in one piece: they are worked on together."""
    return floats(images.transpose(0, 1).clone(memory_format=torch.contiguous_format))


def _images(planes: torch.Tensor, images: torch.Tensor, which: torch.Tensor) -> torch.Tensor:
    """Return planes as images of the same kind as `images`, and those that are not to change as they were."""
    return torch.where(which, like(planes.transpose(0, 1), images), images)


def _grey(planes: torch.Tensor) -> torch.Tensor:
    """Return the luma of Rec. ITU-R BT.601, [B, H, W]."""
    red, green, blue = planes
    return (red * 0.299).add_(green, alpha=0.587).add_(blue, alpha=0.114)


def _contrast(planes: torch.Tensor, factor: torch.Tensor) -> None:
    _away_from(_grey(planes).mean((1, 2), keepdim=True), planes, factor)


def _away_from(grey: torch.Tensor, planes: torch.Tensor, factor: torch.Tensor) -> None:
    """Multiply the distance from `grey` by a factor, in place."""
    planes.sub_(grey).mul_(factor).add_(grey).clamp_(0, 1)


def _turned(planes: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """Return colours with their hue turned by so many circles, at the same HSV saturation and value (Smith 1978)."""
    red, green, blue = planes
    value = planes.amax(0)
    chroma = value - planes.amin(0)
    divisor = torch.where(chroma > 0, chroma, 1)
    # Hue in sixths of the circle: 0 is red, 2 green, 4 blue.
    near_blue = (red - green).div_(divisor).add_(4)
    near_green = (blue - red).div_(divisor).add_(2)
    near_red = (green - blue).div_(divisor)
    hue = torch.where(value == red, near_red, torch.where(value == green, near_green, near_blue))
    # A channel has its full value within a sixth of its own hue, none of the chroma beyond two sixths, a slope between.
    opposite = torch.arange(5, 0, -2, device=planes.device)[:, None, None, None]
    away = hue.add_(turn, alpha=6).add(opposite).remainder_(6).sub_(2).abs_()
    return value - away.neg_().add_(2).clamp_(0, 1).mul_(chroma)
