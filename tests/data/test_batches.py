import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config import Data
from bench.data import Part, Preprocess, parts
from bench.data.noise import add_noise


def part_of(images):
    images = torch.as_tensor(images)
    return Part(images, torch.zeros(len(images), dtype=torch.int64), np.arange(len(images)))


def random_images(shape, seed=0):
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


# ------------------------------------------------------------ parts and fixed noise


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
    weak, strong = (add_noise(images, np.arange(20), v, 0, "train").double() - 128 for v in (0.0025, 0.01))
    assert (abs(strong - 2 * weak) <= 1.5).all()  # twice the deviation, up to rounding (nothing is clipped here)


def test_masks_are_standard_normal_and_independent():
    images = torch.full((600, 3, 16, 16), 128, dtype=torch.uint8)
    train, test = (add_noise(images, np.arange(600), 0.01, 0, source) for source in ("train", "test"))
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
    noisy = add_noise(torch.tensor([0, 255], dtype=torch.uint8).repeat(4, 3, 8, 1), np.arange(4), 1.0, 0, "train")
    assert noisy.dtype == torch.uint8
    assert (noisy[..., 0] == 0).float().mean() == pytest.approx(0.5, abs=0.2)
    assert (noisy[..., 1] == 255).float().mean() == pytest.approx(0.5, abs=0.2)


# ------------------------------------------------------------ preprocessing


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**30))
def test_statistics_are_exact(count, height, width, seed):
    images = random_images((count, 3, height, width), seed)
    preprocess = Preprocess(Data(source="x"), part_of(images))
    pixels = images.numpy().transpose(1, 0, 2, 3).reshape(3, -1) / 255
    np.testing.assert_allclose(preprocess.mean, pixels.mean(1), rtol=1e-12)
    spread = pixels.std(1)
    np.testing.assert_allclose(preprocess.std, np.where(spread > 1e-9, spread, 1), rtol=1e-9)


def test_statistics_over_many_chunks_and_of_nearly_constant_images():
    images = torch.full((5000, 3, 8, 8), 200, dtype=torch.uint8)
    images[0, 0, 0, 0] = 201
    preprocess = Preprocess(Data(source="x"), part_of(images))
    n = images[:, 0].numel()
    assert preprocess.mean[0] == pytest.approx((200 + 1 / n) / 255, rel=1e-14)
    assert preprocess.std[0] == pytest.approx((1 / n - 1 / n**2) ** 0.5 / 255, rel=1e-12)
    assert preprocess.std[1] == 1.0
    assert torch.isfinite(preprocess(images[:2])).all()


def test_statistics_are_those_of_the_noisy_images(make_dataset):
    dataset = make_dataset([50, 50], size=(8, 8))
    dataset.train_images[:] = 128
    noisy = Data(source="x", noise={"variance": 0.01})
    assert Preprocess(noisy, parts(dataset, noisy, 0)["train"]).std[0] == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_normalisation(layout):
    images = random_images((6, 3, 5, 7)).contiguous(memory_format=layout)
    given_numbers = {"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)}
    for normalize in ("none", "dataset", given_numbers):
        preprocess = Preprocess(Data(source="x", normalize=normalize), part_of(images))
        mean, std = (np.array(values)[:, None, None] for values in (preprocess.mean, preprocess.std))
        result = preprocess(images)
        assert result.dtype == torch.float32
        assert result.stride() == images.stride()
        np.testing.assert_allclose(result.numpy(), (images.numpy() / 255 - mean) / std, atol=2e-6)
    assert preprocess.mean == given_numbers["mean"]


def test_normalised_training_images_have_mean_0_and_deviation_1():
    images = random_images((500, 3, 8, 8))
    result = Preprocess(Data(source="x"), part_of(images))(images).double()
    np.testing.assert_allclose(result.mean((0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(result.std((0, 2, 3), correction=0), 1, atol=1e-6)


@pytest.mark.parametrize("scale", [1, 2, 3, 5, 7, 41, 49])
@pytest.mark.parametrize("size", [(1, 1), (4, 4), (5, 9), (32, 32)])
def test_nearest_by_a_whole_factor_is_repetition(scale, size):
    images = random_images((2, 3, *size))
    plain = Preprocess(Data(source="x"), part_of(images))
    scaled = Preprocess(Data(source="x", resize={"scale": scale}), part_of(images))
    assert scaled.out_shape == (3, size[0] * scale, size[1] * scale)
    expected = np.repeat(np.repeat(plain(images).numpy(), scale, axis=2), scale, axis=3)
    np.testing.assert_array_equal(scaled(images).numpy(), expected)
    if size[0] == size[1]:
        sized = Preprocess(Data(source="x", resize={"size": size[0] * scale}), part_of(images))
        np.testing.assert_array_equal(sized(images).numpy(), expected)


@pytest.mark.parametrize(("size", "target"), [((8, 8), 32), ((32, 32), 8), ((9, 5), 7), ((6, 6), 6)])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_resize_as_pillow_does(size, target, mode):
    from PIL import Image

    images = random_images((2, 3, *size))
    data = Data(source="x", resize={"size": target, "mode": mode}, normalize="none")
    preprocess = Preprocess(data, part_of(images))
    result = preprocess(images)
    assert preprocess.out_shape == (3, target, target) == tuple(result.shape[1:])
    method = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR}[mode]
    for image, resized in zip(images, result, strict=True):
        for channel, plane in zip(image, resized, strict=True):
            expected = Image.fromarray(channel.numpy().astype(np.float32)).resize((target, target), method)
            np.testing.assert_allclose(plane.numpy() * 255, np.asarray(expected), atol=1e-2)


def test_augmentation_needs_a_generator_and_follows_the_listed_order():
    images = random_images((16, 3, 8, 8))
    data = Data(source="x", augment=[{"name": "crop", "padding": 2}, {"name": "flip"}], normalize="none")
    preprocess = Preprocess(data, part_of(images))
    np.testing.assert_allclose(preprocess(images).numpy() * 255, images.numpy(), atol=1e-3)

    def seeded():
        return torch.Generator().manual_seed(4)

    first = preprocess(images, seeded())
    assert torch.equal(first, preprocess(images, seeded()))
    generator = seeded()
    from bench.data.augment import crop, flip

    expected = flip(crop(images, data.augment[0], generator), data.augment[1], generator)
    np.testing.assert_allclose(first.numpy() * 255, expected.numpy(), atol=1e-3)


@pytest.mark.gpu
def test_the_same_on_the_device(make_dataset):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    dataset = make_dataset([40, 40], size=(8, 8))
    data = Data(
        source="x",
        noise={"variance": 0.04},
        augment=[{"name": "crop", "padding": 2}, {"name": "flip"}],
        resize={"scale": 2},
    )
    results = []
    for device in ("cpu", "cuda"):
        train = parts(dataset, data, 3, device)["train"]
        assert train.images.device.type == train.labels.device.type == device
        preprocess = Preprocess(data, train)
        results.append(preprocess(train.images, torch.Generator().manual_seed(1)).cpu())
    torch.testing.assert_close(*results, rtol=0, atol=1e-6)
