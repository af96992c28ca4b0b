"""Losses, batches and the best epoch against slow references."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.training.evaluation import loss_and_accuracy
from bench.training.order import batches
from bench.training.stopping import Best


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
