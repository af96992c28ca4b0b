"""Stratified, seeded splits and subsets: every class keeps its share, to within one image."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bench.config import Data, PerClass
from bench.data.dataset import Dataset
from bench.data.draws import draws
from bench.errors import BenchError


@dataclass(frozen=True, eq=False)
class Indices:
    """Which images are whose: int64, ascending. `train` and `val` index the training images of the data set; `test` its
    test images where `test_from` is "official", else its training images."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    test_from: Literal["official", "train"]


def split(dataset: Dataset, data: Data) -> Indices:
    """Split and subset what `view` made of a source, as `data.split` and `data.subset` say, from `data.split.seed` alone.

    A data set without a test set first gives up the fraction `split.test` of its images; of what is left, `split.val`
    becomes validation. Either may be a number of images of each class instead. Subsets are then taken from each split, so
    they never mix. Raises BenchError where a class is too small to be in every split, or a subset is larger than its split.
    """
    options = data.split
    rest = _shuffled(dataset.train_labels, len(dataset.classes), options.seed, 0)
    if dataset.test_labels is None:
        test, rest = _hold_out(rest, options.test, dataset, "data.split.test")
    else:
        test = _shuffled(dataset.test_labels, len(dataset.classes), options.seed, 1)
    val, train = _hold_out(rest, options.val, dataset, "data.split.val")
    groups = {"train": train, "val": val, "test": test}
    _no_empty_class(
        dataset, groups, "data.split", "give that class more images, leave it out, or change the fractions of the split"
    )
    for name in groups:
        if (wanted := getattr(data.subset, name)) is not None:
            if wanted > (there := sum(map(len, groups[name]))):
                raise BenchError(
                    f"{wanted:,} images wanted, but the {name} split of {dataset.name} has {there:,}",
                    where=f"data.subset.{name}",
                    mend="lower it, or leave it out to take all",
                )
            groups[name], _ = _divide(groups[name], wanted)
    _no_empty_class(dataset, groups, "data.subset", "take a larger subset: every class must be in every split")
    chosen = {name: np.sort(np.concatenate(group)) for name, group in groups.items()}
    return Indices(**chosen, test_from="train" if dataset.test_labels is None else "official")


def apportion(sizes: np.ndarray, total: int) -> np.ndarray:
    """Share `total` out in proportion to `sizes`, by largest remainders; ties go to the earlier class.

    sizes: int64 [C], with a sum of at least `total`. Each share is within 1 of exact, and none above its size.
    """
    whole = max(int(sizes.sum()), 1)
    shares, remainders = np.divmod(sizes * total, whole)
    largest = np.argsort(-remainders, kind="stable")[: total - int(shares.sum())]
    shares[largest] += 1
    return shares


def _shuffled(labels: np.ndarray, classes: int, seed: int, stream: int) -> list[np.ndarray]:
    """Return the indices of each class in random order."""
    order = draws(seed, stream).permutation(len(labels)).astype(np.int64)
    by_class = order[np.argsort(labels[order], kind="stable")]
    return np.split(by_class, np.cumsum(np.bincount(labels, minlength=classes))[:-1])


def _hold_out(groups: list[np.ndarray], held: float | PerClass, dataset: Dataset, where: str):
    """Cut a share of all images, or so many of each class, off; return them and the rest."""
    if not isinstance(held, PerClass):
        return _divide(groups, round(held * sum(map(len, groups))))
    for label, group in zip(dataset.classes, groups, strict=True):
        if len(group) <= held.per_class:
            raise BenchError(
                f"class {label!r} of {dataset.name} has {len(group):,} images, so {held.per_class:,} cannot be held out",
                where=where,
                mend="lower `per_class`: every class must be in every split",
            )
    return [group[: held.per_class] for group in groups], [group[held.per_class :] for group in groups]


def _divide(groups: list[np.ndarray], total: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Cut the first images off each class, `total` in all; return them and the rest."""
    shares = apportion(np.array([len(group) for group in groups]), total)
    pairs = list(zip(groups, shares, strict=True))
    return [group[:share] for group, share in pairs], [group[share:] for group, share in pairs]


def _no_empty_class(dataset: Dataset, groups: dict[str, list[np.ndarray]], where: str, mend: str) -> None:
    for name, group in groups.items():
        for label, members in zip(dataset.classes, group, strict=True):
            if not len(members):
                raise BenchError(f"class {label!r} of {dataset.name} has no image in the {name} split", where=where, mend=mend)
