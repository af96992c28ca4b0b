"""Which images and labels make up the parts: label noise, reduced classes, copies, environments."""

import numpy as np
import pytest
from scipy import stats

from bench.config import Data
from bench.data import Dataset, part_sizes, parts, shared_images, split
from bench.data.composition import compose
from bench.errors import BenchError


def of_labels(labels, test=None):
    def part(labels):
        return np.zeros((len(labels), 3, 1, 1), np.uint8), np.asarray(labels, np.int64)

    classes = tuple(f"c{k}" for k in range(max(labels) + 1))
    return Dataset.build("made", classes, *part(labels), *(part(test) if test is not None else ()))


def balanced(classes, each, test=None, seed=0):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(classes), each))
    return of_labels(labels, None if test is None else np.repeat(np.arange(classes), test))


def of(**settings):
    return Data(source="x", **settings)


# ------------------------------------------------------------ label noise


def test_a_share_of_the_labels_is_wrong_in_the_splits_that_are_named():
    dataset = balanced(10, 300, test=100)
    made = compose(dataset, of(label_noise={"share": 0.1, "splits": ["train", "test"]}))
    wrong = {}
    for name, part in made.items():
        true = (dataset.test_labels if name == "test" else dataset.train_labels)[part.indices]
        wrong[name] = int((part.labels != true).sum())
        assert set(part.labels) == set(range(10))
    assert wrong == {"train": 240, "val": 0, "test": 100}
    assert (compose(dataset, of(label_noise={"share": 0.1}))["test"].labels == dataset.test_labels).all(), (
        "only train unless named"
    )


def test_wrong_labels_are_drawn_evenly_from_the_other_classes_and_images_from_all():
    dataset = balanced(5, 4000)
    train = compose(dataset, of(label_noise={"share": 0.5}))["train"]
    true = dataset.train_labels[train.indices]
    table = np.zeros((5, 5), int)
    np.add.at(table, (true, train.labels), 1)
    changed = table[~np.eye(5, dtype=bool)].reshape(5, 4)
    assert changed.sum() == len(train) // 2
    assert stats.chisquare(changed.ravel()).pvalue > 1e-4
    assert stats.chisquare(changed.sum(1)).pvalue > 1e-4


def test_a_larger_share_of_wrong_labels_adds_to_a_smaller_one():
    dataset = balanced(6, 200)
    true, few, many = (compose(dataset, of(label_noise=noise))["train"] for noise in (None, {"share": 0.1}, {"share": 0.4}))
    wrong = few.labels != true.labels
    assert (many.labels[wrong] == few.labels[wrong]).all()
    assert (many.labels != true.labels).sum() == round(0.4 * len(true))


def test_label_noise_follows_its_own_seed():
    dataset = balanced(6, 200)
    a, again, b = (compose(dataset, of(label_noise={"share": 0.3, "seed": seed}))["train"].labels for seed in (0, 0, 1))
    assert np.array_equal(a, again)
    assert not np.array_equal(a, b)


# ------------------------------------------------------------ fewer images, and copies


def test_the_unbalanced_set_of_the_report_and_its_rebalancing():
    """Classes 0-4 of 5,000 images lose 90 %; nine noisy copies of what is left make the classes even again."""
    dataset = balanced(10, 5000, test=10)
    settings = {"split": {"val": 0.2}, "reduce": {"classes": [0, 1, 2, 3, "c4"], "keep": 0.1}}
    variances = [round(0.1 * k, 1) for k in range(1, 10)]
    unbalanced = compose(dataset, of(**settings))["train"]
    assert np.bincount(unbalanced.labels).tolist() == [400] * 5 + [4000] * 5
    rebalanced = compose(dataset, of(**settings, copies={"classes": [0, 1, 2, 3, 4], "variances": variances}))["train"]
    assert np.bincount(rebalanced.labels).tolist() == [4000] * 10
    assert np.bincount(rebalanced.copy).tolist() == [22_000] + [2000] * 9
    original = rebalanced.copy == 0
    assert np.array_equal(rebalanced.indices[original], unbalanced.indices)
    for number in range(1, 10):
        of_this = rebalanced.copy == number
        assert np.array_equal(rebalanced.indices[of_this], unbalanced.indices[unbalanced.labels < 5])
        assert np.array_equal(rebalanced.labels[of_this], dataset.train_labels[rebalanced.indices[of_this]])


def test_what_is_kept_is_drawn_from_its_own_seed_and_nested():
    dataset = balanced(3, 200)

    def kept(keep, seed=0, **settings):
        made = compose(dataset, of(reduce={"classes": [1], "keep": keep, "seed": seed}, **settings))
        return set(made["train"].indices.tolist())

    tenth, half = kept(0.1), kept(0.5)
    assert tenth < half
    assert tenth != kept(0.1, seed=1)
    whole = split(dataset, of())
    assert half < set(whole.train.tolist())
    assert {index for index in whole.train.tolist() if dataset.train_labels[index] != 1} < tenth


def test_reducing_leaves_validation_and_test_as_they_were():
    dataset = balanced(3, 100, test=20)
    plain = compose(dataset, of())
    settings = {"reduce": {"classes": [0], "keep": 0.5}, "copies": {"classes": [0], "variances": [0.1]}}
    changed = compose(dataset, of(**settings, environments={"by": "copy"}))
    for name in ("val", "test"):
        assert np.array_equal(plain[name].indices, changed[name].indices)
        assert np.array_equal(plain[name].labels, changed[name].labels)
        assert not changed[name].copy.any()
        assert changed[name].environments is None


def test_classes_are_those_that_the_trial_sees():
    dataset = balanced(4, 100)
    seen = {"classes": ["c2", "c3"], "reduce": {"classes": ["c3"], "keep": 0.25}}
    assert part_sizes(dataset, of(**seen))["train"] == 64 + 16
    with pytest.raises(BenchError, match="there is no class 'c1'"):
        part_sizes(dataset, of(**seen | {"reduce": {"classes": ["c1"], "keep": 0.25}}))


@pytest.mark.parametrize(
    ("settings", "where", "message"),
    [
        ({"reduce": {"classes": ["cat"], "keep": 0.5}}, "data.reduce.classes", "there is no class 'cat'"),
        ({"reduce": {"classes": [0], "keep": 0.01}}, "data.reduce", "of the 32 training images of class 'c0' none would be left"),
        ({"copies": {"classes": [7], "variances": [1]}}, "data.copies.classes", "there is no class 7"),
        ({"environments": {"by": "class", "groups": [[0], [2]]}}, "data.environments", "class 'c1' is in no group"),
        ({"environments": {"by": "class", "groups": [[0, 1], [1, 2]]}}, "data.environments.groups", "class 'c1' is named twice"),
    ],
)
def test_what_cannot_be_had_is_told(settings, where, message):
    with pytest.raises(BenchError, match=message) as caught:
        part_sizes(balanced(3, 50), of(**settings))
    assert caught.value.where == where
    assert caught.value.mend


# ------------------------------------------------------------ environments


def test_environments_by_class():
    train = compose(balanced(4, 50), of(environments={"by": "class", "groups": [["c3", 0], [1, 2]]}))["train"]
    assert (train.environments == np.array([0, 1, 1, 0])[train.labels]).all()


def test_environments_by_copy():
    data = of(copies={"classes": [1, 3], "variances": [0.5, 0.1]}, environments={"by": "copy"})
    train = compose(balanced(4, 50), data)["train"]
    assert np.bincount(train.environments).tolist() == [128, 64, 64]
    assert set(train.labels[train.environments == 2]) == {1, 3}
    with pytest.raises(ValueError, match="environments `by: copy` need 'copies'"):
        of(environments={"by": "copy"})


def test_random_environments_are_even_and_follow_their_seed():
    def made(seed):
        data = of(environments={"by": "random", "count": 3, "seed": seed})
        return compose(balanced(2, 100), data)["train"].environments

    assert np.bincount(made(0)).tolist() in ([43, 43, 42], [43, 42, 43])
    assert np.array_equal(made(0), made(0))
    assert not np.array_equal(made(0), made(1))


def test_no_environments_unless_asked_for():
    assert all(part.environments is None for part in compose(balanced(2, 50), of()).values())


# ------------------------------------------------------------ sizes known beforehand


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pool": True, "classes": 3},
        {"sizes": {"smallest": 20, "largest": 60, "total": 210}, "subset": {"train": 50}},
        {"reduce": {"classes": [0, 2], "keep": 0.3}, "copies": {"classes": [0], "variances": [0.1, 0.2]}},
        {"append": {"share": 0.37, "augment": [{"name": "flip"}]}, "subset": {"val": 11, "test": 21}},
        {"copies": {"classes": [1], "variances": [0.3]}, "append": {"share": 1, "augment": [{"name": "cutmix"}]}},
    ],
)
def test_part_sizes_are_those_of_the_parts(settings):
    dataset = balanced(5, 60, test=13)
    made = parts(dataset, of(**settings), seed=0)
    assert part_sizes(dataset, of(**settings)) == {name: len(part) for name, part in made.items()}
    assert all(len(part) == len(part.images) == len(part.labels) for part in made.values())


# ------------------------------------------------------------ images of two sections


def test_the_same_split_shares_no_image():
    for dataset in (balanced(6, 20), balanced(6, 20, test=10)):
        assert shared_images(dataset, of(), of()) == 0
        assert shared_images(dataset, of(), of(noise={"variance": 0.1}, subset={"train": 30})) == 0


def test_a_split_of_its_own_shares_images_which_count_once():
    dataset = balanced(6, 20)
    assert shared_images(dataset, of(), of(split={"seed": 1})) > 0
    some = of(classes=(0, 1, 2))
    shared = shared_images(dataset, of(), some)
    trained, tested = parts(dataset, of(), seed=0), parts(dataset, some, seed=0)
    assert shared == len(set(trained["train"].indices) & {*tested["val"].indices, *tested["test"].indices}) > 0
    assert shared_images(dataset, of(copies={"classes": (0, 1, 2), "variances": (0.1, 0.2)}), some) == shared


def test_official_test_images_are_others_than_training_images_until_they_are_pooled():
    dataset = balanced(3, 20, test=10)
    only = of(classes=(0, 1), split={"val": {"per_class": 1}})
    pooled = of(pool=True, split={"test": {"per_class": 1}, "val": {"per_class": 1}})
    assert shared_images(dataset, of(split={"val": {"per_class": 1}}), only) <= 2, "at most what validates"
    assert shared_images(dataset, pooled, only) >= 20 - 4, "nearly all images are trained on, those of the test set too"
