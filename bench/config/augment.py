"""Augmentations: what may be done to each training image, with parameters drawn per image."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.config.base import Config, Count, Fraction, Own, Positive, Probability, named


class Flip(Config):
    """Mirror each image left to right with probability p."""

    name: Literal["flip"]
    p: Probability = 0.5


class Crop(Config):
    """Pad each side with black by `padding` pixels, then cut a window of the old size at a place drawn per image."""

    name: Literal["crop"]
    padding: Count = 4


class AddNoise(Config):
    """Add fresh Gaussian noise N(0, variance) to each image with probability p, clipped to [0, 1]."""

    name: Literal["noise"]
    variance: Positive
    p: Probability = 1.0


class Shift(Config):
    """Shift by up to `fraction` of each side, in whole pixels drawn per image and axis; what leaves comes in opposite."""

    name: Literal["shift"]
    fraction: Fraction = 0.2
    p: Probability = 1.0


class Border(Config):
    """Blacken a border at each of the four sides, up to `fraction` of that side's length, widths drawn per image and axis."""

    name: Literal["border"]
    fraction: Fraction = 0.2
    p: Probability = 1.0


class Contrast(Config):
    """Multiply the distance from each image's mean grey by a factor drawn from [1, 1 + increase]."""

    name: Literal["contrast"]
    increase: Positive = 2.0
    p: Probability = 1.0


class ColorJitter(Config):
    """Change brightness, contrast and saturation by factors from [1 - x, 1 + x], and hue by up to `hue` of the colour circle,
    each drawn per image, in this order."""

    name: Literal["color_jitter"]
    brightness: Probability = 0.4
    contrast: Probability = 0.4
    saturation: Probability = 0.4
    hue: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    p: Probability = 1.0


class Rotation(Config):
    """Rotate about the centre by an angle from [-degrees, degrees] drawn per image, bilinear, black outside."""

    name: Literal["rotation"]
    degrees: Annotated[float, Field(gt=0, le=180)] = 15.0
    p: Probability = 1.0


class Grayscale(Config):
    """Turn each image grey (Rec. 601 luma) with probability p."""

    name: Literal["grayscale"]
    p: Probability = 0.1


class CutMix(Config):
    """With probability p, paste a box of another image of the batch; labels are mixed by area (Yun et al. 2019).

    The share that is left of the image is drawn from Beta(alpha, alpha), the box's centre evenly, for each image.
    """

    name: Literal["cutmix"]
    alpha: Positive = 1.0
    p: Probability = 0.5


AUGMENTATIONS = (Flip, Crop, AddNoise, Shift, Border, Contrast, ColorJitter, Rotation, Grayscale, CutMix)
if TYPE_CHECKING:
    Augment = Flip | Crop | AddNoise | Shift | Border | Contrast | ColorJitter | Rotation | Grayscale | CutMix | Own
else:
    Augment = named(*AUGMENTATIONS)


class Append(Config):
    """Copies of a share of the training images, drawn from the trial's seed, augmented once and appended to the training part.

    Copies that are mixed with each other (CutMix) have soft targets.
    """

    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    augment: Annotated[tuple[Augment, ...], Field(min_length=1)]
