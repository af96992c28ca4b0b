"""The registry of denoisers, and how strong the noise of an image is."""

import numpy as np
import torch

from bench.registry import Registry

DENOISERS: Registry = Registry("denoiser")

ROUNDING = 1 / (255 * 12**0.5)
"""Standard deviation of the rounding to 8 bits: no image has less noise than this."""
NORMAL_QUARTILE = 0.6744897501960817
"""Median of the absolute values of a standard normal distribution."""


def noise_level(images: torch.Tensor) -> torch.Tensor:
    """Return the standard deviation of each image's noise, float32 [N] on the images' device, estimated from the image itself.

    The robust median estimator of Donoho and Johnstone (1994): the median absolute value of the finest diagonal wavelet
    coefficients (db2), over that of a standard normal, mean over the channels. Coefficients that are 0 do not count. As
    `skimage.restoration.estimate_sigma`, for all images at once; at least the rounding to 8 bits.
    """
    import pywt

    details = pywt.dwtn(images.cpu().numpy(), "db2", axes=(2, 3))["dd"]
    sizes = np.abs(details.reshape(*details.shape[:2], -1))
    sizes[sizes == 0] = np.nan
    empty = np.isnan(sizes).all(2)
    sizes[empty] = 0
    levels = (np.nanmedian(sizes, axis=2) / NORMAL_QUARTILE).mean(1)
    return torch.from_numpy(np.maximum(levels, ROUNDING)).to(images)
