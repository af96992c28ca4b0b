"""PSNR and SSIM against scikit-image's, and the examples."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import metrics

from bench.data.denoise import examples, psnr, quality, ssim


def pair(count, height, width, spread, seed=0):
    random = np.random.default_rng(seed)
    rough = random.integers(0, 256, (count, 3, height, width))
    clean = (0.3 * rough + 0.7 * rough.mean((2, 3), keepdims=True)).astype(np.uint8)
    other = np.clip(clean + np.rint(random.normal(0, spread, clean.shape)), 0, 255).astype(np.uint8)
    return torch.from_numpy(clean), torch.from_numpy(other)


@given(st.integers(7, 12), st.integers(7, 12), st.floats(0.5, 80), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_both_are_scikit_images_image_by_image(height, width, spread, seed):
    clean, other = pair(3, height, width, spread, seed)
    for k in range(3):
        first, second = (images[k].numpy().transpose(1, 2, 0) / 255 for images in (clean, other))
        close = metrics.structural_similarity(first, second, channel_axis=-1, data_range=1)
        assert float(ssim(other / 255, clean / 255)[k]) == pytest.approx(close, abs=2e-5)
        if (first != second).any():
            ratio = metrics.peak_signal_noise_ratio(first, second, data_range=1)
            assert float(psnr(other / 255, clean / 255)[k]) == pytest.approx(min(ratio, 58.92), abs=0.01)


def test_equal_images_differ_by_no_more_than_their_rounding():
    clean, _ = pair(2, 8, 8, 1)
    found = quality(clean, clean, clean)
    assert found["denoise/psnr/noisy"] == pytest.approx(10 * math.log10(12 * 255**2), abs=1e-4)
    assert found["denoise/ssim/denoised"] == pytest.approx(1)


def test_quality_is_the_mean_over_images_of_all_chunks():
    clean, noisy = pair(600, 8, 9, 30)
    _, denoised = pair(600, 8, 9, 10)
    found = quality(clean, noisy, denoised)
    assert set(found) == {f"denoise/{measure}/{which}" for measure in ("psnr", "ssim") for which in ("noisy", "denoised")}
    assert found["denoise/psnr/noisy"] == pytest.approx(float(psnr(noisy / 255, clean / 255).mean()), rel=1e-5)
    assert found["denoise/ssim/denoised"] == pytest.approx(float(ssim(denoised / 255, clean / 255).mean()), rel=1e-5)
    assert found["denoise/psnr/denoised"] > found["denoise/psnr/noisy"]
    assert all(type(value) is float for value in found.values())


def test_images_smaller_than_ssims_windows_have_psnr_only():
    clean, noisy = pair(4, 6, 20, 20)
    assert set(quality(clean, noisy, noisy)) == {"denoise/psnr/noisy", "denoise/psnr/denoised"}


@pytest.mark.parametrize(("images", "expected"), [(10, [0, 3, 6, 9]), (3, [0, 1, 2]), (1, [0])])
def test_examples_are_the_same_images_before_and_after(images, expected):
    clean, noisy = pair(images, 8, 9, 30)
    found = examples(clean, noisy, 255 - noisy)
    assert list(found) == ["clean", "noisy", "denoised"]
    for array, tensor in zip(found.values(), (clean, noisy, 255 - noisy), strict=True):
        assert array.dtype == np.uint8 and array.shape == (len(expected), 8, 9, 3)
        np.testing.assert_array_equal(array, tensor.numpy()[expected].transpose(0, 2, 3, 1))
