"""The bilateral filter, on all images at once.

Not scikit-image's: up to 0.26 at least its spatial weights are askew (it builds them for a window of one pixel more than it
indexes them by), so that an impulse spreads into the next rows on one side, and clean images lose some 10 dB.
"""

import math

import torch
from torch.nn import functional

from bench.config import Bilateral
from bench.data.denoise.base import DENOISERS, noise_level


@DENOISERS.register("bilateral")
def bilateral(images: torch.Tensor, options: Bilateral) -> torch.Tensor:
    """Bilateral filter (Tomasi and Manduchi 1998)."""
    height, width = images.shape[2:]
    reach = math.ceil(3 * options.sigma_spatial)
    padded = functional.pad(images, (reach,) * 4, mode="replicate")
    falls = -0.5 / (options.sigma_color * noise_level(images)[:, None, None]) ** 2
    total, weights = torch.zeros_like(images), torch.zeros_like(images[:, :1])
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            other = padded[:, :, reach + down :, reach + right :][:, :, :height, :width]
            apart = (other - images).square().sum(1)
            near = -0.5 * (down**2 + right**2) / options.sigma_spatial**2
            weight = (apart * falls + near).exp()[:, None]
            total.addcmul_(other, weight)
            weights += weight
    return total / weights
