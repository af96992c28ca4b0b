"""What a denoiser would refuse, told before any image is denoised."""

import pywt

from bench.config import DeepImagePrior, Denoise, Wavelet
from bench.errors import BenchError, did_you_mean


def check(denoise: Denoise, height: int, width: int) -> None:
    """Raise BenchError where a denoiser's settings are not to be had, or not with images of this size."""
    if isinstance(denoise, Wavelet) and denoise.wavelet.lower() not in (known := pywt.wavelist(kind="discrete")):
        mend = did_you_mean(denoise.wavelet, known)
        raise BenchError(f"unknown wavelet {denoise.wavelet!r}", where="data.denoise.wavelet", mend=mend)
    if isinstance(denoise, DeepImagePrior) and min(height, width) < (smallest := 2 ** (denoise.depth + 1)):
        raise BenchError(
            f"images of {width}x{height} pixels are too small for a network that halves {denoise.depth} times",
            where="data.denoise.depth",
            mend=f"lower it: {denoise.depth} takes {smallest} pixels a side",
        )
