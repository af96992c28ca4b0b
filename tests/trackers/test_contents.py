"""Correctness as bits says what the predictions say."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.trackers import contents


def archive(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name.replace("_", "/", 1): array for name, array in arrays.items()})
    return buffer.getvalue()


def predictions(seed: int, count: int, classes: int = 5) -> bytes:
    random = np.random.default_rng(seed)
    return archive(
        test_probabilities=random.random((count, classes)).astype(np.float16),
        test_targets=random.integers(0, classes, count),
        test_indices=random.permutation(3 * count)[:count],
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_bits_say_what_predictions_say(seed, count):
    whole = predictions(seed, count)
    bits = contents.as_bits(whole)
    assert contents.correct(bits, "test") == contents.correct(whole, "test")
    assert contents.as_bits(bits) == bits


def test_bits_are_small():
    assert len(contents.as_bits(predictions(0, 10_000))) < len(predictions(0, 10_000)) / 2


def test_other_classes_of_the_same_images_have_another_hash():
    targets, indices = np.zeros(4, int), np.arange(4)
    said = [
        contents.as_bits(
            archive(test_probabilities=np.eye(3, dtype=np.float16)[labels], test_targets=targets, test_indices=indices)
        )
        for labels in ([0, 1, 1, 2], [0, 1, 2, 2])
    ]
    one, other = (contents.correct(bits, "test") for bits in said)
    assert one.by_image == other.by_image == {0: True, 1: False, 2: False, 3: False}
    assert one.said != other.said


@pytest.mark.parametrize(
    "content",
    [
        b"",
        archive(test_correct=np.zeros(1, np.uint8), test_indices=np.arange(9), test_said=np.zeros(32, np.uint8)),
        archive(test_correct=np.zeros(1, np.uint8), test_indices=np.zeros(3), test_said=np.zeros(32, np.uint8)),
        archive(test_correct=np.zeros(1, np.uint8), test_indices=np.arange(3)),
    ],
)
def test_damaged_bits_are_told(content):
    with pytest.raises(contents.Damaged):
        contents.correct(content, "test")
