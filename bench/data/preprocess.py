"""What is done to each batch: from bytes to network input."""

from collections.abc import Sequence
from copy import copy

import torch
from torch.nn import functional

from bench.config import Data, Normalize
from bench.data.augment import Augmenter, Source
from bench.data.pipeline import ImageSet


class Preprocess:
    """Turns bytes into network input: augmentation at the source's resolution, then normalisation, then resizing.

    mean, std: one number a channel, for pixel values in [0, 1]. out_shape: (3, H', W') of what comes out. mixes: whether
    training mixes images, and so makes its targets soft.
    """

    def __init__(self, data: Data, train: ImageSet, classes: int):
        """train: the training part, whose statistics `normalize: dataset` takes, and whose size and device are used.

        Raises BenchError for augmentations of the user's own that do not work.
        """
        self._augment = Augmenter(data.augment, train.stored, classes)
        self.mixes = self._augment.mixes
        if isinstance(data.normalize, Normalize):
            self.mean, self.std = data.normalize.mean, data.normalize.std
        elif data.normalize == "dataset":
            self.mean, self.std = train.statistics
        else:
            self.mean, self.std = (0.0,) * 3, (1.0,) * 3
        constants = torch.tensor([self.mean, self.std], dtype=torch.float64)[:, :, None, None]
        scale, shift = (
            1 / (255 * constants[1]),
            -constants[0] / constants[1],
        )  # (x / 255 - mean) / std = x scale + shift
        self._scale, self._shift = (value.to(train.stored.device, torch.float32) for value in (scale, shift))
        height, width = train.stored.shape[2:]
        self._resize = data.resize
        if data.resize:
            height, width = data.resize.applied(height, width)
        self.out_shape = (3, height, width)

    @classmethod
    def by_turns(cls, each: Sequence["Preprocess"]) -> "Preprocess":
        """Return what does to the images of several trials, which lie in a batch by turns, what each of them does to its own.

        They augment and resize alike; each normalises in its own way.
        """
        together = copy(each[0])
        together._scale, together._shift = (
            torch.stack([getattr(preprocess, name) for preprocess in each]) for name in ("_scale", "_shift")
        )
        return together

    def keep(self, members: torch.Tensor) -> None:
        """Go on with some of the trials."""
        self._scale, self._shift = self._scale[members], self._shift[members]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return float32 [B, 3, H', W'] for uint8 [B, 3, H, W], in the same memory layout, without augmentation."""
        if self._scale.ndim > 3:  # of several trials
            pixels = images.to(torch.float32).unflatten(0, (-1, len(self._scale)))
            return self._resized(pixels.mul_(self._scale).add_(self._shift).flatten(0, 1))
        # One number a channel, spread over an image in the batch's own layout: 5 times as fast in channels_last.
        scale, shift = (torch.empty_like(images[:1], dtype=torch.float32).copy_(value) for value in (self._scale, self._shift))
        pixels = images.to(torch.float32).mul_(scale).add_(shift)
        return self._resized(pixels)

    def train(self, images: torch.Tensor, targets: torch.Tensor, generator: Source) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what `__call__` does of augmented images, and their targets: float32 [B, classes] where `mixes`.

        targets: int64 [B], or float32 [B, classes], which stay what they are where nothing mixes. generator: source of the
        augmentations' parameters.
        """
        images, targets = self._augment(images, targets, generator)
        return self(images), targets

    def _resized(self, pixels: torch.Tensor) -> torch.Tensor:
        size = self.out_shape[1:]
        if pixels.shape[2:] == size:
            return pixels
        if self._resize.mode == "nearest":  # "nearest-exact": the plain mode is off by a pixel at some factors
            return functional.interpolate(pixels, size, mode="nearest-exact")
        shrinks = size[0] < pixels.shape[2] or size[1] < pixels.shape[3]
        return functional.interpolate(pixels, size, mode="bilinear", antialias=shrinks)
