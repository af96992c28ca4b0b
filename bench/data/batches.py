"""From a prepared data set to network input: the parts of one trial, and what is done to each batch."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from bench.config import Data, Normalize, SplitName
from bench.data.augment import AUGMENTATIONS
from bench.data.dataset import Dataset
from bench.data.noise import add_noise
from bench.data.splits import split


@dataclass(frozen=True, eq=False)
class Part:
    """One split's images, whole in memory: uint8 [N, 3, H, W] and int64 labels [N] on the device.

    indices: int64 [N] on the CPU, each image's place in its source array (see `splits.Indices`); by these, predictions
    of two trials pair up.
    """

    images: torch.Tensor
    labels: torch.Tensor
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)


def parts(dataset: Dataset, data: Data, seed: int, device: torch.device | str = "cpu") -> dict[SplitName, Part]:
    """Return "train", "val" and "test" of a trial with seed `seed`: split, subset and fixed noise applied."""
    chosen = split(dataset, data)
    from_test = chosen.test_from == "official"
    made = {}
    for name in ("train", "val", "test"):
        official = name == "test" and from_test
        indices = getattr(chosen, name)
        images, labels = (dataset.test_images, dataset.test_labels) if official else (dataset.train_images, dataset.train_labels)
        tensor = torch.from_numpy(images[indices])
        if data.noise.variance and name in data.noise.splits:
            tensor = add_noise(tensor, indices, data.noise.variance, seed, "test" if official else "train")
        made[name] = Part(tensor.to(device), torch.from_numpy(labels[indices]).to(device), indices)
    return made


class Preprocess:
    """Turns bytes into network input: augmentation at the source's resolution, then normalisation, then resizing.

    mean, std: one number a channel, for pixel values in [0, 1]. out_shape: (3, H', W') of what comes out.
    """

    def __init__(self, data: Data, train: Part):
        """train: the training part, whose statistics `normalize: dataset` takes, and whose size and device are used."""
        self._augment = [(AUGMENTATIONS[options.name], options) for options in data.augment]
        if isinstance(data.normalize, Normalize):
            self.mean, self.std = data.normalize.mean, data.normalize.std
        elif data.normalize == "dataset":
            self.mean, self.std = statistics(train.images)
        else:
            self.mean, self.std = (0.0,) * 3, (1.0,) * 3
        constants = torch.tensor([self.mean, self.std], dtype=torch.float64)[:, :, None, None]
        scale, shift = (
            1 / (255 * constants[1]),
            -constants[0] / constants[1],
        )  # (x / 255 - mean) / std = x scale + shift
        self._scale, self._shift = (value.to(train.images.device, torch.float32) for value in (scale, shift))
        height, width = train.images.shape[2:]
        self._resize = data.resize
        if data.resize:
            height, width = data.resize.applied(height, width)
        self.out_shape = (3, height, width)

    def __call__(self, images: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Return float32 [B, 3, H', W'] for uint8 [B, 3, H, W], in the same memory layout.

        generator: source of the augmentations' parameters; None leaves images as they are, for evaluation.
        """
        if generator is not None:
            for augmentation, options in self._augment:
                images = augmentation(images, options, generator)
        # One number a channel, spread over an image in the batch's own layout: 5 times as fast in channels_last.
        scale, shift = (torch.empty_like(images[:1], dtype=torch.float32).copy_(value) for value in (self._scale, self._shift))
        pixels = images.to(torch.float32).mul_(scale).add_(shift)
        return self._resized(pixels)

    def _resized(self, pixels: torch.Tensor) -> torch.Tensor:
        size = self.out_shape[1:]
        if pixels.shape[2:] == size:
            return pixels
        if self._resize.mode == "nearest":  # "nearest-exact": the plain mode is off by a pixel at some factors
            return functional.interpolate(pixels, size, mode="nearest-exact")
        shrinks = size[0] < pixels.shape[2] or size[1] < pixels.shape[3]
        return functional.interpolate(pixels, size, mode="bilinear", antialias=shrinks)


def statistics(images: torch.Tensor) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return mean and standard deviation per channel of uint8 [N, 3, H, W], for pixel values in [0, 1].

    Computed from the histogram of the 256 values, so exact to the rounding of the last division; the standard deviation
    is the population's. A channel without variation gets 1, so that normalising leaves it at zero.
    """
    counts = torch.zeros(3, 256, dtype=torch.int64)
    for chunk in images.split(2048):  # counting converts to 64 bits: a chunk at a time bounds the memory
        counts += torch.stack([torch.bincount(chunk[:, channel].flatten(), minlength=256) for channel in range(3)]).cpu()
    values = torch.arange(256)
    pixels = int(counts[0].sum())
    sums = (counts * values).sum(1).tolist()
    squares = (counts * values**2).sum(1).tolist()
    means = tuple(total / pixels / 255 for total in sums)
    # In integers until the end: squares and sums are large and nearly cancel.
    spreads = tuple((square * pixels - total * total) ** 0.5 / pixels / 255 for square, total in zip(squares, sums, strict=True))
    return means, tuple(spread or 1.0 for spread in spreads)
