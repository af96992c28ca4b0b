"""Each augmentation against a reference that handles one image at a time, with the same drawn parameters.

For colours and rotation the reference is torchvision, and colorsys and Pillow, which share no code with it.
"""

import colorsys
import math

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tv

from bench.config import AddNoise, Border, ColorJitter, Contrast, Crop, Data, Flip, Grayscale, Rotation, Shift
from bench.config.augment import AUGMENTATIONS as CONFIGURATIONS
from bench.data.augment import (
    AUGMENTATIONS,
    Generators,
    border,
    color_jitter,
    contrast,
    crop,
    flip,
    grayscale,
    noise,
    rotation,
    shift,
)

SIZES = [(1, 1, 1), (7, 5, 9), (16, 32, 32)]
DTYPES = [torch.uint8, torch.float32, torch.float64, torch.bfloat16]
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


def test_every_place_of_the_window_is_drawn_equally():
    image = torch.arange(25, dtype=torch.uint8).reshape(1, 1, 5, 5).expand(9000, 3, -1, -1)
    centres = crop(image, Crop(name="crop", padding=1), seeded())[:, 0, 2, 2]
    values, counts = centres.unique(return_counts=True)
    assert values.tolist() == [6, 7, 8, 11, 12, 13, 16, 17, 18]
    assert (abs(counts - 1000) < 5 * math.sqrt(1000)).all()


# ------------------------------------------------------------ moved and covered pixels


@cases
@pytest.mark.parametrize(("fraction", "p"), [(0.2, 1.0), (0.6, 0.5)])
def test_shift(size, dtype, layout, fraction, p):
    images = make(size, dtype, layout)
    before = images.clone()
    generator = seeded()
    batch, *sides = size
    which = torch.rand(batch, generator=generator) < p
    furthest = [math.floor(fraction * side) for side in sides]
    moves = [torch.randint(2 * most + 1, (batch,), generator=generator) - most for most in furthest]
    expected = [
        torch.roll(image, (int(down), int(right)), (1, 2)) if one else image
        for image, one, down, right in zip(images, which, *moves, strict=True)
    ]
    check(shift(images, Shift(name="shift", fraction=fraction, p=p), seeded()), expected, images, before)


def test_every_shift_up_to_the_furthest_is_drawn_equally():
    image = torch.arange(100, dtype=torch.uint8).reshape(1, 1, 10, 10).expand(9000, 3, -1, -1)
    moved = shift(image, Shift(name="shift", fraction=0.1), seeded())[:, 0, 5, 5]
    values, counts = moved.unique(return_counts=True)
    assert values.tolist() == [44, 45, 46, 54, 55, 56, 64, 65, 66]
    assert (abs(counts - 1000) < 5 * math.sqrt(1000)).all()


@cases
@pytest.mark.parametrize(("fraction", "p"), [(0.2, 1.0), (0.4, 0.5)])
def test_border(size, dtype, layout, fraction, p):
    images = make(size, dtype, layout)
    before = images.clone()
    generator = seeded()
    batch, height, width = size
    which = torch.rand(batch, generator=generator) < p
    rows, columns = (torch.randint(math.floor(fraction * side) + 1, (batch,), generator=generator) for side in (height, width))
    expected = []
    for image, one, high, wide in zip(images, which, rows.tolist(), columns.tolist(), strict=True):
        covered = torch.zeros_like(image)
        covered[:, high : height - high, wide : width - wide] = image[:, high : height - high, wide : width - wide]
        expected.append(covered if one else image)
    check(border(images, Border(name="border", fraction=fraction, p=p), seeded()), expected, images, before)


def test_borders_of_every_width_up_to_the_widest_are_drawn_equally():
    image = torch.ones(8000, 3, 10, 10, dtype=torch.uint8)
    left = border(image, Border(name="border", fraction=0.3), seeded())[:, 0, :, 3:-3].sum((1, 2)) // 4
    values, counts = left.unique(return_counts=True)
    assert values.tolist() == [4, 6, 8, 10]
    assert (abs(counts - 2000) < 5 * math.sqrt(1500)).all()


def near(result, expected, images, before, tolerance):
    """Compare with a reference in floating point: bytes are its rounding, up to the tolerance (of pixel values in [0, 1])."""
    assert result.dtype == images.dtype
    assert torch.equal(images, before), "the input was changed"
    if images.shape[2] * images.shape[3] > 1:
        assert result.stride() == images.stride()
    expected = torch.stack(expected).double()
    if images.dtype == torch.uint8:
        assert (result.double() - 255 * expected).abs().max() <= 0.5 + 255 * tolerance
    else:
        step = torch.finfo(images.dtype).eps if images.dtype.itemsize == 2 else 0
        assert (result.double() - expected).abs().max() <= tolerance + step


def exact(images):
    """The images as a reference takes them: float64, from 0 to 1."""
    return images.double() / 255 if images.dtype == torch.uint8 else images.double()


@cases
@pytest.mark.parametrize(("degrees", "p"), [(15.0, 1.0), (180.0, 0.5)])
def test_rotation(size, dtype, layout, degrees, p):
    images = make(size, dtype, layout)
    before = images.clone()
    generator = seeded()
    which, angle = torch.rand(size[0], generator=generator) < p, torch.rand(size[0], generator=generator)
    expected = [
        tv.rotate(image, float(degrees * (2 * drawn - 1)), InterpolationMode.BILINEAR) if one else image
        for image, one, drawn in zip(exact(images), which, angle, strict=True)
    ]
    # The place of a pixel is reckoned in single precision, 1e-5 of a pixel; a pixel at the edge is black just beyond it.
    near(rotation(images, Rotation(name="rotation", degrees=degrees, p=p), seeded()), expected, images, before, 2e-4)


# ------------------------------------------------------------ colours

# torchvision rounds the weights of red, green and blue to 4 digits, and they sum to 0.9999.
GREY = 1e-4


@cases
@pytest.mark.parametrize(("increase", "p"), [(2.0, 1.0), (0.5, 0.5)])
def test_contrast(size, dtype, layout, increase, p):
    images = make(size, dtype, layout)
    before = images.clone()
    generator = seeded()
    which, drawn = torch.rand(size[0], generator=generator) < p, torch.rand(size[0], generator=generator)
    expected = [
        tv.adjust_contrast(image, float(1 + increase * d)) if one else image
        for image, one, d in zip(exact(images), which, drawn, strict=True)
    ]
    options = Contrast(name="contrast", increase=increase, p=p)
    near(contrast(images, options, seeded()), expected, images, before, increase * GREY + 1e-6)


def jittered(image, options, brightness, contrast, saturation, hue):
    """The reference for `color_jitter`; the four numbers are drawn from [0, 1)."""
    image = tv.adjust_brightness(image, 1 + options.brightness * (2 * float(brightness) - 1))
    image = tv.adjust_contrast(image, 1 + options.contrast * (2 * float(contrast) - 1))
    image = tv.adjust_saturation(image, 1 + options.saturation * (2 * float(saturation) - 1))
    return tv.adjust_hue(image, options.hue * (2 * float(hue) - 1))


JITTERS = [
    {},
    {"brightness": 1.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0},
    {"brightness": 0.0, "contrast": 1.0, "saturation": 0.0, "hue": 0.0},
    {"brightness": 0.0, "contrast": 0.0, "saturation": 1.0, "hue": 0.0},
    {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.5},
    {"p": 0.5},
]


@cases
@pytest.mark.parametrize("settings", JITTERS)
def test_color_jitter(size, dtype, layout, settings):
    images = make(size, dtype, layout)
    images[0] = images[0, :1].clone()  # grey has no hue
    before = images.clone()
    options = ColorJitter(name="color_jitter", **settings)
    generator = seeded()
    which, *drawn = (torch.rand(size[0], generator=generator) for _ in range(5))
    expected = [
        jittered(image, options, *four) if one < options.p else image
        for image, one, *four in zip(exact(images), which, *drawn, strict=True)
    ]
    # A hue turned by little less or more than to a primary colour differs little; a wrong order or formula by 0.1 and more.
    near(color_jitter(images, options, seeded()), expected, images, before, 2 * GREY + 1e-5)


def test_hue_as_colorsys_turns_it():
    images = make((40, 6, 6), torch.uint8, torch.contiguous_format)
    images[:8] = images[:8, :1]
    images[8:16] = images[8:16] // 128 * 255  # corners of the colour cube, where two channels are equal
    options = ColorJitter(name="color_jitter", brightness=0, contrast=0, saturation=0, hue=0.5)
    generator = seeded()
    drawn = [torch.rand(40, generator=generator) for _ in range(5)][-1].double() - 0.5
    result = color_jitter(images, options, seeded())
    for image, turned, turn in zip(images, result, drawn.tolist(), strict=True):
        for pixel, got in zip(image.flatten(1).T.tolist(), turned.flatten(1).T.tolist(), strict=True):
            hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in pixel))
            expected = [255 * channel for channel in colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)]
            assert got == pytest.approx(expected, abs=0.51)


@cases
@pytest.mark.parametrize("p", [1.0, 0.5])
def test_grayscale(size, dtype, layout, p):
    images = make(size, dtype, layout)
    before = images.clone()
    which = torch.rand(size[0], generator=seeded()) < p
    expected = [tv.rgb_to_grayscale(image, 3) if one else image for image, one in zip(exact(images), which, strict=True)]
    near(grayscale(images, Grayscale(name="grayscale", p=p), seeded()), expected, images, before, GREY + 1e-6)


def test_grayscale_as_pillow_has_it():
    images = make((9, 32, 32), torch.uint8, torch.contiguous_format)
    images[0], images[1] = 255, 0
    grey = grayscale(images, Grayscale(name="grayscale", p=1.0), seeded())
    for image, result in zip(images, grey, strict=True):
        pillow = np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L")).astype(int)
        for channel in result:
            assert abs(channel.numpy() - pillow).max() <= 1
    assert (grey[0] == 255).all(), "white stays white"


# ------------------------------------------------------------ what holds of every one

NEEDS = {"noise": {"variance": 0.1}, "rotation": {"degrees": 90}}
EVERY = [part.model_fields["name"].annotation.__args__[0] for part in CONFIGURATIONS]
WITH_P = [name for name in EVERY if name != "crop"]


def configured(name, **settings):
    (options,) = Data(source="x", augment=[{"name": name, **NEEDS.get(name, {}), **settings}]).augment
    return options


def run(name, images, seed=3, **settings):
    """Augment; return images, and the shares of those that were mixed."""
    result = AUGMENTATIONS[name](images, configured(name, **settings), seeded(seed))
    return (result[0], result[2]) if isinstance(result, tuple) else (result, None)


def test_every_augmentation_of_the_configuration_is_there_and_described():
    described = AUGMENTATIONS.describe()
    assert set(described) == set(EVERY)
    assert all(len(text) > 20 for text in described.values())


@pytest.mark.parametrize("name", EVERY)
def test_each_image_draws_its_own_parameters(name):
    """Equal images of a batch come out different."""
    one, other = make((2, 12, 12), torch.uint8, torch.contiguous_format)
    images = torch.stack([one] * 32 + [other] * 32)
    result, _ = run(name, images, p=0.5) if name in WITH_P else run(name, images)
    assert len(torch.unique(result[:32], dim=0)) > 1
    again, _ = run(name, images, p=0.5) if name in WITH_P else run(name, images)
    assert torch.equal(result, again), "the generator's state decides"
    different, _ = run(name, images, seed=4, p=0.5) if name in WITH_P else run(name, images, seed=4)
    assert not torch.equal(result, different)


@pytest.mark.parametrize("name", EVERY)
def test_an_image_does_not_depend_on_its_neighbours(name):
    """Only where pixels of a neighbour are pasted in may it be seen, and which ones does not depend on what they show."""
    images = make((16, 12, 12), torch.uint8, torch.contiguous_format)
    others = images.clone()
    others[1:] = 255 - images[1:]
    (result, share), (beside, share_beside) = run(name, images), run(name, others)
    if share is None:
        assert torch.equal(result[0], beside[0])
    else:
        assert torch.equal(share, share_beside)
        own = [(made == given).all(1).flatten(1) for made, given in ((result[0:1], images[0:1]), (beside[0:1], others[0:1]))]
        assert torch.equal(*own)


@pytest.mark.parametrize("name", WITH_P)
def test_probability_is_that_of_an_image(name):
    images = make((2000, 10, 10), torch.uint8, torch.contiguous_format)
    for p in (0.0, 0.3, 1.0):
        result, _ = run(name, images, p=p)
        changed = (result != images).flatten(1).any(1).double().mean()
        # Some draws leave an image as it is: the widths or shifts of 0, the smallest boxes.
        assert p * 0.85 - 0.04 <= changed <= p + 0.04 * (0 < p < 1)


@pytest.mark.parametrize("name", EVERY)
def test_parameters_do_not_shift_the_stream(name):
    images = make((8, 6, 6), torch.uint8, torch.contiguous_format)
    other = {
        "crop": {"padding": 1},
        "noise": {"variance": 0.2},
        "shift": {"fraction": 0.4},
        "border": {"fraction": 0.4},
        "contrast": {"increase": 0.3},
        "color_jitter": {"hue": 0.0, "brightness": 0.0},
        "rotation": {"degrees": 3},
        "cutmix": {"alpha": 0.3},
    }.get(name, {})
    settings = [{}, other] + [{"p": p} for p in (0.1, 0.9) if name in WITH_P]
    states = []
    for one in settings:
        generator = seeded()
        AUGMENTATIONS[name](images, configured(name, **one), generator)
        states.append(generator.get_state())
    assert all(torch.equal(state, states[0]) for state in states)


@pytest.mark.gpu
@pytest.mark.parametrize("name", EVERY)
def test_on_the_device_as_on_the_cpu(name):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    images = make((64, 32, 32), torch.uint8, torch.channels_last)
    result, share = run(name, images)
    on_device, share_on_device = run(name, images.cuda())
    assert on_device.device.type == "cuda"
    assert (result.int() - on_device.cpu().int()).abs().max() <= 1
    if share is not None:
        torch.testing.assert_close(share_on_device.cpu(), share)


@pytest.mark.gpu
@pytest.mark.parametrize("name", EVERY)
def test_nothing_waits_for_the_device(name):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    images, generator = make((64, 32, 32), torch.uint8, torch.channels_last).cuda(), torch.Generator("cuda")
    AUGMENTATIONS[name](images, configured(name), generator)
    torch.cuda.set_sync_debug_mode("error")
    try:
        AUGMENTATIONS[name](images, configured(name), generator)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_images_of_several_trials_by_turns_come_out_as_they_would_alone(name):
    settings = {"noise": {"variance": 0.04}}.get(name, {})
    step, options = AUGMENTATIONS[name], configured(name, **settings)
    batch = torch.randint(0, 256, (6, 3, 3, 8, 10), generator=seeded(9), dtype=torch.uint8)  # three trials
    together = step(batch.flatten(0, 1), options, Generators([seeded(seed) for seed in range(3)]))
    for member in range(3):
        alone = step(batch[:, member].contiguous(), options, seeded(member))
        if isinstance(alone, tuple):
            (alone, partner, share), (mixed, partners, shares) = alone, together
            assert torch.equal(partners[member::3], partner * 3 + member) and torch.equal(shares[member::3], share)
        else:
            mixed = together
        assert torch.equal(mixed[member::3], alone)
