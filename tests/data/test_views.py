"""What a trial sees as its data set: pooling, choice of classes, imbalanced sizes."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config import Data
from bench.data import Dataset, split, view
from bench.data.classes import numbers
from bench.data.views import power_sizes
from bench.errors import BenchError


def of(**settings):
    return Data(source="x", **settings)


def identified(train, test=None, classes=None):
    """A data set in which the first two bytes of an image number it, test images after training images."""

    def images(start, labels):
        made = np.zeros((len(labels), 3, 1, 1), np.uint8)
        made[:, 0, 0, 0], made[:, 1, 0, 0] = np.divmod(np.arange(start, start + len(labels)), 256)
        return made

    train = np.asarray(train, np.int64)
    names = tuple(f"c{k}" for k in range(classes or train.max() + 1))
    if test is None:
        return Dataset.build("made", names, images(0, train), train)
    test = np.asarray(test, np.int64)
    return Dataset.build("made", names, images(0, train), train, images(len(train), test), test)


def numbered(images):
    """The numbers of images of an `identified` data set."""
    images = np.asarray(images).astype(np.int64)
    return images[:, 0, 0, 0] * 256 + images[:, 1, 0, 0]


@pytest.fixture(scope="module")
def like_cifar100():
    """The labels of CIFAR-100: 500 training and 100 test images of each of 100 classes, shuffled."""
    random = np.random.default_rng(0)
    return identified(*(random.permutation(np.repeat(np.arange(100), n)) for n in (500, 100)))


# ------------------------------------------------------------ pool and classes


def test_the_data_set_itself_where_nothing_is_asked_for():
    with_test, without = identified([0, 1, 0, 1], [1, 0]), identified([0, 1])
    assert view(with_test, of(split={"val": 0.5}, noise={"variance": 0.1})) is with_test
    assert view(without, of(pool=True)) is without


def test_pool_puts_the_test_images_behind_the_training_images():
    dataset = identified([0, 1, 0, 1], [1, 0])
    seen = view(dataset, of(pool=True))
    assert (seen.test_images, seen.test_labels) == (None, None)
    assert numbered(seen.train_images[:]).tolist() == [0, 1, 2, 3, 4, 5]
    assert seen.train_labels.tolist() == [0, 1, 0, 1, 1, 0]
    assert (seen.name, seen.classes) == (dataset.name, dataset.classes)


def test_a_pooled_source_takes_a_test_set_of_its_own():
    dataset = identified([0, 1] * 50, [0, 1] * 20)
    found = split(view(dataset, of(pool=True)), of(pool=True, split={"test": 0.25}))
    assert found.test_from == "train"
    assert len(found.test) == 35
    assert np.array_equal(np.sort(np.concatenate([found.train, found.val, found.test])), np.arange(140))


@pytest.mark.parametrize("named", [["c3", "c1"], [1, 3], ["c1", 3]])
def test_classes_keep_their_order_and_are_numbered_anew(named):
    dataset = identified([0, 1, 2, 3, 3, 1], [3, 2, 1, 0])
    seen = view(dataset, of(classes=named))
    assert seen.classes == ("c1", "c3")
    assert seen.train_labels.tolist() == [0, 1, 1, 0]
    assert seen.test_labels.tolist() == [1, 0]
    assert numbered(seen.train_images).tolist() == [1, 3, 4, 5]
    assert numbered(seen.test_images).tolist() == [6, 8]
    assert seen.train_images.shape == (4, 3, 1, 1)
    assert seen.train_labels.dtype == np.int64


def test_a_number_of_classes_is_drawn_from_the_seed_of_the_split():
    dataset = identified(np.arange(40))
    chosen = {
        (count, seed): set(view(dataset, of(classes=count, split={"seed": seed})).classes)
        for count in (5, 20, 40)
        for seed in (0, 0, 1)
    }
    assert [len(chosen[count, 0]) for count in (5, 20, 40)] == [5, 20, 40]
    assert chosen[5, 0] < chosen[20, 0] < chosen[40, 0]
    assert chosen[20, 0] != chosen[20, 1]


@pytest.mark.parametrize(
    ("classes", "message", "mend"),
    [
        (["c1", "c22"], "there is no class 'c22'", "did you mean 'c2'?"),
        ([0, 4], "there is no class 4", "there are 4, counted from 0"),
        (["c1", 1], "class 'c1' is named twice", "name it once"),
        (5, "5 of 4 classes", "take from 2 to 4"),
        (1, "1 of 4 classes", "take from 2 to 4"),
        (["c1"], "1 of 4 classes", "take from 2 to 4"),
    ],
)
def test_classes_that_cannot_be_had(classes, message, mend):
    with pytest.raises(BenchError, match=message) as caught:
        view(identified([0, 1, 2, 3]), of(classes=classes))
    assert (caught.value.where, caught.value.mend) == ("data.classes", mend)


def test_a_class_whose_name_is_a_number_is_told_from_that_number():
    assert numbers(["2", 2], ("2", "0", "7"), "x") == [0, 2]


# ------------------------------------------------------------ sizes


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 120), st.integers(1, 500), st.integers(0, 5000), st.data())
def test_power_sizes_are_exact(classes, smallest, span, data):
    largest = smallest + span
    least, most = (classes - 1) * smallest + largest, smallest + (classes - 1) * largest
    total = data.draw(st.integers(least, most))
    sizes = power_sizes(classes, smallest, largest, total)
    assert (len(sizes), sizes[0], sizes[-1], sizes.sum()) == (classes, smallest, largest, total)
    assert (np.diff(sizes) >= 0).all()


@pytest.mark.parametrize(("classes", "smallest", "largest"), [(2, 3, 9), (3, 1, 40), (7, 5, 5), (6, 10, 60), (91, 1, 3)])
def test_every_possible_total_is_reached_and_no_other(classes, smallest, largest):
    least, most = (classes - 1) * smallest + largest, smallest + (classes - 1) * largest
    totals = range(least, most + 1) if classes > 2 else [least]
    assert [power_sizes(classes, smallest, largest, total).sum() for total in totals] == list(totals)
    for total in (least - 1, most + 1):
        with pytest.raises(BenchError, match=f"cannot have {total:,} in all") as caught:
            power_sizes(classes, smallest, largest, total)
        assert f"{least:,}" in caught.value.mend
        assert f"{most:,}" in caught.value.mend


@pytest.mark.parametrize("g", [0.2, 1.0, 3.0])
def test_sizes_lie_on_a_power_curve(g):
    exact = 100 + 900 * (np.arange(50) / 49) ** g
    assert abs(power_sizes(50, 100, 1000, round(exact.sum())) - exact).max() < 1.5


def test_the_imbalanced_set_of_the_report(like_cifar100):
    data = of(
        pool=True,
        classes=91,
        sizes={"smallest": 146, "largest": 526, "total": 35_384},
        split={"val": {"per_class": 10}, "test": {"per_class": 10}},
    )
    seen = view(like_cifar100, data)
    sizes = np.bincount(seen.train_labels)
    assert (len(seen.classes), len(sizes), sizes.min(), sizes.max(), sizes.sum()) == (91, 91, 146, 526, 35_384)
    assert not (np.diff(sizes) >= 0).all(), "which class gets which size is drawn"
    numbers = numbered(seen.train_images)
    assert len(set(numbers.tolist())) == 35_384
    assert (numbers >= 50_000).mean() == pytest.approx(1 / 6, abs=0.01), "images of both sets are drawn"
    labels = np.concatenate([like_cifar100.train_labels, like_cifar100.test_labels])
    names = np.array(like_cifar100.classes)
    assert (names[labels[numbers]] == np.array(seen.classes)[seen.train_labels]).all()
    found = split(seen, data)
    for part in (found.val, found.test):
        assert np.bincount(seen.train_labels[part]).tolist() == [10] * 91
    assert len(found.train) == 35_384 - 2 * 910


def test_sizes_follow_their_own_seed(like_cifar100):
    def sized(seed=0, split=0, total=10_000, classes=None):
        sizes = {"smallest": 50, "largest": 400, "total": total, "seed": seed}
        seen = view(like_cifar100, of(sizes=sizes, split={"seed": split}, classes=classes))
        return np.bincount(seen.train_labels), set(numbered(seen.train_images).tolist())

    counts, images = sized()
    again, same_images = sized(split=1)
    assert np.array_equal(counts, again)
    assert images == same_images
    other, other_images = sized(seed=1)
    assert sorted(other) == sorted(counts)
    assert not np.array_equal(other, counts)
    assert images != other_images
    # A larger total only adds images: the sizes rise class by class, and the images are ranked once.
    larger, more = sized(total=12_000)
    assert (larger >= counts).all()
    assert images < more


def test_sizes_leave_a_test_set_of_the_source_alone(like_cifar100):
    seen = view(like_cifar100, of(sizes={"smallest": 50, "largest": 400, "total": 10_000}, classes=40))
    assert np.bincount(seen.test_labels).tolist() == [100] * 40
    assert len(seen.train_labels) == 10_000


def test_a_class_with_too_few_images():
    dataset = identified([0] * 30 + [1] * 9 + [2] * 30)
    with pytest.raises(BenchError, match="class 'c1' has 9 images, but is to have 1") as caught:
        view(dataset, of(sizes={"smallest": 10, "largest": 20, "total": 45}))
    assert (caught.value.where, caught.value.mend) == ("data.sizes", "lower `largest`: the smallest class has 9")


def test_smallest_above_largest_is_refused_before_any_data_are_read():
    with pytest.raises(ValueError, match="'smallest' is larger than 'largest'"):
        of(sizes={"smallest": 10, "largest": 9, "total": 40})


# ------------------------------------------------------------ a view as a data set


def test_digest_tells_what_was_chosen():
    dataset = identified([0, 1, 2] * 30, [0, 1, 2] * 10)
    other = identified([0, 1, 2] * 30, [0, 1, 2] * 11)
    same = [view(dataset, of(classes=named)).digest for named in (["c0", "c1"], [1, 0])]
    assert same[0] == same[1]
    different = [
        dataset.digest,
        same[0],
        view(other, of(classes=[0, 1])).digest,
        view(dataset, of(classes=[0, 2])).digest,
        view(dataset, of(pool=True)).digest,
        view(dataset, of(pool=True, classes=[0, 1])).digest,
        *(view(dataset, of(sizes={"smallest": 9, "largest": 20, "total": 42, "seed": seed})).digest for seed in (0, 1)),
    ]
    assert len(set(different)) == len(different)
    assert all(len(digest) == 64 for digest in different)


def test_rows_are_gathered_as_from_one_array():
    dataset = identified([0, 1] * 40, [0, 1] * 30)
    seen = view(dataset, of(pool=True, sizes={"smallest": 20, "largest": 50, "total": 70}))
    rows, whole = seen.train_images, np.asarray(seen.train_images)
    laid = np.concatenate([dataset.train_images, dataset.test_images])
    np.testing.assert_array_equal(whole, laid[rows.places])
    for index in (3, slice(2, 9, 2), np.array([5, 1, 5]), np.array([[0, 69], [4, 4]]), rows.places < 60, -1):
        np.testing.assert_array_equal(rows[index], whole[index])
    assert (rows.shape, rows.dtype, rows.ndim, len(rows)) == (whole.shape, whole.dtype, 4, 70)


def test_a_view_of_a_mapped_data_set_copies_nothing_and_pickles_whole(tmp_path):
    identified([0, 1, 2] * 30).save(tmp_path)
    dataset = Dataset.open(tmp_path)
    seen = view(dataset, of(classes=[0, 2]))
    assert seen.train_images.arrays[0] is dataset.train_images
    again = pickle.loads(pickle.dumps(seen))
    np.testing.assert_array_equal(again.train_images, seen.train_images)
    assert (again.classes, again.digest) == (seen.classes, seen.digest)
