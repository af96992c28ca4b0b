"""The handwritten digits that ship with scikit-learn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.data.dataset import Dataset
from bench.data.sources.base import SOURCES, Source


@SOURCES.register("digits")
class Digits(Source):
    """Handwritten digits of scikit-learn: 1,797 images, 8x8 grey enlarged to 32x32x3; no test set of its own."""

    def read(self, root: Path, download: bool, say: Callable[[str], None]) -> Dataset:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        # All weights are multiples of 1/8 and all values small integers, so nothing is rounded before the last step.
        weights = _bilinear_weights(8, 4)
        large = weights @ bunch.images @ weights.T  # [N, 32, 32], 0 to 16
        grey = np.rint(large * (255 / 16)).astype(np.uint8)
        images = np.repeat(grey[:, None], 3, axis=1)
        return Dataset.build("digits", tuple(map(str, bunch.target_names)), images, bunch.target.astype(np.int64))


def _bilinear_weights(size: int, factor: int) -> np.ndarray:
    """Return [size * factor, size]: each row weighs the inputs of one output (centres aligned, edges repeated)."""
    place = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(size)))
