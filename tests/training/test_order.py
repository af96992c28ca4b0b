"""Which images an epoch draws, and what it tells of them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils.data import WeightedRandomSampler

from bench.data import ImageSet
from bench.models import MODELS
from bench.seeding import generator
from bench.training.order import Order
from bench.training.program import Program, start

LABELS = torch.tensor([0] * 60 + [1] * 25 + [3] * 15)  # class 2 has no image


def test_shuffling_takes_every_image_once_in_another_order_each_epoch():
    order = Order("shuffle", LABELS, 0)
    first, second = order(), order()
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(100))
    assert not torch.equal(first, second)
    assert torch.equal(first, torch.randperm(100, generator=generator(0, "order")))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=40), st.integers(0, 99))
def test_balanced_sampling_is_pytorchs_weighted_sampler(labels, seed):
    weights = [1 / labels.count(label) for label in labels]
    reference = WeightedRandomSampler(weights, len(labels), replacement=True, generator=generator(seed, "order"))
    order = Order("balanced", torch.tensor(labels), seed)
    for _ in range(2):
        assert order().tolist() == list(reference)


def test_balanced_sampling_draws_every_class_equally_often_and_images_more_than_once():
    order = Order("balanced", LABELS, 0)
    drawn = torch.cat([order() for _ in range(300)])
    shares = torch.bincount(LABELS[drawn], minlength=4) / len(drawn)
    assert shares.tolist() == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3], abs=0.01)  # three standard errors: 0.008
    assert len(order().unique()) < 100


class Table(torch.nn.Module):
    """A network of which the scores are its weights, an image's by the value of its pixel."""

    def __init__(self, in_shape, classes):
        super().__init__()
        self.scores = torch.nn.Parameter(torch.randn(7, classes))

    def forward(self, images):
        return self.scores[images[:, 0, 0, 0].long()]


@pytest.mark.parametrize("mixed", [False, True])
def test_an_epochs_numbers_are_means_over_its_images_as_they_were_seen(trial_config, monkeypatch, mixed):
    monkeypatch.setitem(MODELS._parts, "test_table", Table)
    random = torch.Generator().manual_seed(0)
    shares = torch.rand(7, 3, generator=random).softmax(1)
    labels = torch.arange(7) % 3
    images = torch.arange(7, dtype=torch.uint8)[:, None, None, None].expand(7, 3, 1, 1)
    part = ImageSet(images, labels, np.arange(7), shares if mixed else None)
    settings = {"data": {"normalize": {"mean": [0, 0, 0], "std": [1 / 255] * 3}}, "model": {"name": "test_table"}}
    config = trial_config(**settings, batch_size=3, epochs=1, optimizer={"name": "sgd", "lr": 1e-30})
    ready = start(config, 1, {"train": part}, 3, torch.device("cpu"))
    scores = ready.network.scores.detach().clone()
    loss, accuracy, cross_entropy = Program([ready], torch.device("cpu")).train_epoch(0)[:, 0].tolist()
    seen = Order("shuffle", labels, 1)()[:6]  # batches of 3 and 3: the last image would be alone
    right = shares.argmax(1) if mixed else labels
    assert accuracy == pytest.approx(np.mean([scores[i].argmax() == right[i] for i in seen.tolist()]))
    expected = F.cross_entropy(scores[seen], shares[seen] if mixed else labels[seen]).item()
    assert loss == cross_entropy == pytest.approx(expected, rel=1e-6)
