"""Which images, under which labels, make up the parts of a trial; no pixel is touched, and no torch needed."""

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from bench.config import Append, Data, Environments, LabelNoise, Reduce, SplitName
from bench.data.classes import numbers
from bench.data.dataset import Dataset, Rows
from bench.data.draws import draws, first_of_each
from bench.data.splits import split
from bench.data.views import view
from bench.errors import BenchError

SPLITS: tuple[SplitName, ...] = get_args(SplitName)


@dataclass(frozen=True, eq=False)
class Composition:
    """The images of one part, an image a row, all arrays int64 [N].

    indices: place in the training images (`official`: in the test images) of what `view` returned; copies repeat their
    original's. labels: those that a trial sees, wrong ones included. copy: 0 for an image itself, k for its copy with the kth
    of `copies.variances`. environments: numbers from 0, of the training part where `data.environments` asks for them.
    """

    indices: np.ndarray
    labels: np.ndarray
    copy: np.ndarray
    official: bool
    environments: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.indices)


def compose(dataset: Dataset, data: Data) -> dict[SplitName, Composition]:
    """Split what `view` made of a source, with label noise, and in the training part `reduce`, `copies` and `environments`.

    data: as a trial's seed has drawn it, see `Data.drawn`; nothing more here depends on that seed. Raises BenchError where these
    cannot be had of this data set.
    """
    chosen = split(dataset, data)
    compositions = {}
    for name in SPLITS:
        official = name == "test" and chosen.test_from == "official"
        indices, labels = getattr(chosen, name), dataset.test_labels if official else dataset.train_labels
        if data.label_noise and name in data.label_noise.splits:
            labels = _mislabelled(labels, indices, len(dataset.classes), data.label_noise, official)
        compositions[name] = Composition(indices, labels[indices], np.zeros_like(indices), official)
    train = compositions["train"]
    if data.reduce:
        train = _reduced(train, data.reduce, dataset)
    if data.copies:
        copied = np.flatnonzero(np.isin(train.labels, numbers(data.copies.classes, dataset.classes, "data.copies.classes")))
        rows = np.concatenate([np.arange(len(train)), np.tile(copied, len(data.copies.variances))])
        copy = np.zeros_like(rows)
        copy[len(train) :] = np.repeat(np.arange(len(data.copies.variances)) + 1, len(copied))
        train = Composition(train.indices[rows], train.labels[rows], copy, official=False)
    if data.environments:
        train = replace(train, environments=_environments(train, data.environments, dataset.classes))
    return compositions | {"train": train}


def part_sizes(dataset: Dataset, data: Data) -> dict[SplitName, int]:
    """Return how many images the parts of a trial on a source will hold, copies and appended ones included.

    Cheap: a way to find what `parts` would refuse. Raises the BenchErrors of `view` and `compose`.
    """
    sizes = {name: len(part) for name, part in compose(view(dataset, data), data).items()}
    if data.append:
        sizes["train"] += appended(sizes["train"], data.append)
    return sizes


def redrawn(dataset: Dataset, data: Data) -> dict[SplitName, tuple[int, int]]:
    """Return which of the parts that trials are held to have other images with each seed, as `data.vary` says: for each its
    number of images, and of different images trained on. A test set of the source's own stays the same, unless classes or a
    subset of it are drawn.

    Raises the BenchErrors of `view` and `compose`.
    """
    if not {"split", "classes", "sizes"} & set(data.vary):
        return {}
    composed = compose(view(dataset, data), data)
    trained = len(np.unique(composed["train"].indices))
    subset = "split" in data.vary and data.subset.test is not None
    anew: list[SplitName] = ["val"]
    if not composed["test"].official or subset or "classes" in data.vary:
        anew.append("test")
    return {name: (len(composed[name]), trained) for name in anew}


def shared_images(dataset: Dataset, trained: Data, tested: Data) -> int:
    """Return how many images of the training part of `trained` are in the validation or test part of `tested`.

    Both are sections over the same source, each as the seed of its trial has drawn it (see `Data.drawn`); an image and its copies
    count once. Raises the BenchErrors of `view` and `compose`.
    """
    seen, held = _places(dataset, trained), _places(dataset, tested)
    return len(np.intersect1d(seen["train"], np.concatenate([held["val"], held["test"]])))


def _places(dataset: Dataset, data: Data) -> dict[SplitName, np.ndarray]:
    """Return where the images of each part stand in the source: in its training images, and then in its test images."""
    seen = view(dataset, data)
    by_part = {}
    for name, part in compose(seen, data).items():
        images = seen.test_images if part.official else seen.train_images
        places = images.places[part.indices] if isinstance(images, Rows) else part.indices
        by_part[name] = places + len(dataset.train_labels) * part.official
    return by_part


def appended(images: int, options: Append) -> int:
    """Return how many images are appended to so many."""
    return round(options.share * images)


def _mislabelled(labels: np.ndarray, indices: np.ndarray, classes: int, options: LabelNoise, official: bool) -> np.ndarray:
    """Return the labels of all images, with those at a share of `indices` wrong.

    An image's turn and its wrong label are drawn for it alone, so that a larger share only adds to a smaller one.
    """
    random = draws(options.seed, "label noise, test" if official else "label noise")
    rank, turn = random.permutation(len(labels)), random.randint(1, classes, len(labels))
    wrong = indices[np.argsort(rank[indices])[: round(options.share * len(indices))]]
    noisy = labels.copy()
    noisy[wrong] = (labels[wrong] + turn[wrong]) % classes
    return noisy


def _reduced(train: Composition, options: Reduce, dataset: Dataset) -> Composition:
    counts = np.bincount(train.labels, minlength=len(dataset.classes))
    for number in numbers(options.classes, dataset.classes, "data.reduce.classes"):
        kept = round(options.keep * int(counts[number]))
        if not kept:
            raise BenchError(
                f"of the {counts[number]} training images of class {dataset.classes[number]!r} none would be left",
                where="data.reduce",
                mend="raise `keep`",
            )
        counts[number] = kept
    rank = draws(options.seed, "reduce").permutation(len(dataset.train_labels))  # of all images: the split does not shift it
    rows = first_of_each(train.labels, rank[train.indices], counts)
    return Composition(train.indices[rows], train.labels[rows], train.copy[rows], official=False)


def _environments(train: Composition, options: Environments, classes: tuple[str, ...]) -> np.ndarray:
    if options.by == "copy":
        return train.copy
    if options.by == "random":
        return draws(options.seed, "environments").permutation(len(train)) % options.count
    sizes = [len(group) for group in options.groups]
    grouped = numbers([name for group in options.groups for name in group], classes, "data.environments.groups")
    if absent := sorted(set(range(len(classes))) - set(grouped)):
        raise BenchError(
            f"class {classes[absent[0]]!r} is in no group", where="data.environments", mend="put every class into a group"
        )
    of_class = np.empty(len(classes), np.int64)
    of_class[grouped] = np.repeat(np.arange(len(sizes)), sizes)
    return of_class[train.labels]
