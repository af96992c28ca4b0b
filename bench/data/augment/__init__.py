"""Augmentations as batched tensor operations whose parameters are drawn per image.

Each takes images [B, 3, H, W] (uint8 from 0 to 255, or floats from 0 to 1), its options from the configuration and a
generator, and returns new images of the same shape, type and memory layout. One that mixes images returns, beside them,
`partner` int64 [B], the place in the batch of the image that was mixed in, and `share` float32 [B], what is left of the
image itself. Parameters are drawn on the generator's device and in the same number whatever their values, so a stream
stays in step between arms; none of it waits for the device. The images may be those of several trials by turns, each with its
own generator: then `generator` is `Generators`, and every trial's images come out as they would alone.
"""

from bench.data.augment.base import AUGMENTATIONS, Generators, Source
from bench.data.augment.colour import color_jitter, contrast, grayscale, noise
from bench.data.augment.geometry import border, crop, flip, rotation, shift
from bench.data.augment.mixing import cutmix
from bench.data.augment.sequence import Augmenter

__all__ = [
    "AUGMENTATIONS",
    "Augmenter",
    "Generators",
    "Source",
    "border",
    "color_jitter",
    "contrast",
    "crop",
    "cutmix",
    "flip",
    "grayscale",
    "noise",
    "rotation",
    "shift",
]
