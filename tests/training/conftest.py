import numpy as np
import pytest
import torch

from bench.config import TrialConfig
from bench.data import Dataset

SIZE = 22  # the smallest that simple_cnn's three stages take


@pytest.fixture(autouse=True)
def one_thread():
    """Sums are split differently over more threads, so equal bits are promised for an equal number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def dataset():
    """150 training and 30 test images of three classes; a class's colour channel is a little brighter than noise."""
    random = np.random.default_rng(0)

    def part(count):
        labels = np.arange(count) % 3
        images = random.integers(0, 200, (count, 3, SIZE, SIZE))
        images[np.arange(count), labels] += 40
        return images.astype(np.uint8), labels.astype(np.int64)

    return Dataset.build("colours", ("red", "green", "light blue"), *part(150), *part(30))


@pytest.fixture(scope="session")
def trial_config():
    """Make a configuration of a small, quick trial; keywords go into its parts `train`, `model` and `data`."""

    def make(model=None, data=None, **train):
        small = {"name": "simple_cnn", "args": {"filters": [8, 8, 8], "hidden": 16}}
        return TrialConfig.model_validate(
            {
                "data": {"source": "digits", **(data or {})},
                "model": model or small,
                "train": {"epochs": 3, "batch_size": 16, "optimizer": {"name": "sgd", "momentum": 0.9}, **train},
            }
        )

    return make
