"""Fixed Gaussian noise: a damaged copy of the images, the same whenever seed, image and variance are the same."""

import math

import numpy as np
import torch

from bench.seeding import derive, generator

_CHUNK = 256  # images at a time, so that the float copies stay in the processor's cache


def add_noise(images: torch.Tensor, indices: np.ndarray, variance: float, seed: int, source: str) -> torch.Tensor:
    """Return clip(round(images + 255 z)) with z ~ N(0, variance), drawn per pixel and channel.

    images: uint8 [N, 3, H, W] on the CPU. indices: int64 [N], each image's place in its source array, `source` ("train"
    or "test"). Each image's z is drawn by a generator seeded for that image alone (stream "noise"), so it depends
    neither on the variance nor on which other images are drawn.
    """
    first = derive(seed, f"noise/{source}")
    random = generator(seed, f"noise/{source}")
    noisy = torch.empty_like(images)
    z = torch.empty(min(_CHUNK, len(images)), *images.shape[1:])
    for start in range(0, len(images), _CHUNK):
        chunk = images[start : start + _CHUNK]
        # The CPU generator heeds only 32 bits of a seed: counting up keeps images' seeds distinct, hashing would not.
        for row, index in zip(z, indices[start : start + _CHUNK].tolist(), strict=False):
            row.normal_(generator=random.manual_seed((first + index) % 2**32))
        damaged = z[: len(chunk)].mul_(255 * math.sqrt(variance)).add_(chunk).round_().clamp_(0, 255)
        noisy[start : start + _CHUNK] = damaged
    return noisy
