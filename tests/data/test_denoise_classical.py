"""Classical denoisers: against scikit-image called by hand, or by the formula of the paper."""

import warnings

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import restoration

from bench.config import Bilateral, NonLocalMeans, TotalVariation, Wavelet
from bench.data.denoise import DENOISERS, psnr
from bench.data.denoise.base import ROUNDING, noise_level

CLASSICAL = {
    "nl_means": NonLocalMeans(name="nl_means"),
    "tv": TotalVariation(name="tv"),
    "wavelet": Wavelet(name="wavelet"),
    "bilateral": Bilateral(name="bilateral"),
}


@pytest.fixture
def clean():
    """Photographs, 32x32, from 0 to 1."""
    from sklearn.datasets import load_sample_images

    made = []
    for photograph in load_sample_images().images:
        for top, left in ((40, 100), (200, 300)):
            made.append(photograph[top : top + 192, left : left + 192].reshape(32, 6, 32, 6, 3).mean((1, 3)))
    return torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2).float() / 255


@pytest.fixture
def noisy(clean):
    return (clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)


def estimated(image: np.ndarray) -> float:
    return restoration.estimate_sigma(image, channel_axis=-1, average_sigmas=True)


def rows(images: torch.Tensor) -> list[np.ndarray]:
    return list(images.permute(0, 2, 3, 1).numpy())


def test_the_noise_level_is_the_one_that_scikit_image_estimates(clean, noisy):
    for images in (clean, noisy):
        expected = [estimated(image) for image in rows(images)]
        np.testing.assert_allclose(noise_level(images), expected, rtol=1e-4)
    assert noise_level(noisy).numpy() == pytest.approx(0.1, rel=0.25)


def test_an_image_without_noise_has_that_of_its_rounding(clean):
    flat = torch.full_like(clean[:1], 0.5)
    ramp = (torch.arange(32) / 64).expand(1, 3, 32, 32).contiguous()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        levels = noise_level(torch.cat([flat, ramp, clean]))
    rounded = torch.randint(0, 256, (10000,)) / 255 + (torch.rand(10000) - 0.5) / 255
    assert levels[:2].tolist() == pytest.approx([ROUNDING] * 2)
    assert float((rounded - (rounded * 255).round() / 255).std()) == pytest.approx(ROUNDING, rel=0.05)


@pytest.mark.parametrize(
    ("name", "changes", "by_hand"),
    [
        (
            "nl_means",
            {"h": 0.7, "patch_size": 3, "patch_distance": 4},
            lambda image, s: restoration.denoise_nl_means(
                image, patch_size=3, patch_distance=4, h=0.7 * s, sigma=s, channel_axis=-1
            ),
        ),
        ("tv", {"weight": 0.5}, lambda image, s: restoration.denoise_tv_chambolle(image, weight=0.5 * s, channel_axis=-1)),
        (
            "wavelet",
            {"wavelet": "db2", "mode": "hard"},
            lambda image, s: restoration.denoise_wavelet(
                image, s, "db2", "hard", convert2ycbcr=True, rescale_sigma=True, channel_axis=-1
            ),
        ),
    ],
)
def test_the_others_are_scikit_images_with_strengths_by_the_estimated_noise(noisy, name, changes, by_hand):
    options = CLASSICAL[name].model_copy(update=changes)
    ours = DENOISERS[name](noisy, options)
    assert ours.dtype == torch.float32 and ours.shape == noisy.shape
    for image, found in zip(rows(noisy), rows(ours), strict=True):
        np.testing.assert_allclose(found, by_hand(image, estimated(image)), atol=2e-4)


def test_the_bilateral_filter_is_the_papers_sum_over_neighbours(noisy):
    images = noisy[:2, :, :9, :11].contiguous()
    found = DENOISERS["bilateral"](images, Bilateral(name="bilateral", sigma_color=2, sigma_spatial=0.7))
    for image, level, ours in zip(rows(images), noise_level(images).tolist(), rows(found), strict=True):
        for i in range(9):
            for j in range(11):
                total, weights = 0, 0
                for k in range(i - 3, i + 4):
                    for m in range(j - 3, j + 4):
                        other = image[min(max(k, 0), 8), min(max(m, 0), 10)]
                        apart = ((other - image[i, j]) ** 2).sum() / (2 * (2 * level) ** 2)
                        weight = np.exp(-apart - ((k - i) ** 2 + (m - j) ** 2) / (2 * 0.7**2))
                        total, weights = total + weight * other, weights + weight
                np.testing.assert_allclose(ours[i, j], total / weights, rtol=1e-4)


def test_a_bilateral_filter_that_does_not_mind_colour_is_a_gaussian_one(noisy):
    found = DENOISERS["bilateral"](noisy, Bilateral(name="bilateral", sigma_color=1e4, sigma_spatial=1.0))
    expected = ndimage.gaussian_filter(noisy.numpy(), (0, 0, 1, 1), mode="nearest", radius=(0, 0, 3, 3))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("name", CLASSICAL)
def test_noise_is_removed_and_clean_images_stay_as_they_are(clean, noisy, name):
    denoiser, options = DENOISERS[name], CLASSICAL[name]
    assert (psnr(denoiser(noisy, options), clean) > psnr(noisy, clean) + 2).all()
    assert (psnr(denoiser(clean, options), clean) > 28).all()
    assert not torch.equal(denoiser(clean, options), clean)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_result_depends_on_the_image_alone(noisy, name):
    together = DENOISERS[name](noisy, CLASSICAL[name])
    alone = torch.cat([DENOISERS[name](image[None], CLASSICAL[name]) for image in noisy])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", CLASSICAL)
def test_flat_images_stay_flat(name):
    flat = torch.stack([torch.full((3, 16, 16), value) for value in (0.0, 0.25, 1.0)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = DENOISERS[name](flat, CLASSICAL[name])
    torch.testing.assert_close(found, flat, rtol=0, atol=1e-4)
