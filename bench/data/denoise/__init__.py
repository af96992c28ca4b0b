"""Denoising: every image once, before training; kept on disk, and measured against the clean images.

A denoiser takes float32 images [N, 3, H, W] from 0 to 1 and its options, and returns images of the same shape on the same
device. An image's result must not depend on the others.
"""

from bench.data.denoise.base import DENOISERS
from bench.data.denoise.bilateral import bilateral
from bench.data.denoise.check import check
from bench.data.denoise.classical import nl_means, tv, wavelet
from bench.data.denoise.prior import deep_image_prior
from bench.data.denoise.probe import seconds_an_image
from bench.data.denoise.quality import examples, psnr, quality, ssim
from bench.data.denoise.store import CHUNK, denoised, unmade

__all__ = [
    "CHUNK",
    "DENOISERS",
    "bilateral",
    "check",
    "deep_image_prior",
    "denoised",
    "examples",
    "nl_means",
    "psnr",
    "quality",
    "seconds_an_image",
    "ssim",
    "tv",
    "unmade",
    "wavelet",
]
