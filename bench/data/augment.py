"""Augmentations as batched tensor operations whose parameters are drawn per image.

Each takes images [B, 3, H, W] (uint8 from 0 to 255, or floats from 0 to 1), its options from the configuration and a
generator, and returns new images of the same shape, type and memory layout. Parameters are drawn on the generator's
device and in the same number whatever their values, so a stream stays in step between arms; none of it waits for the
device.
"""

import math

import torch
from torch.nn import functional

from bench.config import AddNoise, Crop, Flip
from bench.registry import Registry

AUGMENTATIONS: Registry = Registry("augmentation")


@AUGMENTATIONS.register("flip")
def flip(images: torch.Tensor, options: Flip, generator: torch.Generator) -> torch.Tensor:
    """Mirror each image left to right with probability p."""
    chosen = _chosen(images, options.p, generator)
    return torch.where(chosen, images.flip(3), images)


@AUGMENTATIONS.register("crop")
def crop(images: torch.Tensor, options: Crop, generator: torch.Generator) -> torch.Tensor:
    """Pad with black by `padding` pixels, then cut a window of the old size at a place drawn per image."""
    batch, _, height, width = images.shape
    padded = functional.pad(images, (options.padding,) * 4)
    places = torch.randint(2 * options.padding + 1, (2, batch), generator=generator, device=generator.device)
    top, left = places.to(images.device, non_blocking=True)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # a view of every window: [B, 3, places, places, H, W]
    return windows[torch.arange(batch, device=images.device), :, top, left]


@AUGMENTATIONS.register("noise")
def noise(images: torch.Tensor, options: AddNoise, generator: torch.Generator) -> torch.Tensor:
    """Add fresh Gaussian noise N(0, variance) with probability p, clipped to the range of pixel values."""
    chosen = _chosen(images, options.p, generator)
    drawn = torch.randn(images.shape, generator=generator, device=generator.device)
    z = torch.empty_like(images, dtype=torch.float32).copy_(drawn, non_blocking=True)  # in the images' memory layout
    z *= math.sqrt(options.variance)
    as_bytes = not images.is_floating_point()
    noisy = z.mul_(255).add_(images).round_().clamp_(0, 255) if as_bytes else (images + z).clamp_(0, 1)
    return torch.where(chosen, noisy.to(images), images)


def _chosen(images: torch.Tensor, p: float, generator: torch.Generator) -> torch.Tensor:
    """Draw a mask [B, 1, 1, 1] that is true with probability p."""
    drawn = torch.rand(len(images), generator=generator, device=generator.device)
    return (drawn < p).to(images.device, non_blocking=True)[:, None, None, None]
