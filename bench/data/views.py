"""What a trial sees as its data set: some of the source's images, in some of its classes."""

import hashlib

import numpy as np

from bench.config import Data, Sizes
from bench.data.classes import numbers
from bench.data.dataset import Dataset, Rows
from bench.data.draws import draws, first_of_each
from bench.errors import BenchError


def view(dataset: Dataset, data: Data) -> Dataset:
    """Return what `data` makes of a source: `pool`, `classes` and `sizes` applied, in this order.

    It is the data set itself where none of them is set. Otherwise its images are `Rows` of the data set's, so it costs
    milliseconds and no memory. Classes keep the data set's order, whatever the order in which they are named, and are
    numbered anew from 0. Sizes are those of the training images; a test set of the source's own keeps all of its classes'
    images. The digest is a hash of the data set's and of what was chosen. Do not make a view of a view: it would choose again.

    Raises BenchError for unknown classes, for fewer than two, and for sizes that the data set cannot have.
    """
    pooled = data.pool and dataset.test_labels is not None
    if not pooled and data.classes is None and data.sizes is None:
        return dataset
    labels, images = dataset.train_labels, [dataset.train_images]
    if pooled:
        labels, images = np.concatenate([labels, dataset.test_labels]), [*images, dataset.test_images]
    kept = _kept(dataset.classes, data)
    classes = tuple(dataset.classes[number] for number in kept)
    renumbered = np.full(len(dataset.classes), -1)
    renumbered[kept] = np.arange(len(kept))
    labels = renumbered[labels]
    places = np.flatnonzero(labels >= 0)
    if data.sizes:
        # Ranked before classes were chosen, so that it does not matter to one class which others there are.
        rank = draws(data.sizes.seed, "images").permutation(len(labels))
        places = places[first_of_each(labels[places], rank[places], _sizes(data.sizes, labels[places], classes))]
    parts = [Rows(images, places), labels[places]]
    if dataset.test_labels is not None and not pooled:
        test = renumbered[dataset.test_labels]
        places = np.flatnonzero(test >= 0)
        parts += [Rows([dataset.test_images], places), test[places]]
    return Dataset(dataset.name, classes, _digest(dataset, classes, parts), *parts)


def power_sizes(classes: int, smallest: int, largest: int, total: int) -> np.ndarray:
    """Return int64 [classes], ascending from `smallest` to `largest`, which sum to `total` exactly.

    Class i of 0 … n has smallest + (largest - smallest) (i / n) ** g, rounded by largest remainders; g > 0 is found so that
    the sum is right. Raises BenchError, with the totals that are possible, where there is no such g.
    """
    inner, span = classes - 2, largest - smallest
    least, most = smallest + largest + inner * smallest, smallest + largest + inner * largest
    if not least <= total <= most:
        possible = f"from {least:,} to {most:,}" if least < most else f"{least:,}"
        raise BenchError(
            f"{classes} classes of {smallest:,} to {largest:,} images cannot have {total:,} in all",
            where="data.sizes",
            mend=f"a total that is possible: {possible}",
        )
    position = np.arange(1, classes - 1) / (classes - 1)
    low, high = -40.0, 40.0  # of log g: at these ends all inner classes are the largest and the smallest
    for _ in range(100):
        exact = span * position ** np.exp((low + high) / 2)
        low, high = ((low + high) / 2, high) if exact.sum() > total - least else (low, (low + high) / 2)
    sizes = smallest + np.floor(exact).astype(np.int64)
    up = np.argsort(np.floor(exact) - exact, kind="stable")[: total - smallest - largest - int(sizes.sum())]
    sizes[up] += 1
    return np.sort(np.concatenate([[smallest], sizes, [largest]]))


def _kept(classes: tuple[str, ...], data: Data) -> np.ndarray:
    """Return the numbers of the classes that stay, ascending."""
    if data.classes is None:
        return np.arange(len(classes))
    count = data.classes if isinstance(data.classes, int) else len(data.classes)
    if not 2 <= count <= len(classes):
        raise BenchError(f"{count} of {len(classes)} classes", where="data.classes", mend=f"take from 2 to {len(classes)}")
    if isinstance(data.classes, int):
        seed = data.split.seed if data.classes_seed is None else data.classes_seed
        return np.sort(draws(seed, "classes").permutation(len(classes))[:count])
    return np.sort(numbers(data.classes, classes, "data.classes"))


def _sizes(options: Sizes, labels: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    """Return int64 [C]: how many images each class gets."""
    sizes = np.empty(len(classes), np.int64)
    drawn = draws(options.seed, "sizes").permutation(len(classes))
    sizes[drawn] = power_sizes(len(classes), options.smallest, options.largest, options.total)
    there = np.bincount(labels, minlength=len(classes))
    for name, wanted, has in zip(classes, sizes, there, strict=True):
        if wanted > has:
            mend = f"lower `largest`: the smallest class has {there.min():,}"
            raise BenchError(f"class {name!r} has {has:,} images, but is to have {wanted:,}", where="data.sizes", mend=mend)
    return sizes


def _digest(dataset: Dataset, classes: tuple[str, ...], parts: list) -> str:
    digest = hashlib.sha256(repr((dataset.digest, classes, len(parts))).encode())
    for rows in parts[::2]:
        digest.update(rows.places.astype("<i8").tobytes())
    return digest.hexdigest()
