"""Augmented copies of training images, made once and appended."""

import math
from dataclasses import dataclass

import torch

from bench.config import Append
from bench.data.augment import Augmenter
from bench.data.augment.sequence import soft
from bench.data.composition import appended
from bench.seeding import generator

_BATCH = 512  # images that are augmented together, and so may be mixed with each other


@dataclass(frozen=True, eq=False)
class Appended:
    """Augmented copies. rows: int64 [K], which images they are of. images: uint8 [K, 3, H, W].

    targets: float32 [N + K, classes] of the images and their copies, where copies were mixed; else None.
    """

    rows: torch.Tensor
    images: torch.Tensor
    targets: torch.Tensor | None


def append(images: torch.Tensor, labels: torch.Tensor, options: Append, seed: int, classes: int) -> Appended:
    """Augment copies of a share of uint8 [N, 3, H, W] with labels int64 [N], both on the CPU.

    Which images, and the augmentations' parameters, are drawn from two streams of the trial's seed: "append" and "append,
    augmentation". A larger share chooses what a smaller one chooses, and more.
    """
    order = torch.randperm(len(images), generator=generator(seed, "append"))
    rows = order[: appended(len(images), options)]
    augmenter = Augmenter(options.augment, images, classes)
    drawn = generator(seed, "append, augmentation")
    targets = soft(labels, classes) if augmenter.mixes else labels
    batches = rows.tensor_split(max(1, math.ceil(len(rows) / _BATCH)))
    augmented = [augmenter(images[indices], targets[indices], drawn) for indices in batches if len(indices)]
    copies = torch.cat([images[:0], *(batch for batch, _ in augmented)])
    mixed = torch.cat([targets, *(target for _, target in augmented)]) if augmenter.mixes else None
    return Appended(rows, copies, mixed)
