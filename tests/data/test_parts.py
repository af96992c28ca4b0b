"""The images of a trial: what is in its parts, and the noise on them."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from bench.config import Data
from bench.data import Dataset, parts, view
from bench.data.noise import add_noise, mask_seeds


@pytest.mark.parametrize("official", [False, True])
def test_parts_hold_what_the_split_names(make_dataset, official):
    dataset = make_dataset([30, 30], [10, 10] if official else None)
    made = parts(dataset, Data(source="x"), seed=0)
    assert list(made) == ["train", "val", "test"]
    for name, part in made.items():
        from_test = official and name == "test"
        images, labels = (dataset.test_images, dataset.test_labels) if from_test else (dataset.train_images, dataset.train_labels)
        assert part.images.dtype == torch.uint8
        assert part.labels.dtype == torch.int64
        assert part.indices.dtype == np.int64
        assert len(part) == len(part.images) == len(part.labels)
        np.testing.assert_array_equal(part.images.numpy(), images[part.indices])
        np.testing.assert_array_equal(part.labels.numpy(), labels[part.indices])


def test_parts_do_not_write_into_the_data_set(make_dataset):
    dataset = make_dataset([30, 30])
    before = dataset.train_images.copy()
    made = parts(dataset, Data(source="x", noise={"variance": 0.1}), seed=0)
    made["train"].images.zero_()
    np.testing.assert_array_equal(dataset.train_images, before)


def test_split_ignores_the_trial_seed_and_noise_follows_it(make_dataset):
    dataset = make_dataset([30, 30])
    data = Data(source="x", noise={"variance": 0.04})
    a, again, b = (parts(dataset, data, seed) for seed in (1, 1, 2))
    assert np.array_equal(a["train"].indices, b["train"].indices)
    assert torch.equal(a["train"].images, again["train"].images)
    assert not torch.equal(a["train"].images, b["train"].images)


def test_noise_only_where_it_is_asked_for(make_dataset):
    dataset = make_dataset([30, 30], [10, 10])
    clean = parts(dataset, Data(source="x"), 0)
    noisy = parts(dataset, Data(source="x", noise={"variance": 0.04, "splits": ["train", "val"]}), 0)
    assert [torch.equal(clean[name].images, noisy[name].images) for name in clean] == [False, False, True]


def test_an_image_has_one_mask_whatever_the_subset(make_dataset):
    dataset = make_dataset([200, 200], [40, 40])
    whole = parts(dataset, Data(source="x", noise={"variance": 0.04}), 5)
    small = parts(dataset, Data(source="x", noise={"variance": 0.04}, subset={"train": 20, "val": 8, "test": 10}), 5)
    for name, part in small.items():
        places = np.searchsorted(whole[name].indices, part.indices)
        assert torch.equal(part.images, whole[name].images[places])


def test_an_image_has_one_mask_at_every_variance():
    images = torch.full((20, 3, 16, 16), 128, dtype=torch.uint8)
    weak, strong = (add_noise(images, np.arange(20), deviation).double() - 128 for deviation in (0.05, 0.1))
    assert (abs(strong - 2 * weak) <= 1.5).all()  # twice the deviation, up to rounding (nothing is clipped here)


def test_masks_are_standard_normal_and_independent():
    images = torch.full((600, 3, 16, 16), 128, dtype=torch.uint8)
    seeds = [mask_seeds(0, ["noise/train", "noise/test"], np.full(600, stream), np.arange(600)) for stream in (0, 1)]
    train, test = (add_noise(images, of_part, 0.1) for of_part in seeds)
    z = ((train.double() - 128) / 25.5).flatten(1)
    assert abs(z.mean()) < 5 / z.numel() ** 0.5
    assert abs(z.var() - (1 + 1 / 12 / 25.5**2)) < 5 * (2 / z.numel()) ** 0.5
    assert abs((z**4).mean() - 3) < 0.05
    # Neighbours' generators have neighbouring seeds: their masks must be unrelated all the same.
    pairs = torch.corrcoef(z)
    pairs = pairs[~torch.eye(len(z), dtype=bool)]
    assert abs(pairs).max() < 6.5 / z.shape[1] ** 0.5
    assert abs(pairs.std() * z.shape[1] ** 0.5 - 1) < 0.02
    assert not torch.equal(train, test)


def test_noise_is_rounded_and_clipped():
    noisy = add_noise(torch.tensor([0, 255], dtype=torch.uint8).repeat(4, 3, 8, 1), np.arange(4), 1.0)
    assert noisy.dtype == torch.uint8
    assert (noisy[..., 0] == 0).float().mean() == pytest.approx(0.5, abs=0.2)
    assert (noisy[..., 1] == 255).float().mean() == pytest.approx(0.5, abs=0.2)


def test_the_masks_of_a_seed_do_not_change_between_versions():
    images = torch.full((2, 3, 1, 2), 128, dtype=torch.uint8)
    noisy = add_noise(images, mask_seeds(3, ["noise/train"], np.zeros(2, int), np.array([0, 41])), 0.2)
    assert noisy.flatten(1).tolist() == [[144, 104, 56, 128, 180, 164], [110, 173, 111, 85, 98, 98]]


def test_deviations_may_differ_by_image_and_channel():
    images = torch.full((400, 3, 16, 16), 128, dtype=torch.uint8)
    deviations = np.random.default_rng(0).choice([0.0, 0.05, 0.1], (400, 3))
    noisy = add_noise(images, np.arange(400), deviations)
    spread = ((noisy.double() - 128) / 255).std((2, 3), correction=0)
    np.testing.assert_allclose(spread, np.where(deviations, np.hypot(deviations, 1 / 255 / 12**0.5), 0), rtol=0.2, atol=1e-9)


# ------------------------------------------------------------ views


def test_an_image_has_one_mask_and_one_index_whatever_the_view(make_dataset):
    dataset = make_dataset([60] * 4, [10] * 4)
    noise = {"noise": {"variance": 0.04}}
    whole = parts(dataset, Data(source="x", pool=True, **noise), 1)
    some = parts(dataset, Data(source="x", pool=True, classes=["c1", "c3"], **noise), 1)
    images = {index: image for part in whole.values() for index, image in zip(part.indices.tolist(), part.images, strict=True)}
    assert len(images) == 280
    for part in some.values():
        assert all(torch.equal(image, images[index]) for index, image in zip(part.indices.tolist(), part.images, strict=True))
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    for part in some.values():
        assert np.array_equal(labels[part.indices], np.array([1, 3])[part.labels])


def test_parts_of_a_view_with_the_test_set_of_the_source(make_dataset):
    dataset = make_dataset([60] * 3, [10] * 3)
    test = parts(dataset, Data(source="x", classes=[0, 2]), 0)["test"]
    np.testing.assert_array_equal(test.images.numpy(), dataset.test_images[test.indices])
    assert np.array_equal(dataset.test_labels[test.indices] // 2, test.labels)
    assert len(test) == 20


# ------------------------------------------------------------ noisy copies


COPIES = {"classes": [0], "variances": [0.5, 0.25]}


def grey(counts, spreads, size=16):
    """A data set around 128 whose channels have standard deviations `spreads` (of pixel values in [0, 1])."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    noise = random.standard_normal((len(labels), 3, size, size)) * np.reshape(spreads, (1, 3, 1, 1))
    images = np.clip(np.rint(128 + 255 * noise), 0, 255).astype(np.uint8)
    return Dataset.build("grey", tuple(f"c{k}" for k in range(len(counts))), images, labels.astype(np.int64))


@pytest.mark.parametrize("unit", ["pixel", "normalized"])
def test_copies_have_the_noise_that_was_asked_for(unit):
    spreads = np.array([0.02, 0.05, 0.1])
    variances = [0.5, 1.0] if unit == "normalized" else [0.005, 0.01]
    data = Data(source="x", copies={"classes": ["c1"], "variances": variances, "unit": unit})
    train = parts(grey([60, 200], spreads), data, 0)["train"]
    originals = len(train) - 2 * 128
    assert torch.bincount(train.labels[:originals]).tolist() == [38, 128]
    for number, variance in enumerate(variances):
        rows = slice(originals + 128 * number, originals + 128 * (number + 1))
        clean = train.images[:originals][train.labels[:originals] == 1]
        assert np.array_equal(train.indices[rows], train.indices[:originals][train.labels[:originals] == 1])
        assert (train.labels[rows] == 1).all()
        added = ((train.images[rows].double() - clean.double()) / 255).std((0, 2, 3)).numpy()
        expected = np.sqrt(variance) * (spreads if unit == "normalized" else np.ones(3))
        np.testing.assert_allclose(added, np.hypot(expected, 1 / 255 / 12**0.5), rtol=0.03)


def test_the_unit_is_that_of_the_images_that_are_left():
    """The deviation is taken of the training images after reducing, without the copies."""
    dataset = grey([100, 100], [0.05] * 3)
    dataset.train_images[dataset.train_labels == 0] = 128  # what is reduced away has no variation
    data = {"copies": {"classes": [1], "variances": [1.0]}}
    whole, reduced = (
        parts(dataset, Data(source="x", **data, **more), 0)["train"] for more in ({}, {"reduce": {"classes": [0], "keep": 0.1}})
    )
    added = [
        float((part.images[-64:].double() - part.images[part.labels == 1][:64].double()).std() / 255) for part in (whole, reduced)
    ]
    assert added[0] == pytest.approx(0.05 * 0.5**0.5, rel=0.05)
    assert added[1] == pytest.approx(0.05 * (64 / 70) ** 0.5, rel=0.05)


def test_copies_follow_the_seed_and_leave_everything_else_alone(make_dataset):
    dataset = make_dataset([50, 50], [10, 10], size=(8, 8))
    data = Data(source="x", copies=COPIES)
    a, again, b = (parts(dataset, data, seed)["train"] for seed in (1, 1, 2))
    plain = parts(dataset, Data(source="x"), 1)["train"]
    n = len(plain)
    assert len(a) == n + 2 * 40
    assert torch.equal(a.images, again.images)
    assert torch.equal(a.images[:n], plain.images)
    assert not torch.equal(a.images[n:], b.images[n:])
    assert not torch.equal(a.images[n : n + 40], a.images[n + 40 :])
    # An image's copy is the same in an arm with another split, other classes to copy, or other variances beside its own.
    both = {"classes": [0, 1], "variances": [0.5], "unit": "pixel"}
    other = parts(dataset, Data(source="x", split={"val": 0.4}, copies=both), 1)["train"]
    same = parts(dataset, Data(source="x", copies=COPIES | {"unit": "pixel"}), 1)["train"]
    found = dict(zip(same.indices[n : n + 40].tolist(), same.images[n : n + 40], strict=True))
    copied = dict(zip(other.indices[60:].tolist(), other.images[60:], strict=True))
    shared = [(image, found[index]) for index, image in copied.items() if index in found]
    assert len(shared) >= 20
    assert all(torch.equal(one, two) for one, two in shared)


def test_fixed_noise_on_copies_has_a_mask_of_its_own(make_dataset):
    dataset = make_dataset([50, 50], size=(8, 8))
    dataset.train_images[:] = 128
    noise = {"noise": {"variance": 0.01}}
    plain = parts(dataset, Data(source="x", **noise), 1)["train"]
    tiny = parts(dataset, Data(source="x", **noise, copies={"classes": [0], "variances": [1e-9], "unit": "pixel"}), 1)["train"]
    n = len(plain)
    assert torch.equal(tiny.images[:n], plain.images)
    originals, copies = tiny.images[:n][tiny.labels[:n] == 0], tiny.images[n:]
    originals, copies = (images.double().flatten() - 128 for images in (originals, copies))
    assert abs(torch.corrcoef(torch.stack([originals, copies]))[0, 1]) < 0.1
    assert float(copies.std()) == pytest.approx(25.5, rel=0.05)


# ------------------------------------------------------------ denoising


@pytest.fixture
def denoiser(monkeypatch):
    """Put a denoiser that inverts images in place of ours; return the calls it gets."""
    calls = []

    def denoised(images, data, say, device):
        calls.append((images, data))
        say("denoising")
        return 255 - images

    module = ModuleType("bench.data.denoise")
    module.denoised = denoised
    monkeypatch.setitem(sys.modules, "bench.data.denoise", module)
    return calls


def test_each_noisy_split_is_denoised_once_and_the_test_part_keeps_what_it_was(make_dataset, denoiser):
    dataset = make_dataset([30, 30], [10, 10])
    noisy = Data(source="x", noise={"variance": 0.04})
    data = Data(source="x", noise={"variance": 0.04}, denoise={"name": "tv"})
    told = []
    before, made = parts(dataset, noisy, 0), parts(dataset, data, 0, say=told.append)
    assert told == ["denoising"] * 3
    assert [len(images) for images, _ in denoiser] == [48, 12, 20]
    assert all(given is data for _, given in denoiser)
    for name, part in made.items():
        assert torch.equal(part.images, 255 - before[name].images)
    assert torch.equal(made["test"].noisy, before["test"].images)
    np.testing.assert_array_equal(made["test"].clean, dataset.test_images)
    assert all(made[name].clean is None and made[name].noisy is None for name in ("train", "val"))
    assert before["test"].clean is None


def test_only_the_splits_that_are_named_are_denoised(make_dataset, denoiser):
    made = parts(make_dataset([30, 30], [10, 10]), Data(source="x", denoise={"name": "tv", "splits": ["train"]}), 0)
    assert [len(images) for images, _ in denoiser] == [48]
    assert made["test"].clean is None


# ------------------------------------------------------------ environments


def test_environments_reach_the_training_part_with_the_images_that_are_appended(make_dataset):
    dataset = make_dataset([50, 50], [10, 10])
    data = Data(
        source="x",
        copies=COPIES,
        append={"share": 0.5, "augment": [{"name": "flip"}]},
        environments={"by": "copy"},
    )
    made = parts(dataset, data, 0)
    train = made["train"]
    assert train.environments.dtype == torch.int64
    assert train.environments[:160].tolist() == [0] * 80 + [1] * 40 + [2] * 40
    assert len(train.environments) == len(train) == 240
    pairs = list(zip(train.indices.tolist(), train.environments.tolist(), strict=True))
    assert set(pairs[160:]) < set(pairs[:160]), "an appended image is in the environment of its original"
    assert made["val"].environments is None
    assert made["test"].environments is None


# ------------------------------------------------------------ validation and test


def test_validation_and_test_are_untouched_by_what_is_done_to_the_training_part(make_dataset):
    dataset = make_dataset([50, 50], [10, 10])
    noise = {"noise": {"variance": 0.04}}
    plain = parts(dataset, Data(source="x", **noise), 3)
    busy = Data(
        source="x",
        **noise,
        label_noise={"share": 0.3},
        reduce={"classes": [1], "keep": 0.5},
        copies=COPIES,
        append={"share": 1.0, "augment": [{"name": "cutmix", "p": 1.0}]},
        environments={"by": "random"},
    )
    made = parts(dataset, busy, 3)
    for name in ("val", "test"):
        assert torch.equal(plain[name].images, made[name].images)
        assert torch.equal(plain[name].labels, made[name].labels)
        assert np.array_equal(plain[name].indices, made[name].indices)
        assert made[name].targets is None
    kept = np.flatnonzero(np.isin(plain["train"].indices, made["train"].indices))
    assert torch.equal(made["train"].images[: len(kept)], plain["train"].images[kept]), "what stays keeps its mask"
    assert view(dataset, busy) is dataset
