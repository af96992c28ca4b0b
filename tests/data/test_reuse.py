"""Images that trials share: with the data set's file, and with the trials before them."""

import numpy as np
import pytest
import torch

from bench.config import Data
from bench.data import Dataset, parts
from bench.data.reuse import KeptParts

CPU = torch.device("cpu")


@pytest.fixture
def dataset(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (60, 3, 8, 8), dtype=np.uint8)
    labels = np.arange(60) % 3
    Dataset.build("random", ("a", "b", "c"), images, labels, images[:9], labels[:9]).save(tmp_path)
    return Dataset.open(tmp_path)


def data(**settings):
    return Data.model_validate({"source": "digits", **settings})


def test_parts_that_change_nothing_read_the_data_sets_file(dataset):
    made = parts(dataset, data(), 0)
    train = made["train"]
    assert train.stored.data_ptr() == dataset.train_images.ctypes.data
    assert made["test"].stored.data_ptr() == dataset.test_images.ctypes.data
    assert np.array_equal(train.images.numpy(), dataset.train_images[train.indices])
    assert torch.equal(train.take(torch.tensor([3, 1])), train.images[[3, 1]])


@pytest.mark.parametrize(
    "settings",
    [
        {"noise": {"variance": 0.01}},
        {"copies": {"classes": ["a"], "variances": [0.1]}},
        {"append": {"share": 0.5, "augment": [{"name": "flip"}]}},
        {"pool": True},
    ],
)
def test_parts_that_change_images_have_their_own(dataset, settings):
    train = parts(dataset, data(**settings), 0)["train"]
    assert train.rows is None
    assert torch.equal(train.take(torch.tensor([3, 1])), train.images[[3, 1]])


def test_noise_on_one_part_leaves_the_others_to_the_file(dataset):
    made = parts(dataset, data(noise={"variance": 0.01, "splits": ["val"]}), 0)
    assert [made[split].rows is None for split in ("train", "val", "test")] == [False, True, False]


def test_a_trial_gets_the_parts_of_the_one_before_where_they_are_the_same(dataset):
    kept, noisy = KeptParts(), data(noise={"variance": 0.01})
    first = kept(dataset, noisy, 0, CPU)
    assert kept(dataset, noisy.model_copy(update={"normalize": "none"}), 0, CPU) is first
    assert kept(dataset, noisy, 1, CPU) is not first, "another seed, another mask"
    assert kept(dataset, data(noise={"variance": 0.02}), 0, CPU) is not first
    clean = kept(dataset, data(), 0, CPU)
    assert kept(dataset, data(), 5, CPU) is clean, "nothing of it is drawn from the seed"
    kept.clear()
    assert kept(dataset, data(), 0, CPU) is not clean


def test_no_more_is_kept_than_there_is_room_for(dataset):
    noisy = data(noise={"variance": 0.01})
    size = sum(part.stored.nbytes for part in parts(dataset, noisy, 0).values())
    kept = KeptParts({"cpu": 2 * size})
    first, second = (kept(dataset, noisy, seed, CPU) for seed in (0, 1))
    assert kept(dataset, noisy, 0, CPU) is first
    kept(dataset, noisy, 2, CPU)
    assert kept(dataset, noisy, 0, CPU) is first, "it was used later than the second"
    assert kept(dataset, noisy, 1, CPU) is not second
