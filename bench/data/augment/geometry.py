"""Augmentations that move pixels."""

import math
from functools import partial

import torch
from torch.nn import functional

from bench.config import Border, Crop, Flip, Rotation, Shift
from bench.data.augment.base import AUGMENTATIONS, Source, chosen, drawn, floats, like, uniform, whole


@AUGMENTATIONS.register("flip")
def flip(images: torch.Tensor, options: Flip, generator: Source) -> torch.Tensor:
    """Mirror each image left to right with probability p."""
    return torch.where(chosen(images, options.p, generator), images.flip(3), images)


@AUGMENTATIONS.register("crop")
def crop(images: torch.Tensor, options: Crop, generator: Source) -> torch.Tensor:
    """Pad with black by `padding` pixels, then cut a window of the old size at a place drawn per image."""
    batch, _, height, width = images.shape
    padded = functional.pad(images, (options.padding,) * 4)
    top, left = drawn(partial(torch.randint, 2 * options.padding + 1), (2, batch), images, generator, axis=1)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view of every window: [B, 3, places, places, H, W]
    return windows[torch.arange(batch, device=images.device), :, top, left]


@AUGMENTATIONS.register("shift")
def shift(images: torch.Tensor, options: Shift, generator: Source) -> torch.Tensor:
    """Shift by up to `fraction` of each side, in whole pixels drawn per image and axis; what leaves comes in opposite."""
    which = chosen(images, options.p, generator).flatten()
    rows, columns = (_rolled(images, axis, options.fraction, which, generator) for axis in (2, 3))
    batch = torch.arange(len(images), device=images.device)[:, None, None]
    # Channels stand last in what is gathered, whatever the images' layout, so that whole pixels are moved.
    moved = images.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]]
    return torch.empty_like(images).copy_(moved.permute(0, 3, 1, 2))


def _rolled(images: torch.Tensor, axis: int, fraction: float, which: torch.Tensor, generator: Source) -> torch.Tensor:
    """Return int64 [B, side]: which row (or column) comes to stand where."""
    side = images.shape[axis]
    furthest = int(fraction * side)
    moved = (whole(images, 2 * furthest + 1, generator) - furthest) * which
    return (torch.arange(side, device=images.device) - moved[:, None]) % side


@AUGMENTATIONS.register("border")
def border(images: torch.Tensor, options: Border, generator: Source) -> torch.Tensor:
    """Blacken a border at each of the four sides, up to `fraction` of that side's length, widths drawn per image and axis."""
    which = chosen(images, options.p, generator)
    rows, columns = (_inside(images, axis, options.fraction, generator) for axis in (2, 3))
    inside = rows[:, None, :, None] & columns[:, None, None, :]
    return torch.where(inside | ~which, images, images.new_zeros(()))


def _inside(images: torch.Tensor, axis: int, fraction: float, generator: Source) -> torch.Tensor:
    """Return bool [B, side]: which rows (or columns) stay."""
    side = images.shape[axis]
    width = whole(images, int(fraction * side) + 1, generator)[:, None]
    place = torch.arange(side, device=images.device)
    return (place >= width) & (place < side - width)


@AUGMENTATIONS.register("rotation")
def rotation(images: torch.Tensor, options: Rotation, generator: Source) -> torch.Tensor:
    """Rotate about the centre by an angle from [-degrees, degrees] drawn per image, bilinear, black outside."""
    height, width = images.shape[2:]
    which = chosen(images, options.p, generator)
    angle = uniform(images, -options.degrees, options.degrees, generator).mul_(math.pi / 180)
    pixels = floats(images)
    # From -1 at the outer edge of the first pixel to 1 at that of the last, as grid_sample has it.
    y, x = ((torch.arange(side, device=images.device) * 2 + 1) / side - 1 for side in (height, width))
    y, cos, sin = y[:, None], angle.cos(), angle.sin()
    grid = torch.stack([cos * x - sin * (height / width) * y, sin * (width / height) * x + cos * y], dim=3)
    turned = functional.grid_sample(pixels, grid.to(pixels.dtype), mode="bilinear", align_corners=False)
    return torch.where(which, like(turned, images), images)
