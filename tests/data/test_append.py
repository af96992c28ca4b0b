"""Augmented copies of training images, made once and appended."""

import numpy as np
import pytest
import torch

from bench.config import Data
from bench.data import Dataset, parts


def plain_colours(classes, each, size=8):
    """Every image is one colour, 10 times its class: what is pasted into it can be counted."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(classes), each)).astype(np.int64)
    images = np.broadcast_to((10 * labels + 10)[:, None, None, None], (len(labels), 3, size, size)).astype(np.uint8)
    return Dataset.build("colours", tuple(f"c{k}" for k in range(classes)), images, labels, images[:20], labels[:20])


def train(dataset, seed=0, share=0.5, augment=({"name": "flip"},), **settings):
    return parts(dataset, Data(source="x", append={"share": share, "augment": augment}, **settings), seed)["train"]


def test_a_share_of_the_images_is_appended_behind_them(make_dataset):
    dataset = make_dataset([50, 50], [10, 10])
    before = parts(dataset, Data(source="x"), 0)["train"]
    after = train(dataset, share=0.3)
    assert (len(before), len(after)) == (80, 104)
    assert torch.equal(after.images[:80], before.images)
    copies = after.indices[80:]
    assert len(set(copies.tolist())) == 24, "drawn without replacement"
    assert set(copies.tolist()) < set(before.indices.tolist())
    np.testing.assert_array_equal(after.labels.numpy(), dataset.train_labels[after.indices])
    originals = torch.from_numpy(dataset.train_images[copies])
    same, mirrored = ((after.images[80:] == image).flatten(1).all(1) for image in (originals, originals.flip(3)))
    assert (same ^ mirrored).all()
    assert 0 < same.sum() < 24, "each image draws for itself"
    assert after.targets is None


def test_everything_may_be_appended(make_dataset):
    after = train(make_dataset([20, 20], [5, 5]), share=1)
    assert np.array_equal(np.sort(after.indices[:32]), np.sort(after.indices[32:]))


def test_a_share_too_small_for_one_image_appends_none(make_dataset):
    assert len(train(make_dataset([20, 20], [5, 5]), share=0.01)) == 32


def test_images_are_augmented_in_many_batches(make_dataset):
    after = train(make_dataset([700, 700], [5, 5], size=(2, 2)), share=1, augment=[{"name": "grayscale", "p": 1.0}])
    assert len(after) == 2 * 1120
    assert (after.images[1120:, 0] == after.images[1120:, 1]).all()
    assert (after.images[1120:, 0] == after.images[1120:, 2]).all()


def test_the_seed_decides_and_other_settings_do_not_shift_it(make_dataset):
    dataset = make_dataset([60, 60], [10, 10], size=(8, 8))
    noise = [{"name": "noise", "variance": 0.01}]
    a, again, b = (train(dataset, seed, augment=noise) for seed in (1, 1, 2))
    assert torch.equal(a.images, again.images)
    assert not np.array_equal(a.indices, b.indices)
    damaged = train(dataset, 1, augment=noise, noise={"variance": 0.04})
    assert np.array_equal(a.indices, damaged.indices), "the same images, whatever else differs"
    flipped = train(dataset, 1)
    assert np.array_equal(a.indices, flipped.indices)
    smaller = train(dataset, 1, share=0.25)
    assert set(smaller.indices[96:].tolist()) < set(a.indices[96:].tolist())
    plain = parts(dataset, Data(source="x", noise={"variance": 0.04}), 1)["train"]
    assert torch.equal(damaged.images[:96], plain.images), "noise is that of the arm without"


@pytest.mark.parametrize("augment", [[{"name": "cutmix", "p": 0.8}], [{"name": "flip"}, {"name": "cutmix", "alpha": 0.3}]])
def test_mixed_copies_have_soft_targets(augment):
    dataset = plain_colours(5, 200)
    after = train(dataset, share=0.5, augment=augment)
    assert after.targets.dtype == torch.float32
    assert after.targets.shape == (1200, 5)
    # Each pixel tells its class by its colour, so the share of each class can be counted.
    counted = torch.stack([(after.images[:, 0] == 10 * k + 10).float().mean((1, 2)) for k in range(5)], dim=1)
    torch.testing.assert_close(after.targets, counted)
    assert torch.equal(after.targets[:800], torch.nn.functional.one_hot(after.labels[:800], 5).float())
    assert ((after.targets[800:] > 0).sum(1) == 2).float().mean() > 0.3


def test_mixing_twice_mixes_the_mixed():
    after = train(plain_colours(5, 200), augment=[{"name": "cutmix", "p": 1.0}] * 2)
    counted = torch.stack([(after.images[:, 0] == 10 * k + 10).float().mean((1, 2)) for k in range(5)], dim=1)
    torch.testing.assert_close(after.targets.sum(1), torch.ones(1200))
    assert (counted.argmax(1) == after.targets.argmax(1)).float().mean() > 0.8
    assert ((after.targets > 0).sum(1) > 2).any()
