import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config import Data
from bench.data import Dataset, split
from bench.data.splits import apportion
from bench.errors import BenchError


def of_labels(labels, test=None):
    """A data set with given labels and one-pixel images."""

    def part(labels):
        return np.zeros((len(labels), 3, 1, 1), np.uint8), np.asarray(labels, np.int64)

    classes = tuple(map(str, range(max(labels) + 1)))
    return Dataset.build("made", classes, *part(labels), *(part(test) if test is not None else ()))


def counts(dataset, indices, official=False):
    labels = dataset.test_labels if official else dataset.train_labels
    return np.bincount(labels[indices], minlength=len(dataset.classes))


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30), st.data())
def test_apportion_is_exact_within_one(sizes, data):
    sizes = np.array(sizes, np.int64)
    total = data.draw(st.integers(0, int(sizes.sum())))
    shares = apportion(sizes, total)
    assert shares.sum() == total
    assert (shares <= sizes).all()
    assert (abs(shares - sizes * total / max(sizes.sum(), 1)) < 1).all()


@settings(max_examples=50)
@given(
    sizes=st.lists(st.integers(20, 80), min_size=2, max_size=6),
    official=st.booleans(),
    fraction=st.floats(0.1, 0.5),
    seed=st.integers(0, 2**40),
)
def test_split_is_stratified_disjoint_and_complete(sizes, official, fraction, seed):
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    dataset = of_labels(labels, labels[::-1] if official else None)
    found = split(dataset, Data(source="x", split={"val": fraction, "test": 0.25, "seed": seed}))
    for part in (found.train, found.val, found.test):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
    everything = [found.train, found.val] + ([] if official else [found.test])
    assert np.array_equal(np.sort(np.concatenate(everything)), np.arange(len(labels)))
    sizes = np.array(sizes)
    if official:
        assert found.test_from == "official"
        assert np.array_equal(found.test, np.arange(len(labels)))
    else:
        assert found.test_from == "train"
        assert (abs(counts(dataset, found.test) - 0.25 * sizes) <= 1).all()
        sizes = sizes - counts(dataset, found.test)
    assert len(found.val) == round(fraction * sizes.sum())
    assert (abs(counts(dataset, found.val) - fraction * sizes) <= 1).all()


def test_seed_alone_decides():
    labels = np.repeat(np.arange(4), 50)
    dataset = of_labels(labels)
    first, again, other = (split(dataset, Data(source="x", split={"seed": seed})) for seed in (0, 0, 1))
    assert np.array_equal(first.val, again.val)
    assert not np.array_equal(first.val, other.val)
    # Changing what is trained on leaves validation and test as they were.
    smaller = split(dataset, Data(source="x", subset={"train": 40}, noise={"variance": 0.1}))
    assert np.array_equal(smaller.val, first.val)
    assert np.array_equal(smaller.test, first.test)


def test_split_does_not_change_between_versions():
    found = split(of_labels([0, 1] * 10), Data(source="x"))
    assert found.test.tolist() == [1, 4, 10, 11]
    assert found.val.tolist() == [0, 9, 16]


def test_subsets_are_stratified_and_nested():
    dataset = of_labels(np.repeat([0, 1, 2], [100, 200, 300]), np.repeat([0, 1, 2], 40))
    whole = split(dataset, Data(source="x"))
    small, large = (split(dataset, Data(source="x", subset={"train": n, "val": 12, "test": 30})) for n in (48, 240))
    assert set(small.train) < set(large.train) < set(whole.train)
    assert counts(dataset, small.train).tolist() == [8, 16, 24]
    assert counts(dataset, small.val).tolist() == [2, 4, 6]
    assert counts(dataset, small.test, official=True).tolist() == [10, 10, 10]
    assert set(small.val) < set(whole.val)


def test_subset_of_everything_is_everything():
    dataset = of_labels([0, 1] * 50)
    whole = split(dataset, Data(source="x"))
    subset = split(dataset, Data(source="x", subset={"train": 64, "val": 16, "test": 20}))
    assert all(np.array_equal(getattr(whole, name), getattr(subset, name)) for name in ("train", "val", "test"))


def test_class_too_small():
    dataset = of_labels([0] * 50 + [1] * 50 + [2])
    with pytest.raises(BenchError, match="class '2' of made has no image in the") as caught:
        split(dataset, Data(source="x"))
    assert caught.value.where == "data.split"


def test_subset_too_large_or_too_small():
    dataset = of_labels([0, 1, 2] * 20, [0, 1, 2] * 5)
    with pytest.raises(BenchError, match="16 images wanted, but the test split of made has 15") as caught:
        split(dataset, Data(source="x", subset={"test": 16}))
    assert caught.value.where == "data.subset.test"
    with pytest.raises(BenchError, match="class '2' of made has no image in the val split"):
        split(dataset, Data(source="x", subset={"val": 2}))


# ------------------------------------------------------------ so many of each class


@pytest.mark.parametrize("official", [False, True])
def test_so_many_of_each_class_are_held_out(official):
    labels = np.repeat([0, 1, 2], [40, 80, 25])
    dataset = of_labels(labels, [0, 1, 2] * 5 if official else None)
    found = split(dataset, Data(source="x", split={"val": {"per_class": 10}, "test": {"per_class": 7}}))
    assert counts(dataset, found.val).tolist() == [10, 10, 10]
    if official:
        assert counts(dataset, found.test, official=True).tolist() == [5, 5, 5]
        assert counts(dataset, found.train).tolist() == [30, 70, 15]
    else:
        assert counts(dataset, found.test).tolist() == [7, 7, 7]
        assert counts(dataset, found.train).tolist() == [23, 63, 8]
        assert len(set(found.train) | set(found.val) | set(found.test)) == 145


def test_a_number_and_a_fraction_may_stand_together():
    dataset = of_labels(np.repeat([0, 1], [100, 50]))
    found = split(dataset, Data(source="x", split={"val": 0.1, "test": {"per_class": 5}}))
    assert counts(dataset, found.test).tolist() == [5, 5]
    assert len(found.val) == 14


def test_classes_too_small_to_hold_so_many_out():
    dataset = of_labels(np.repeat([0, 1], [30, 12]))
    held = {"val": {"per_class": 6}, "test": {"per_class": 6}}
    with pytest.raises(BenchError, match="class '1' of made has 6 images, so 6 cannot be held out") as caught:
        split(dataset, Data(source="x", split=held))
    assert caught.value.where == "data.split.val"
    with pytest.raises(BenchError, match="class '1' of made has 12 images, so 15 cannot be held out") as caught:
        split(dataset, Data(source="x", split={"test": {"per_class": 15}}))
    assert caught.value.where == "data.split.test"
