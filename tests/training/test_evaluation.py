"""Counts, names and batches against slow references."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.training.evaluation import class_accuracy, confusion_matrix, loss_and_accuracy, metric_names
from bench.training.loop import batches
from bench.training.stopping import Best


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60))
def test_confusion_and_class_accuracy_count_right(pairs):
    targets, predicted = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
    confusion = confusion_matrix(predicted, targets, 4)
    assert confusion.sum() == len(pairs)
    assert all(confusion[row, column] == pairs.count((row, column)) for row in range(4) for column in range(4))
    expected = {}
    for label in range(4):
        hits = [guess == label for truth, guess in pairs if truth == label]
        if hits:
            expected["abcd"[label]] = sum(hits) / len(hits)
    assert class_accuracy(confusion, tuple("abcd")) == pytest.approx(expected)


def test_class_names_become_metric_names_and_stay_apart():
    assert metric_names(("cat", "light blue", "light/blue", "é", "")) == ["cat", "light_blue_1", "light_blue_2", "__3", "__4"]


def test_loss_is_plain_cross_entropy():
    scores = torch.tensor([[2.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    labels = torch.tensor([0, 1, 0])
    loss, accuracy = loss_and_accuracy(scores, labels).tolist()
    expected = (math.log(1 + math.exp(-2)) + math.log(2) + math.log(1 + math.e)) / 3
    assert loss == pytest.approx(expected, rel=1e-6)
    assert accuracy == pytest.approx(1 / 3)


@given(st.integers(2, 300), st.integers(2, 70))
def test_batches_cover_all_but_a_single_last_image(images, batch_size):
    cuts = batches(images, batch_size)
    sizes = [cut.stop - cut.start for cut in cuts]
    assert all(2 <= size <= batch_size for size in sizes)
    assert all(size == batch_size for size in sizes[:-1])
    left_out = images - sum(sizes)
    assert left_out == (1 if images % batch_size == 1 else 0)
    assert [cut.start for cut in cuts[1:]] == [cut.stop for cut in cuts[:-1]]


def test_the_best_epoch_is_the_first_of_equals_and_beats_by_more_than_min_delta():
    accuracy = Best("val/accuracy")
    assert [accuracy.update(epoch, {"val/accuracy": v}) for epoch, v in enumerate([0.5, 0.7, 0.7, 0.6], 1)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert (accuracy.epoch, accuracy.stale(4)) == (2, 2)
    loss = Best("val/loss", min_delta=0.1)
    assert [loss.update(epoch, {"val/loss": v}) for epoch, v in enumerate([1.0, 0.95, 0.85, math.nan], 1)] == [
        True, False, True, False,
    ]  # fmt: skip
    assert loss.epoch == 3
