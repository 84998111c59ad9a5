"""Hausdorff distance against values worked out by hand and MONAI's."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.metrics.hausdorff_distance import compute_hausdorff_distance
from scipy.ndimage import gaussian_filter

from asma_core.metrics.boundary import hausdorff_95


def blob(seed: int, size: tuple[int, int] = (40, 50)) -> np.ndarray:
    smooth = gaussian_filter(np.random.default_rng(seed).normal(size=size), 4)
    return smooth > np.quantile(smooth, 0.7)


def test_two_pixels_are_as_far_apart_as_a_ruler_says() -> None:
    one, other = np.zeros((2, 20, 20), dtype=bool)
    one[4, 5] = other[7, 9] = True
    assert hausdorff_95(one, other) == 5.0


def test_a_moved_square_is_as_far_as_it_was_moved() -> None:
    one, other = np.zeros((2, 40, 40), dtype=bool)
    one[10:20, 10:20] = other[10:20, 13:23] = True
    assert hausdorff_95(one, other) == 3.0
    assert hausdorff_95(one, one) == 0.0


def test_an_absent_structure_has_no_outline() -> None:
    one, nothing = np.ones((8, 8), dtype=bool), np.zeros((8, 8), dtype=bool)
    assert math.isnan(hausdorff_95(one, nothing))
    assert math.isnan(hausdorff_95(nothing, one))
    assert math.isnan(hausdorff_95(nothing, nothing))


# MONAI calls itself with an argument that it has deprecated.
@pytest.mark.filterwarnings("ignore:monai.metrics.utils get_mask_edges:FutureWarning")
@pytest.mark.parametrize("seed", range(12))
def test_it_is_monai_s(seed: int) -> None:
    # Blobs that touch the image's edge are among them.
    one, other = blob(seed), blob(seed + 100)
    tensors = [torch.from_numpy(mask)[None, None].float() for mask in (one, other)]
    expected = compute_hausdorff_distance(*tensors, include_background=True, percentile=95)
    assert hausdorff_95(one, other) == pytest.approx(float(expected), abs=1e-4)
    assert hausdorff_95(one, other) == hausdorff_95(other, one)
