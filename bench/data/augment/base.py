"""The registry of augmentations, and what they draw."""

import torch

from bench.registry import Registry

AUGMENTATIONS: Registry = Registry("augmentation")


def chosen(images: torch.Tensor, p: float, generator: torch.Generator) -> torch.Tensor:
    """Draw a mask [B, 1, 1, 1] that is true with probability p."""
    drawn = torch.rand(len(images), generator=generator, device=generator.device)
    return (drawn < p).to(images.device, non_blocking=True)[:, None, None, None]


def uniform(images: torch.Tensor, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    """Draw float32 [B, 1, 1] evenly between low and high."""
    drawn = torch.rand(len(images), generator=generator, device=generator.device)
    return drawn.mul_(high - low).add_(low).to(images.device, non_blocking=True)[:, None, None]


def whole(images: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw int64 [B] from 0 … count - 1."""
    drawn = torch.randint(count, (len(images),), generator=generator, device=generator.device)
    return drawn.to(images.device, non_blocking=True)


def like(result: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return float values in [0, 1] as values of the images' type (bytes are rounded) and memory layout."""
    if not images.is_floating_point():
        result = result.mul(255).round_()
    return torch.empty_like(images).copy_(result)


def floats(images: torch.Tensor) -> torch.Tensor:
    """Return values in [0, 1], float32 or wider."""
    if images.is_floating_point():
        return images.to(torch.promote_types(images.dtype, torch.float32))
    return images.to(torch.float32).div_(255)
