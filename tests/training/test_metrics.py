"""The numbers of a trial against scikit-learn, counts by hand and slow references."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as reference_confusion
from sklearn.metrics import precision_recall_fscore_support

from bench.errors import BenchError
from bench.training.metrics import (
    class_groups,
    class_sizes,
    confusion_matrix,
    metric_names,
    of_confusion,
    of_history,
    precision_recall_f1,
)

NAMES = list("abcd")
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)
ALL = ("accuracy", "precision", "recall", "f1", "size")


@given(PAIRS)
def test_counts_and_class_metrics_are_scikit_learns_with_zero_for_classes_never_predicted(pairs):
    targets, predicted = np.array(pairs, dtype=np.int32).T
    confusion = confusion_matrix(predicted, targets, 4)
    assert np.array_equal(confusion, reference_confusion(targets, predicted, labels=range(4)))
    kinds = ("precision", "recall", "f1")
    arguments = {"labels": range(4), "zero_division": 0}
    each = dict(zip(kinds, precision_recall_fscore_support(targets, predicted, **arguments), strict=False))
    macro = dict(zip(kinds, precision_recall_fscore_support(targets, predicted, average="macro", **arguments), strict=False))
    found = of_confusion("val", confusion, NAMES, ALL)
    assert set(found) == {f"val/{kind}" for kind in kinds} | {f"val/{kind}/{name}" for kind in kinds for name in NAMES}
    for kind in kinds:
        assert found[f"val/{kind}"] == pytest.approx(macro[kind])
        assert [found[f"val/{kind}/{name}"] for name in NAMES] == pytest.approx(each[kind].tolist())
        assert precision_recall_f1(confusion)[kind] == pytest.approx(each[kind])


@given(PAIRS)
def test_class_accuracy_is_the_share_of_recognised_images_where_there_are_any(pairs):
    targets, predicted = np.array(pairs).T
    found = of_confusion("test", confusion_matrix(predicted, targets, 4), NAMES, ("accuracy",))
    expected = {}
    for label in range(4):
        hits = [guess == label for truth, guess in pairs if truth == label]
        if hits:
            expected[f"test/class_accuracy/{NAMES[label]}"] = sum(hits) / len(hits)
    assert {name: value for name, value in found.items() if "class" in name} == pytest.approx(expected)


@given(PAIRS)
def test_the_predicted_shares_are_of_all_images_and_add_up_to_one(pairs):
    targets, predicted = np.array(pairs).T
    found = of_confusion("val", confusion_matrix(predicted, targets, 4), NAMES, ("predicted",))
    shares = {name: value for name, value in found.items() if "predicted" in name}
    assert shares == {f"val/predicted/{name}": (predicted == label).mean() for label, name in enumerate(NAMES)}
    assert sum(shares.values()) == pytest.approx(1)


@given(PAIRS)
def test_confused_is_the_share_of_a_groups_errors_that_stay_within_it(pairs):
    targets, predicted = np.array(pairs).T
    found = of_confusion("test", confusion_matrix(predicted, targets, 4), NAMES, (), {"some": [3, 0, 1]})
    wrong = [guess for truth, guess in pairs if truth in (0, 1, 3) and guess != truth]
    within = [guess for guess in wrong if guess in (0, 1, 3)]
    assert found.get("test/confused/some") == (len(within) / len(wrong) if wrong else None)
    assert "val/confused/some" not in of_confusion("val", np.ones((4, 4), int), NAMES, (), {"some": [0, 1, 3]})


def test_errors_that_fall_on_all_wrong_classes_alike_stay_within_a_group_by_its_size():
    found = of_confusion("test", np.full((10, 10), 7), list("abcdefghij"), (), {"legs": [2, 4, 5, 7]})
    assert found["test/confused/legs"] == pytest.approx((4 - 1) / (10 - 1))


@pytest.mark.parametrize(
    ("group", "message"),
    [
        (["cat", "dgo"], "there is no class 'dgo'"),
        (["cat", 0], "class 'cat' is named twice"),
        ([0, 3], "no class 3"),
        ([0, 1, 2], "a group of all classes"),
    ],
)
def test_a_group_names_some_of_the_classes_once(group, message):
    assert class_groups({"pets": ["dog", 0]}, ("cat", "dog", "ship")) == {"pets": [1, 0]}
    with pytest.raises(BenchError, match=message) as caught:
        class_groups({"pets": group}, ("cat", "dog", "ship"))
    assert caught.value.where == "train.class_groups.pets"


def test_a_class_that_is_never_predicted_has_zeros_without_a_warning():
    with warnings.catch_warnings(action="error"):
        found = of_confusion("test", np.array([[2, 0], [3, 0]]), ["cat", "dog"], ("precision", "recall", "f1"))
    assert found == pytest.approx(
        {
            "test/precision": 0.2, "test/precision/cat": 0.4, "test/precision/dog": 0,
            "test/recall": 0.5, "test/recall/cat": 1, "test/recall/dog": 0,
            "test/f1": 2 / 7, "test/f1/cat": 4 / 7, "test/f1/dog": 0,
        }
    )  # fmt: skip


def test_only_what_is_chosen_is_noted_of_each_class_and_the_means_always():
    confusion = np.eye(2, dtype=np.int64)
    means = {"precision", "recall", "f1"}
    assert set(of_confusion("val", confusion, ["a", "b"], ())) == {f"val/{name}" for name in means}
    assert set(of_confusion("val", confusion, ["a", "b"], ("accuracy", "size"))) == {f"val/{name}" for name in means}
    assert "test/f1/a" in of_confusion("test", confusion, ["a", "b"], ("f1",))


def test_class_sizes_count_labels_and_those_without_images():
    assert class_sizes(np.array([2, 0, 2, 2]), ["a", "b", "c"]) == {
        "train/class_size/a": 1, "train/class_size/b": 0, "train/class_size/c": 3,
    }  # fmt: skip


def test_the_course_of_training_in_two_numbers():
    history = [{"val/accuracy": value} for value in (0.1, 0.75, 0.77, 0.8, 0.6)]  # 95 % of the best: 0.76
    found = of_history(history)
    assert found == {"val/mean_accuracy": pytest.approx(3.02 / 5), "convergence_epoch": 3}
    assert of_history(history[:1]) == {"val/mean_accuracy": 0.1, "convergence_epoch": 1}
    assert of_history([{"val/accuracy": 0.0}] * 2)["convergence_epoch"] == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_no_epoch_before_convergence_reaches_the_bar(accuracies):
    epoch = of_history([{"val/accuracy": value} for value in accuracies])["convergence_epoch"]
    bar = 0.95 * max(accuracies)
    assert accuracies[epoch - 1] >= bar and all(value < bar for value in accuracies[: epoch - 1])


def test_class_names_become_metric_names_and_stay_apart():
    assert metric_names(("cat", "light blue", "light/blue", "é", "")) == ["cat", "light_blue_1", "light_blue_2", "__3", "__4"]
