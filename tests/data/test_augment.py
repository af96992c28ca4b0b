"""Each augmentation against a slow reference that handles one image at a time, with the same drawn parameters."""

import math

import numpy as np
import pytest
import torch

from bench.config import AddNoise, Crop, Data, Flip
from bench.data.augment import AUGMENTATIONS, crop, flip, noise

SIZES = [(1, 1, 1), (5, 8, 8), (7, 5, 9), (16, 32, 32), (3, 33, 17)]
DTYPES = [torch.uint8, torch.float32, torch.float64, torch.float16, torch.bfloat16]
LAYOUTS = [torch.contiguous_format, torch.channels_last]
every_case = [
    pytest.mark.parametrize("size", SIZES),
    pytest.mark.parametrize("dtype", DTYPES),
    pytest.mark.parametrize("layout", LAYOUTS),
]


def cases(test):
    for mark in every_case:
        test = mark(test)
    return test


def make(size, dtype, layout):
    batch, height, width = size
    bytes_ = torch.randint(0, 256, (batch, 3, height, width), generator=seeded(9), dtype=torch.uint8)
    images = bytes_ if dtype == torch.uint8 else (bytes_ / 255).to(dtype)
    return images.contiguous(memory_format=layout)


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def check(result, expected, images, before):
    assert result.dtype == images.dtype
    assert torch.equal(result, torch.stack(expected))
    assert torch.equal(images, before), "the input was changed"
    if images.shape[2] * images.shape[3] > 1:
        assert result.stride() == images.stride()


@cases
@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_flip(size, dtype, layout, p):
    images = make(size, dtype, layout)
    before = images.clone()
    drawn = torch.rand(size[0], generator=seeded())
    expected = []
    for image, d in zip(images, drawn, strict=True):
        expected.append(torch.from_numpy(np.flip(to_numpy(image), -1).copy()).to(dtype) if d < p else image)
    check(flip(images, Flip(name="flip", p=p), seeded()), expected, images, before)


def to_numpy(image):
    return image.numpy() if image.dtype != torch.bfloat16 else image.float().numpy()


@cases
@pytest.mark.parametrize("padding", [1, 4])
def test_crop(size, dtype, layout, padding):
    images = make(size, dtype, layout)
    before = images.clone()
    batch, height, width = size
    tops, lefts = torch.randint(2 * padding + 1, (2, batch), generator=seeded()).tolist()
    expected = []
    for image, top, left in zip(images, tops, lefts, strict=True):
        padded = np.pad(to_numpy(image), ((0, 0), (padding, padding), (padding, padding)))
        expected.append(torch.from_numpy(padded[:, top : top + height, left : left + width]).to(dtype))
    check(crop(images, Crop(name="crop", padding=padding), seeded()), expected, images, before)


@cases
@pytest.mark.parametrize("p", [0.3, 1.0])
def test_noise(size, dtype, layout, p):
    images = make(size, dtype, layout)
    before = images.clone()
    generator = seeded()
    drawn = torch.rand(size[0], generator=generator)
    z = torch.randn(images.shape, generator=generator) * math.sqrt(0.04)
    expected = []
    for image, mask, d in zip(images, z, drawn, strict=True):
        if dtype == torch.uint8:
            noisy = np.clip(np.rint(mask.numpy() * np.float32(255) + image.numpy()), 0, 255)
        else:
            noisy = np.clip(image.to(torch.promote_types(dtype, torch.float32)).numpy() + mask.numpy(), 0, 1)
        expected.append(torch.from_numpy(noisy).to(dtype) if d < p else image)
    check(noise(images, AddNoise(name="noise", variance=0.04, p=p), seeded()), expected, images, before)


@pytest.mark.parametrize(("name", "options"), [("flip", {}), ("crop", {"padding": 2}), ("noise", {"variance": 0.1})])
def test_each_image_draws_its_own_parameters(name, options):
    (config,) = Data(source="x", augment=[{"name": name, **options}]).augment
    one = torch.randint(0, 256, (1, 3, 12, 12), generator=seeded(), dtype=torch.uint8)
    results = AUGMENTATIONS[name](one.expand(64, -1, -1, -1), config, seeded())
    assert len(torch.unique(results, dim=0)) > 1


def test_every_place_of_the_window_is_drawn_equally():
    image = torch.arange(25, dtype=torch.uint8).reshape(1, 1, 5, 5).expand(9000, 3, -1, -1)
    centres = crop(image, Crop(name="crop", padding=1), seeded())[:, 0, 2, 2]
    values, counts = centres.unique(return_counts=True)
    assert values.tolist() == [6, 7, 8, 11, 12, 13, 16, 17, 18]
    assert (abs(counts - 1000) < 5 * math.sqrt(1000)).all()


@pytest.mark.parametrize("name", ["flip", "noise"])
def test_probability_does_not_shift_the_stream(name):
    images = make((8, 6, 6), torch.uint8, torch.contiguous_format)
    states = []
    for p in (0.1, 0.9):
        options = Flip(name=name, p=p) if name == "flip" else AddNoise(name=name, p=p, variance=0.1)
        generator = seeded()
        AUGMENTATIONS[name](images, options, generator)
        states.append(generator.get_state())
    assert torch.equal(*states)


def test_every_augmentation_of_the_configuration_is_there_and_described():
    described = AUGMENTATIONS.describe()
    assert set(described) == {"flip", "crop", "noise"}
    assert all(described.values())
