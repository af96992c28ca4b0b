"""From bytes to network input."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.config import Data
from bench.data import ImageSet, Preprocess, parts
from bench.data.augment import Augmenter, Generators, crop, cutmix, flip
from bench.errors import BenchError


def part_of(images):
    images = torch.as_tensor(images)
    return ImageSet(images, torch.zeros(len(images), dtype=torch.int64), np.arange(len(images)))


def random_images(shape, seed=0):
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**30))
def test_statistics_are_exact(count, height, width, seed):
    images = random_images((count, 3, height, width), seed)
    preprocess = Preprocess(Data(source="x"), part_of(images), 2)
    pixels = images.numpy().transpose(1, 0, 2, 3).reshape(3, -1) / 255
    np.testing.assert_allclose(preprocess.mean, pixels.mean(1), rtol=1e-12)
    spread = pixels.std(1)
    np.testing.assert_allclose(preprocess.std, np.where(spread > 1e-9, spread, 1), rtol=1e-9)


def test_statistics_over_many_chunks_and_of_nearly_constant_images():
    images = torch.full((5000, 3, 8, 8), 200, dtype=torch.uint8)
    images[0, 0, 0, 0] = 201
    preprocess = Preprocess(Data(source="x"), part_of(images), 2)
    n = images[:, 0].numel()
    assert preprocess.mean[0] == pytest.approx((200 + 1 / n) / 255, rel=1e-14)
    assert preprocess.std[0] == pytest.approx((1 / n - 1 / n**2) ** 0.5 / 255, rel=1e-12)
    assert preprocess.std[1] == 1.0
    assert torch.isfinite(preprocess(images[:2])).all()


def test_statistics_are_those_of_the_noisy_images(make_dataset):
    dataset = make_dataset([50, 50], size=(8, 8))
    dataset.train_images[:] = 128
    noisy = Data(source="x", noise={"variance": 0.01})
    assert Preprocess(noisy, parts(dataset, noisy, 0)["train"], 2).std[0] == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_normalisation(layout):
    images = random_images((6, 3, 5, 7)).contiguous(memory_format=layout)
    given_numbers = {"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7)}
    for normalize in ("none", "dataset", given_numbers):
        preprocess = Preprocess(Data(source="x", normalize=normalize), part_of(images), 2)
        mean, std = (np.array(values)[:, None, None] for values in (preprocess.mean, preprocess.std))
        result = preprocess(images)
        assert result.dtype == torch.float32
        assert result.stride() == images.stride()
        np.testing.assert_allclose(result.numpy(), (images.numpy() / 255 - mean) / std, atol=2e-6)
    assert preprocess.mean == given_numbers["mean"]


def test_normalised_training_images_have_mean_0_and_deviation_1():
    images = random_images((500, 3, 8, 8))
    result = Preprocess(Data(source="x"), part_of(images), 2)(images).double()
    np.testing.assert_allclose(result.mean((0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(result.std((0, 2, 3), correction=0), 1, atol=1e-6)


@pytest.mark.parametrize("scale", [1, 2, 3, 5, 7, 41, 49])
@pytest.mark.parametrize("size", [(1, 1), (4, 4), (5, 9), (32, 32)])
def test_nearest_by_a_whole_factor_is_repetition(scale, size):
    images = random_images((2, 3, *size))
    plain = Preprocess(Data(source="x"), part_of(images), 2)
    scaled = Preprocess(Data(source="x", resize={"scale": scale}), part_of(images), 2)
    assert scaled.out_shape == (3, size[0] * scale, size[1] * scale)
    expected = np.repeat(np.repeat(plain(images).numpy(), scale, axis=2), scale, axis=3)
    np.testing.assert_array_equal(scaled(images).numpy(), expected)
    if size[0] == size[1]:
        sized = Preprocess(Data(source="x", resize={"size": size[0] * scale}), part_of(images), 2)
        np.testing.assert_array_equal(sized(images).numpy(), expected)


@pytest.mark.parametrize(("size", "target"), [((8, 8), 32), ((32, 32), 8), ((9, 5), 7), ((6, 6), 6)])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_resize_as_pillow_does(size, target, mode):
    from PIL import Image

    images = random_images((2, 3, *size))
    data = Data(source="x", resize={"size": target, "mode": mode}, normalize="none")
    preprocess = Preprocess(data, part_of(images), 2)
    result = preprocess(images)
    assert preprocess.out_shape == (3, target, target) == tuple(result.shape[1:])
    method = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR}[mode]
    for image, resized in zip(images, result, strict=True):
        for channel, plane in zip(image, resized, strict=True):
            expected = Image.fromarray(channel.numpy().astype(np.float32)).resize((target, target), method)
            np.testing.assert_allclose(plane.numpy() * 255, np.asarray(expected), atol=1e-2)


def seeded(seed=4):
    return torch.Generator().manual_seed(seed)


def test_training_augments_in_the_listed_order_and_evaluation_does_not():
    images, labels = random_images((16, 3, 8, 8)), torch.arange(16) % 2
    data = Data(source="x", augment=[{"name": "crop", "padding": 2}, {"name": "flip"}], normalize="none")
    preprocess = Preprocess(data, part_of(images), 2)
    assert not preprocess.mixes
    np.testing.assert_allclose(preprocess(images).numpy() * 255, images.numpy(), atol=1e-3)
    first, targets = preprocess.train(images, labels, seeded())
    assert targets is labels
    assert torch.equal(first, preprocess.train(images, labels, seeded())[0])
    generator = seeded()
    expected = flip(crop(images, data.augment[0], generator), data.augment[1], generator)
    np.testing.assert_allclose(first.numpy() * 255, expected.numpy(), atol=1e-3)


@pytest.mark.parametrize("soft", [False, True])
def test_mixed_images_have_mixed_targets(soft):
    images, labels = random_images((32, 3, 8, 8)), torch.arange(32) % 5
    given = torch.nn.functional.one_hot(labels, 5).float()
    if soft:
        given = given * 0.8 + 0.04
    data = Data(source="x", augment=[{"name": "flip"}, {"name": "cutmix", "p": 0.7}], normalize="none")
    preprocess = Preprocess(data, part_of(images), 5)
    assert preprocess.mixes
    pixels, targets = preprocess.train(images, given if soft else labels, seeded())
    generator = seeded()
    mixed, partner, share = cutmix(flip(images, data.augment[0], generator), data.augment[1], generator)
    np.testing.assert_allclose(pixels.numpy() * 255, mixed.numpy(), atol=1e-3)
    expected = share[:, None] * given + (1 - share[:, None]) * given[partner]
    assert targets.dtype == torch.float32
    torch.testing.assert_close(targets, expected)
    torch.testing.assert_close(targets.sum(1), torch.ones(32))


def test_soft_targets_stay_soft_where_nothing_mixes():
    images, targets = random_images((4, 3, 8, 8)), torch.rand(4, 3, generator=seeded())
    preprocess = Preprocess(Data(source="x", augment=[{"name": "flip"}]), part_of(images), 3)
    assert preprocess.train(images, targets, seeded())[1] is targets


# ------------------------------------------------------------ augmentations of the user's own


@pytest.fixture
def own(monkeypatch):
    """Make a function an augmentation of the user's own; return its name."""

    def register(function):
        module = ModuleType("own_augmentation_under_test")
        module.augmentation = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return f"{module.__name__}:augmentation"

    return register


def darken(images, options, generator):
    return images // options.by


def halves(images, options, generator):
    mixed = images.clone()
    mixed[:, :, :, 4:] = images.flip(0)[:, :, :, 4:]
    return mixed, torch.arange(len(images)).flip(0), torch.full((len(images),), 0.5)


def test_own_augmentation(own):
    images = random_images((6, 3, 8, 8))
    data = Data(source="x", augment=[{"name": own(darken), "args": {"by": 4}}], normalize="none")
    preprocess = Preprocess(data, part_of(images), 2)
    assert not preprocess.mixes
    pixels, _ = preprocess.train(images, torch.zeros(6, dtype=torch.int64), seeded())
    np.testing.assert_allclose(pixels.numpy() * 255, images.numpy() // 4, atol=1e-3)


@pytest.mark.parametrize("mixes", [False, True])
def test_own_augmentation_sees_one_trial_at_a_time(own, mixes):
    def moved(images, options, generator):
        places = torch.randperm(len(images), generator=generator)
        share = torch.full((len(images),), 0.75)
        return (images[places], places, share) if mixes else images[places]

    augmenter = Augmenter(Data(source="x", augment=[{"name": own(moved)}]).augment, random_images((2, 3, 4, 4)), 5)
    images, labels = random_images((6, 2, 3, 4, 4)), torch.arange(12).view(6, 2) % 5  # of two trials
    seeds = [torch.Generator().manual_seed(seed) for seed in range(4)]
    made, targets = augmenter(images.flatten(0, 1), labels.flatten(), Generators(seeds[:2]))
    for member, generator in enumerate([torch.Generator().manual_seed(seed) for seed in range(2)]):
        alone, own_targets = augmenter(images[:, member], labels[:, member], generator)
        assert torch.equal(made[member::2], alone) and torch.equal(targets[member::2], own_targets)


def test_own_augmentation_that_mixes(own):
    images, labels = random_images((6, 3, 8, 8)), torch.arange(6)
    preprocess = Preprocess(Data(source="x", augment=[{"name": own(halves)}]), part_of(images), 6)
    assert preprocess.mixes
    _, targets = preprocess.train(images, labels, seeded())
    assert torch.equal(targets, (torch.eye(6) + torch.eye(6).flip(0)) / 2)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda images: images, "fails: TypeError"),
        (lambda images, options, generator: images // options.by, "fails: AttributeError: .* no attribute 'by'"),
        (lambda images, options, generator: None, "returns a NoneType for uint8"),
        (lambda images, options, generator: images / 255, r"returns float32 \[2, 3, 8, 8\] for uint8 \[2, 3, 8, 8\]"),
        (lambda images, options, generator: images[:, :, 1:], r"returns uint8 \[2, 3, 7, 8\] for uint8"),
        (lambda images, options, generator: (images, images), "returns a tuple for uint8"),
        (lambda images, options, generator: (images, None, None), "returns a partner that is a NoneType"),
        (
            lambda images, options, generator: (images, torch.arange(2), torch.ones(2, 1)),
            r"returns a share that is float32 \[2, 1\]",
        ),
    ],
)
def test_own_augmentation_that_does_not_work(own, function, message):
    name = own(function)
    with pytest.raises(BenchError, match=f"augmentation '{name}' {message}") as caught:
        Preprocess(Data(source="x", augment=[{"name": name}]), part_of(random_images((6, 3, 8, 8))), 2)
    assert caught.value.mend


def test_own_augmentation_that_is_not_there(own):
    module = own(darken).partition(":")[0]
    with pytest.raises(BenchError, match="has no function or class 'brighten'") as caught:
        Preprocess(Data(source="x", augment=[{"name": f"{module}:brighten"}]), part_of(random_images((6, 3, 8, 8))), 2)
    assert caught.value.mend == "known: augmentation"


@pytest.mark.gpu
def test_the_same_on_the_device(make_dataset):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    dataset = make_dataset([40, 40], size=(8, 8))
    data = Data(
        source="x",
        noise={"variance": 0.04},
        augment=[{"name": "crop", "padding": 2}, {"name": "flip"}, {"name": "cutmix"}],
        append={"share": 0.5, "augment": [{"name": "cutmix"}]},
        environments={"by": "random"},
        resize={"scale": 2},
    )
    results, soft = [], []
    for device in ("cpu", "cuda"):
        train = parts(dataset, data, 3, device)["train"]
        assert train.images.device.type == train.labels.device.type == device
        preprocess = Preprocess(data, train, 2)
        pixels, targets = preprocess.train(train.images, train.labels, torch.Generator().manual_seed(1))
        results.append(pixels.cpu())
        soft.append(targets.cpu())
    torch.testing.assert_close(*results, rtol=0, atol=1e-6)
    torch.testing.assert_close(*soft)
