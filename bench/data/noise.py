"""Fixed Gaussian noise: a damaged copy of the images, the same whenever seed, image and deviation are the same."""

import numpy as np
import torch

from bench.seeding import derive

_CHUNK = 256  # images at a time, so that the float copies stay in the processor's cache


def mask_seeds(seed: int, streams: list[str], stream: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return int64 [N], a seed for the noise of each image: stream `streams[stream[i]]` of a trial's seed, image indices[i]."""
    # The CPU generator heeds only 32 bits of a seed: counting up keeps images' seeds distinct, hashing would not.
    firsts = np.array([derive(seed, name) % 2**32 for name in streams])
    return (firsts[stream] + indices) % 2**32


def add_noise(images: torch.Tensor, seeds: np.ndarray, deviation: np.ndarray | float) -> torch.Tensor:
    """Return clip(round(images + 255 z)) with z ~ N(0, deviation²), drawn per pixel and channel.

    images: uint8 [N, 3, H, W] on the CPU. deviation: of pixel values in [0, 1], one number or [N, 3]. Each image's z is
    drawn by a generator with its own of `seeds`, so it depends neither on the deviation nor on which other images are drawn.
    """
    random = torch.Generator()
    noisy = torch.empty_like(images)
    scale = torch.as_tensor(np.multiply(deviation, 255.0)).float()
    scale = scale.expand(len(images), images.shape[1])[:, :, None, None]
    z = torch.empty(min(_CHUNK, len(images)), *images.shape[1:])
    for start in range(0, len(images), _CHUNK):
        span = slice(start, start + _CHUNK)
        for row, seed in zip(z, seeds[span].tolist(), strict=False):
            row.normal_(generator=random.manual_seed(seed))
        chunk = images[span]
        noisy[span] = z[: len(chunk)].mul_(scale[span]).add_(chunk).round_().clamp_(0, 255)
    return noisy
