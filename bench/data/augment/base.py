"""The registry of augmentations, and what they draw."""

from collections.abc import Callable, Sequence
from functools import partial

import torch

from bench.registry import Registry

AUGMENTATIONS: Registry = Registry("augmentation")


class Generators:
    """The generators of several trials whose images lie in one batch by turns: those of image i are those of trial i mod `len`.

    Each trial draws from its own what it would draw alone, so neighbours do not matter to it.
    """

    def __init__(self, generators: Sequence[torch.Generator]):
        self.members = tuple(generators)
        self.device = self.members[0].device

    def __len__(self) -> int:
        return len(self.members)


Source = torch.Generator | Generators
Sample = Callable[..., torch.Tensor]
"""(shape, generator=, device=) -> tensor, such as torch.rand."""


def drawn(sample: Sample, shape: Sequence[int], images: torch.Tensor, generator: Source, axis: int = 0) -> torch.Tensor:
    """Draw a tensor, and bring it to the images' device. axis: that of the shape which counts the images of the batch."""
    device = generator.device
    if isinstance(generator, Generators):
        trial_shape = list(shape)
        trial_shape[axis] //= len(generator)
        each = [sample(trial_shape, generator=member, device=device) for member in generator.members]
        result = torch.stack(each, axis + 1).flatten(axis, axis + 1)
    else:
        result = sample(tuple(shape), generator=generator, device=device)
    return result.to(images.device, non_blocking=True)


def chosen(images: torch.Tensor, p: float, generator: Source) -> torch.Tensor:
    """Draw a mask [B, 1, 1, 1] that is true with probability p."""
    return (drawn(torch.rand, images.shape[:1], images, generator) < p)[:, None, None, None]


def uniform(images: torch.Tensor, low: float, high: float, generator: Source) -> torch.Tensor:
    """Draw float32 [B, 1, 1] evenly between low and high."""
    return drawn(torch.rand, images.shape[:1], images, generator).mul_(high - low).add_(low)[:, None, None]


def whole(images: torch.Tensor, count: int, generator: Source) -> torch.Tensor:
    """Draw int64 [B] from 0 … count - 1."""
    return drawn(partial(torch.randint, count), images.shape[:1], images, generator)


def partners(images: torch.Tensor, generator: Source) -> torch.Tensor:
    """Draw a random cycle through a trial's images of the batch: int64 [B], the place of the image that comes before each."""
    members = len(generator) if isinstance(generator, Generators) else 1
    cycle = drawn(torch.rand, images.shape[:1], images, generator).view(-1, members).argsort(0)
    before = torch.empty_like(cycle).scatter_(0, cycle, cycle.roll(1, 0))
    return (before * members + torch.arange(members, device=images.device)).flatten()


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
