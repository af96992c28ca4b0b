"""From a prepared data set to the images of one trial."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from bench.config import Data, NoisyCopies, SplitName
from bench.data.append import append
from bench.data.composition import SPLITS, Composition, compose
from bench.data.dataset import Dataset, Rows
from bench.data.noise import add_noise, mask_seeds
from bench.data.statistics import statistics
from bench.data.views import view

Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class ImageSet:
    """One split's images and labels, on the device: int64 labels [N], and images uint8 [N, 3, H, W].

    stored, rows: image i is stored[rows[i]], or stored[i] where rows is None. So the parts of a trial that change nothing about
    their images read the data set itself, which all processes of a machine map from one file.
    indices: int64 [N] on the CPU, each image's place in the source's training images (with `pool`, in these and then the
    test images), or test images where they are the test part; by these, predictions of two trials pair up, and copies tell
    their original.
    targets: float32 [N, C], soft labels on the device, where appended copies were mixed; else None.
    environments: int64 [N] on the device, of the training part where the configuration asks for them; else None.
    clean, noisy: uint8 [N, 3, H, W] on the CPU, the images before noise and before denoising, of the test part where it is
    denoised; else None.
    """

    stored: torch.Tensor
    labels: torch.Tensor
    indices: np.ndarray
    targets: torch.Tensor | None = None
    environments: torch.Tensor | None = None
    clean: torch.Tensor | None = None
    noisy: torch.Tensor | None = None
    rows: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.indices)

    @cached_property
    def statistics(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """Mean and standard deviation per channel; see `bench.data.statistics`."""
        return statistics(self.images)

    @property
    def images(self) -> torch.Tensor:
        """All images, uint8 [N, 3, H, W]; a copy, where they are read from the data set."""
        return self.stored if self.rows is None else self.stored[self.rows]

    def take(self, places: torch.Tensor) -> torch.Tensor:
        """Return the images at `places`, int64 [B] on the device: uint8 [B, 3, H, W]."""
        return self.stored.index_select(0, places if self.rows is None else self.rows.index_select(0, places))


def parts(
    dataset: Dataset, data: Data, seed: int, device: torch.device | str = "cpu", say: Say = lambda text: None
) -> dict[SplitName, ImageSet]:
    """Return "train", "val" and "test" of a trial with seed `seed` on a source: all that `Data` lists before `augment`.

    say: receives lines of progress. Raises BenchError for what cannot be had of this data set.
    """
    data = data.drawn(seed)
    seen = view(dataset, data)
    compositions = compose(seen, data)
    return {name: _part(name, compositions[name], seen, data, seed, device, say) for name in SPLITS}


def pending(data: Data, seed: int, dataset: Dataset) -> list[torch.Tensor]:
    """Return the images that are still to be denoised before a trial with seed `seed`, in pieces, uint8 [n, 3, H, W]."""
    from bench.data.denoise import unmade  # brings scikit-image, which few trials need

    before = parts(dataset, data.model_copy(update={"denoise": None, "append": None}), seed)
    return unmade((before[name].images for name in getattr(data.denoise, "splits", before)), data.denoise)


def _part(name: SplitName, composition: Composition, seen: Dataset, data: Data, seed: int, device, say: Say) -> ImageSet:
    source = seen.test_images if composition.official else seen.train_images
    labels = torch.from_numpy(composition.labels)
    environments = None if composition.environments is None else torch.from_numpy(composition.environments)
    places = source.places[composition.indices] if isinstance(source, Rows) else composition.indices
    arrays = source.arrays if isinstance(source, Rows) else (source,)
    if _unchanged(name, composition, data) and len(arrays) == 1 and torch.device(device).type == "cpu":
        return ImageSet(_mapped(arrays[0]), labels, places, None, environments, rows=torch.from_numpy(places))
    clean = torch.from_numpy(source[composition.indices])
    if composition.copy.any():
        _damage_copies(clean, composition.copy, places, data.copies, seed)
    images = clean
    if data.noise.variance and name in data.noise.splits:
        stream = "noise/test" if composition.official else "noise/train"
        streams = [stream, *(f"{stream}/{number}" for number in range(1, composition.copy.max() + 1))]
        images = add_noise(images, mask_seeds(seed, streams, composition.copy, places), math.sqrt(data.noise.variance))
    kept = {}
    if data.denoise and name in getattr(data.denoise, "splits", SPLITS):
        from bench.data.denoise import denoised  # brings scikit-image, which few trials need

        kept = {"clean": clean, "noisy": images} if name == "test" else {}
        images = denoised(images, data, say, device)
    targets = None
    if name == "train" and data.append:
        more = append(images, labels, data.append, seed, len(seen.classes))
        images, targets = torch.cat([images, more.images]), more.targets
        labels, places = torch.cat([labels, labels[more.rows]]), np.concatenate([places, places[more.rows.numpy()]])
        environments = None if environments is None else torch.cat([environments, environments[more.rows]])
    on_device = (None if tensor is None else tensor.to(device) for tensor in (targets, environments))
    return ImageSet(images.to(device), labels.to(device), places, *on_device, **kept)


def _unchanged(name: SplitName, composition: Composition, data: Data) -> bool:
    """Tell whether the images of a part are those of the data set."""
    noisy = data.noise.variance and name in data.noise.splits
    denoised = data.denoise and name in getattr(data.denoise, "splits", SPLITS)
    return not (noisy or denoised or composition.copy.any() or (name == "train" and data.append))


def _mapped(array: np.ndarray) -> torch.Tensor:
    """Return an array as a tensor without copying it. Nobody writes to it, though torch cannot know that."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)


def _damage_copies(images: torch.Tensor, copy: np.ndarray, places: np.ndarray, options: NoisyCopies, seed: int) -> None:
    """Add their noise to the copies among `images`, in place; the kth copies of all images have the stream "copies/k"."""
    unit = (1.0,) * 3 if options.unit == "pixel" else statistics(images[torch.from_numpy(copy == 0)])[1]
    deviations = np.sqrt(options.variances)[:, None] * unit
    rows = np.flatnonzero(copy)
    kind = copy[rows] - 1
    streams = [f"copies/{number}" for number in range(1, len(options.variances) + 1)]
    images[rows] = add_noise(images[rows], mask_seeds(seed, streams, kind, places[rows]), deviations[kind])
