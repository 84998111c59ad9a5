"""Distances against numpy by hand and what is known of SSIM."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from asma_core.metrics.distance import l2_norm, linf_norm, psnr, ssim

CHANGE = np.random.default_rng(1).normal(0, 0.02, (3, 24, 20)).astype(np.float32)
IMAGE = np.random.default_rng(2).random((3, 24, 20)).astype(np.float32)


def test_norms_by_hand() -> None:
    change = np.zeros((2, 4, 4), dtype=np.float32)
    change[0, 0, 0], change[1, 3, 2] = 0.3, -0.4
    assert l2_norm(change) == pytest.approx(0.5)
    assert linf_norm(change) == pytest.approx(0.4)
    wide = CHANGE.astype(np.float64)
    assert l2_norm(CHANGE) == pytest.approx(float(np.sqrt((wide**2).sum())), abs=1e-9)
    assert linf_norm(CHANGE) == float(np.abs(CHANGE).max())


def test_no_change_is_no_distance() -> None:
    assert l2_norm(CHANGE * 0) == linf_norm(CHANGE * 0) == 0.0
    assert math.isnan(psnr(CHANGE * 0))


def test_psnr_by_hand() -> None:
    assert psnr(np.full((1, 8, 8), 0.1, dtype=np.float32)) == pytest.approx(20.0, abs=1e-5)
    assert psnr(CHANGE) == pytest.approx(
        -10 * math.log10(float((CHANGE.astype(np.float64) ** 2).mean()))
    )


def test_ssim_of_an_image_and_itself_is_one() -> None:
    assert ssim(IMAGE, IMAGE) == pytest.approx(1.0, abs=1e-6)


def smoothed(planes: np.ndarray) -> np.ndarray:
    """The window of 11 x 11 with sigma 1.5, where it lies inside the image."""
    for axis in (1, 2):
        planes = gaussian_filter1d(planes, 1.5, axis=axis, radius=5)
    return planes[:, 5:-5, 5:-5]


def test_ssim_is_the_paper_s_formula() -> None:
    one, other = IMAGE.astype(np.float64), np.clip(IMAGE + 5 * CHANGE, 0, 1).astype(np.float64)
    mean_one, mean_other = smoothed(one), smoothed(other)
    var_one = smoothed(one**2) - mean_one**2
    var_other = smoothed(other**2) - mean_other**2
    both = smoothed(one * other) - mean_one * mean_other
    first, second = 0.01**2, 0.03**2
    expected = (
        (2 * mean_one * mean_other + first)
        * (2 * both + second)
        / ((mean_one**2 + mean_other**2 + first) * (var_one + var_other + second))
    ).mean()
    value = ssim(one.astype(np.float32), other.astype(np.float32))
    assert value == pytest.approx(float(expected), abs=1e-4)
    assert value < 0.999


def test_ssim_takes_grey_and_read_only_images() -> None:
    grey = IMAGE[:1].copy()
    grey.flags.writeable = False
    assert ssim(grey, grey) == pytest.approx(1.0, abs=1e-6)
    assert ssim(grey, grey[:, ::-1]) < 0.9
