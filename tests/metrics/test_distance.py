"""Distances against numpy by hand and what is known of SSIM."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.metrics.regression import SSIMMetric

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


def test_ssim_is_that_of_monai() -> None:
    other = np.clip(IMAGE + 5 * CHANGE, 0, 1)
    pair = [torch.from_numpy(image)[None] for image in (IMAGE, other)]
    expected = float(torch.as_tensor(SSIMMetric(spatial_dims=2)(*pair)).mean())
    value = ssim(IMAGE, other)
    assert value == pytest.approx(expected, abs=1e-5)
    assert value < 0.999


def test_ssim_by_hand_of_two_flat_images() -> None:
    # Without structure only the means count: (2 ab + C1) / (a^2 + b^2 + C1), with C1 = 0.01^2.
    dark, light = np.full((1, 16, 16), 0.25, np.float32), np.full((1, 16, 16), 0.5, np.float32)
    expected = (2 * 0.25 * 0.5 + 1e-4) / (0.25**2 + 0.5**2 + 1e-4)
    assert ssim(dark, light) == pytest.approx(expected, abs=1e-9)


def test_ssim_of_an_image_below_its_window_is_undefined() -> None:
    assert math.isnan(ssim(IMAGE[:, :10], IMAGE[:, :10]))


def test_ssim_takes_grey_and_read_only_images() -> None:
    grey = IMAGE[:1].copy()
    grey.flags.writeable = False
    assert ssim(grey, grey) == pytest.approx(1.0, abs=1e-6)
    assert ssim(grey, grey[:, ::-1]) < 0.9
