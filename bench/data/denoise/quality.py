"""How near images are to their clean originals, and examples to look at."""

import numpy as np
import torch

from bench.data.denoise.base import ROUNDING

WINDOW = 7
"""Sides of SSIM's windows, in pixels."""
CHUNK = 256


def quality(clean: torch.Tensor, noisy: torch.Tensor, denoised: torch.Tensor) -> dict[str, float]:
    """Return denoise/<psnr|ssim>/<noisy|denoised>: means over the images, PSNR in dB. Images: uint8 [N, 3, H, W].

    Without SSIM where the images are smaller than its windows.
    """
    measures = {"psnr": psnr} | ({"ssim": ssim} if min(clean.shape[2:]) >= WINDOW else {})
    return {
        f"denoise/{name}/{which}": _mean(measure, images, clean)
        for name, measure in measures.items()
        for which, images in (("noisy", noisy), ("denoised", denoised))
    }


def psnr(images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """Return each image's peak signal-to-noise ratio in dB, [N], for floats [N, 3, H, W] from 0 to 1.

    Differences below the rounding to 8 bits (variance 1/12 of a level squared) count as that, so equal images have 58.92 dB.
    """
    return -10 * (images - clean).square().mean((1, 2, 3)).clamp_min(ROUNDING**2).log10()


def ssim(images: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
    """Return each image's structural similarity (Wang et al. 2004), [N], for floats [N, 3, H, W] from 0 to 1.

    As scikit-image's: uniform windows of 7x7 that lie within the image, sample covariance, mean over places and channels.
    """
    unbiased = WINDOW**2 / (WINDOW**2 - 1)
    x, y = images - 0.5, clean - 0.5  # squares of small numbers, so that less of float32 is lost in their differences
    mean_x, mean_y = _windows(x), _windows(y)
    variance_x, variance_y = (unbiased * (_windows(z**2) - mean**2) for z, mean in ((x, mean_x), (y, mean_y)))
    covariance = unbiased * (_windows(x * y) - mean_x * mean_y)
    mean_x, mean_y = mean_x + 0.5, mean_y + 0.5
    small, large = 0.01**2, 0.03**2
    alike = (2 * mean_x * mean_y + small) * (2 * covariance + large)
    most = (mean_x**2 + mean_y**2 + small) * (variance_x + variance_y + large)
    return (alike / most).mean((1, 2, 3))


def _windows(x: torch.Tensor) -> torch.Tensor:
    """Return the means over all windows that lie within the image."""
    for axis in (2, 3):  # a few sums of slices: many times as fast as pooling
        places = x.shape[axis] - WINDOW + 1
        x = sum(x.narrow(axis, start, places) for start in range(WINDOW))
    return x / WINDOW**2


def examples(clean: torch.Tensor, noisy: torch.Tensor, denoised: torch.Tensor, count: int = 4) -> dict[str, np.ndarray]:
    """Return some images as "clean", "noisy" and "denoised", uint8 [K, H, W, 3], spread evenly over uint8 [N, 3, H, W]."""
    rows = torch.linspace(0, len(clean) - 1, min(count, len(clean))).round().long()
    parts = {"clean": clean, "noisy": noisy, "denoised": denoised}
    return {name: part[rows].permute(0, 2, 3, 1).contiguous().numpy() for name, part in parts.items()}


def _mean(measure, images: torch.Tensor, clean: torch.Tensor) -> float:
    pairs = zip(images.split(CHUNK), clean.split(CHUNK), strict=True)
    return torch.cat([measure(chunk / 255, clean_chunk / 255) for chunk, clean_chunk in pairs]).double().mean().item()
