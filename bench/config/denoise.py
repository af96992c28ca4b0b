"""Denoisers: what may be done to every image, once, after noise was added to it."""

from typing import Literal

from bench.config.base import Config, Count, NonNegative, Positive, SplitName, named

ALL: tuple[SplitName, ...] = ("train", "val", "test")


class _Denoiser(Config):
    splits: tuple[SplitName, ...] = ALL


class DeepImagePrior(_Denoiser):
    """Deep Image Prior (Ulyanov et al. 2018): a small untrained network for each image learns to paint it, stopped early."""

    name: Literal["dip"]
    iterations: Count = 500
    lr: Positive = 0.01
    channels: Count = 16
    """Channels of the hidden layers."""
    depth: Count = 3
    """Times that the network halves its input's sides, and doubles them again."""
    input_channels: Count = 8
    """Channels of the fixed random input."""
    input_noise: NonNegative = 0.03
    """Standard deviation of the noise that is added to the input at each iteration."""
    average: NonNegative = 0.99
    """Weight of the past in the exponential average of outputs that is returned."""


class NonLocalMeans(_Denoiser):
    """Non-local means (Buades et al. 2005), of scikit-image; `h` in units of each image's estimated noise."""

    name: Literal["nl_means"]
    h: Positive = 0.8
    patch_size: Count = 5
    patch_distance: Count = 6


class TotalVariation(_Denoiser):
    """Total variation (Chambolle 2004), of scikit-image."""

    name: Literal["tv"]
    weight: Positive = 0.1


class Wavelet(_Denoiser):
    """Wavelet thresholding (BayesShrink, Chang et al. 2000), of scikit-image."""

    name: Literal["wavelet"]
    wavelet: str = "db1"
    mode: Literal["soft", "hard"] = "soft"


class Bilateral(_Denoiser):
    """Bilateral filter (Tomasi and Manduchi 1998), of scikit-image."""

    name: Literal["bilateral"]
    sigma_color: Positive = 0.1
    sigma_spatial: Positive = 1.5


DENOISERS = (DeepImagePrior, NonLocalMeans, TotalVariation, Wavelet, Bilateral)
Denoise = named(*DENOISERS)
