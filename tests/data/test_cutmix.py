"""CutMix against boxes pasted by hand, and against the distribution that it draws from."""

import numpy as np
import pytest
import torch
from scipy import stats

from bench.config import CutMix
from bench.data.augment import cutmix
from bench.data.augment.mixing import _beta


def seeded(seed=3):
    return torch.Generator().manual_seed(seed)


def options(alpha=1.0, p=1.0):
    return CutMix(name="cutmix", alpha=alpha, p=p)


def numbered(batch, height, width, dtype=torch.uint8):
    """Each image is one colour, its number: what comes from where can be seen."""
    numbers = torch.arange(batch).to(dtype)
    if dtype.is_floating_point:
        numbers = numbers / batch
    return numbers[:, None, None, None].expand(-1, 3, height, width).contiguous()


def by_hand(images, alpha, p, generator):
    """Paste image by image, with the numbers that `cutmix` draws: who, how much, where, with whom."""
    batch, _, height, width = images.shape
    who, much, down, right = (torch.rand(batch, generator=generator).double().numpy() for _ in range(4))
    cycle = np.argsort(torch.rand(batch, generator=generator).numpy())
    partner = np.empty(batch, int)
    for place, image in enumerate(cycle):
        partner[image] = cycle[place - 1]
    result, shares = images.clone(), []
    for image in range(batch):
        cut = np.sqrt(1 - stats.beta.ppf(much[image], alpha, alpha))
        high, wide = int(height * cut), int(width * cut)
        top, left = int(height * down[image]) - high // 2, int(width * right[image]) - wide // 2
        pasted = 0
        if who[image] < p:
            for y in range(max(top, 0), min(top + high, height)):
                for x in range(max(left, 0), min(left + wide, width)):
                    result[image, :, y, x] = images[partner[image], :, y, x]
                    pasted += 1
        shares.append(1 - pasted / (height * width))
    return result, partner, shares


@pytest.mark.parametrize("size", [(1, 4, 4), (2, 8, 8), (12, 16, 16), (8, 7, 13)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.5, 1.0])
def test_boxes_pasted_by_hand(size, layout, dtype, p):
    random = torch.randint(0, 256, (size[0], 3, *size[1:]), generator=seeded(1), dtype=torch.uint8)
    images = (random if dtype == torch.uint8 else (random / 255).to(dtype)).contiguous(memory_format=layout)
    before = images.clone()
    expected, partner, shares = by_hand(images, 1.0, p, seeded())
    result, partners, share = cutmix(images, options(p=p), seeded())
    assert torch.equal(result, expected)
    assert (result.dtype, result.stride()) == (images.dtype, images.stride())
    assert torch.equal(images, before), "the input was changed"
    assert (partners.dtype, share.dtype) == (torch.int64, torch.float32)
    assert partners.tolist() == partner.tolist()
    np.testing.assert_allclose(share, shares, atol=1e-7)


@pytest.mark.parametrize("size", [(32, 32), (8, 16), (13, 7)])
@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_the_share_is_exactly_what_is_left_of_the_image(size, alpha):
    images = numbered(200, *size)
    result, partner, share = cutmix(images, options(alpha), seeded())
    own = (result[:, 0] == torch.arange(200)[:, None, None]).sum((1, 2))
    others = (result[:, 0] == partner[:, None, None]).sum((1, 2))
    assert (own + others == size[0] * size[1]).all()
    assert torch.equal(share, 1 - others / (size[0] * size[1]))
    assert ((share * size[0] * size[1]).round() == own).all()


def test_what_is_pasted_is_a_box():
    result, partner, _ = cutmix(numbered(200, 16, 24), options(), seeded())
    for image, number in zip(result[:, 0], partner, strict=True):
        pasted = image == number
        rows, columns = pasted.any(1), pasted.any(0)
        assert torch.equal(pasted, rows[:, None] & columns)
        assert all((side.diff() != 0).sum() <= 2 for side in (rows.int(), columns.int()))


@pytest.mark.parametrize("batch", [2, 3, 64])
def test_partners_are_a_cycle(batch):
    """So each image is pasted from another one, and each lends once."""
    _, partner, _ = cutmix(numbered(batch, 4, 4), options(), seeded())
    place, seen = 0, []
    for _ in range(batch):
        seen.append(place)
        place = int(partner[place])
    assert sorted(seen) == list(range(batch))
    assert place == 0


def test_a_single_image_is_its_own_partner():
    images = numbered(1, 4, 4) + 7
    result, partner, _ = cutmix(images, options(), seeded())
    assert torch.equal(result, images)
    assert partner.tolist() == [0]


def test_images_that_are_not_chosen_stay_whole():
    images = numbered(400, 8, 8, torch.float32)
    result, _, share = cutmix(images, options(p=0.25), seeded())
    whole = (result == images).flatten(1).all(1)
    assert (share[whole] == 1).all()
    assert (share[~whole] < 1).all()
    assert 0.15 < float((~whole).double().mean()) <= 0.3


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 2.0, 20.0])
def test_shares_are_drawn_from_beta(alpha):
    drawn = _beta(alpha, torch.zeros(20_000, 1), seeded()).flatten().double().numpy()
    assert ((drawn >= 0) & (drawn <= 1)).all()
    uniform = torch.rand(20_000, generator=seeded()).double().numpy()
    inside = (uniform > 1 / 4096) & (uniform < 1 - 1 / 4096)
    exact = stats.beta.ppf(uniform, alpha, alpha)
    np.testing.assert_allclose(drawn[inside], exact[inside], atol=1e-3)
    assert (np.diff(drawn[np.argsort(uniform)]) >= 0).all()
    if alpha >= 0.5:  # with less, a tenth is closer to 1 than single precision can tell
        assert stats.kstest(drawn, stats.beta(alpha, alpha).cdf).pvalue > 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_the_box_is_the_papers_where_its_sides_are_even(seed):
    """Yun et al. 2019, their function rand_bbox, of which odd sides lose a pixel."""

    def box(height, width, share, y, x):
        high, wide = int(height * np.sqrt(1 - share)), int(width * np.sqrt(1 - share))
        rows = np.clip([y - high // 2, y + high // 2], 0, height)
        columns = np.clip([x - wide // 2, x + wide // 2], 0, width)
        return high % 2 == 0 and wide % 2 == 0, rows, columns

    generator = seeded(seed)
    much, down, right = [torch.rand(100, generator=generator).double().numpy() for _ in range(4)][1:]
    result, partner, _ = cutmix(numbered(100, 32, 32), options(), seeded(seed))
    compared = 0
    for number in range(100):
        even, rows, columns = box(32, 32, much[number], int(32 * down[number]), int(32 * right[number]))
        if even:
            expected = torch.full((32, 32), number, dtype=torch.uint8)
            expected[slice(*rows), slice(*columns)] = int(partner[number])
            assert torch.equal(result[number, 0], expected)
            compared += 1
    assert compared > 30
