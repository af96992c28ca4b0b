"""Denoisers: what may be done to every image, once, after noise was added to it."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.config.base import Config, Count, NonNegative, Own, Positive, SplitName, named

ALL: tuple[SplitName, ...] = ("train", "val", "test")


class _Denoiser(Config):
    splits: tuple[SplitName, ...] = ALL


class DeepImagePrior(_Denoiser):
    """Deep Image Prior (Ulyanov et al. 2018): a small untrained network for each image learns to paint it, stopped early."""

    name: Literal["dip"]
    iterations: Count = 500
    """At most."""
    stop_at_noise: bool = True
    """Stop at each image as soon as the result differs from it by no more than its noise, as estimated from the image itself
    (Morozov's discrepancy principle); false: after `iterations`."""
    lr: Positive = 0.02
    channels: Count = 8
    """Channels of the hidden layers."""
    depth: Count = 3
    """Times that the network halves its input's sides, and doubles them again."""
    input_channels: Count = 8
    """Channels of the fixed random input."""
    input_noise: NonNegative = 0.03
    """Standard deviation of the noise that is added to the input at each iteration."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.95
    """Weight of the past in the exponential average of outputs that is the result."""


class NonLocalMeans(_Denoiser):
    """Non-local means (Buades et al. 2005), of scikit-image."""

    name: Literal["nl_means"]
    h: Positive = 0.6
    """How different patches may be, in units of each image's estimated noise."""
    patch_size: Count = 5
    patch_distance: Count = 6


class TotalVariation(_Denoiser):
    """Total variation (Chambolle 2004), of scikit-image."""

    name: Literal["tv"]
    weight: Positive = 0.75
    """In units of each image's estimated noise."""


class Wavelet(_Denoiser):
    """Wavelet thresholding (BayesShrink, Chang et al. 2000) of luma and chroma, of scikit-image."""

    name: Literal["wavelet"]
    wavelet: str = "db1"
    mode: Literal["soft", "hard"] = "soft"


class Bilateral(_Denoiser):
    """Bilateral filter (Tomasi and Manduchi 1998)."""

    name: Literal["bilateral"]
    sigma_color: Positive = 3.0
    """Standard deviation in colour (Euclidean distance), in units of each image's estimated noise."""
    sigma_spatial: Positive = 1.5
    """Standard deviation in place, in pixels; pixels three times as far do not count."""


DENOISERS = (DeepImagePrior, NonLocalMeans, TotalVariation, Wavelet, Bilateral)
if TYPE_CHECKING:
    Denoise = DeepImagePrior | NonLocalMeans | TotalVariation | Wavelet | Bilateral | Own
else:
    Denoise = named(*DENOISERS)
