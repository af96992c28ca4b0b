"""Classical denoisers of scikit-image, image by image. Their strength goes by the noise that is estimated in each image."""

from collections.abc import Callable

import numpy as np
import torch

from bench.config import NonLocalMeans, TotalVariation, Wavelet
from bench.data.denoise.base import DENOISERS, noise_level


@DENOISERS.register("nl_means")
def nl_means(images: torch.Tensor, options: NonLocalMeans) -> torch.Tensor:
    """Non-local means (Buades et al. 2005)."""
    from skimage.restoration import denoise_nl_means

    sizes = {"patch_size": options.patch_size, "patch_distance": options.patch_distance}

    def denoise(image: np.ndarray, sigma: float) -> np.ndarray:
        return denoise_nl_means(image, h=options.h * sigma, sigma=sigma, fast_mode=True, channel_axis=-1, **sizes)

    return _each(images, denoise)


@DENOISERS.register("tv")
def tv(images: torch.Tensor, options: TotalVariation) -> torch.Tensor:
    """Total variation (Chambolle 2004)."""
    from skimage.restoration import denoise_tv_chambolle

    return _each(images, lambda image, sigma: denoise_tv_chambolle(image, weight=options.weight * sigma, channel_axis=-1))


@DENOISERS.register("wavelet")
def wavelet(images: torch.Tensor, options: Wavelet) -> torch.Tensor:
    """Wavelet thresholding (BayesShrink, Chang et al. 2000)."""
    from skimage.restoration import denoise_wavelet

    how = {"wavelet": options.wavelet, "mode": options.mode, "method": "BayesShrink", "convert2ycbcr": True}

    def denoise(image: np.ndarray, sigma: float) -> np.ndarray:
        return denoise_wavelet(image, sigma=sigma, rescale_sigma=True, channel_axis=-1, **how)

    return _each(images, denoise)


def _each(images: torch.Tensor, denoise: Callable[[np.ndarray, float], np.ndarray]) -> torch.Tensor:
    """Return what `denoise` makes of each image, [H, W, 3], and of its noise's standard deviation."""
    levels = noise_level(images).tolist()
    rows = images.permute(0, 2, 3, 1).cpu().numpy()
    denoised = np.stack([denoise(row, level) for row, level in zip(rows, levels, strict=True)])
    return torch.from_numpy(denoised).permute(0, 3, 1, 2).to(images)
