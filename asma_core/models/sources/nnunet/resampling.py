"""Resampling to the pixel spacing of the plans and back, as nnU-Net v2 does; differentiable.

Source: nnU-Net v2, `preprocessing/resampling/default_resampling.py`: images by cubic splines,
logits linearly, both with pixels' centres in the middle and edges repeated. A spline's values are
sums of the samples along each axis, so that its matrices, made once by scipy, give what nnU-Net's
own call gives, and gradients.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import torch
from scipy.ndimage import zoom
from torch import Tensor
from torch.nn import functional

# Bounds what a card can ask to be made of an image.
MOST_SCALE: Final = 16.0
LARGEST_SIDE: Final = 8192
CUBIC: Final = 3


def scaled_size(size: tuple[int, int], scale: tuple[float, float]) -> tuple[int, int]:
    """Return height and width at the plans' spacing.

    Args:
        size: Height and width.
        scale: The images' spacing over the plans', rows and columns.
    """
    height, width = (
        min(max(round(one * side), 1), LARGEST_SIDE) for one, side in zip(scale, size, strict=True)
    )
    return height, width


def to_spacing(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return images, float32 (B, C, H, W), of another size, by cubic splines.

    Values stay within those of each image's channel, as nnU-Net keeps them.
    """
    if tuple(images.shape[-2:]) == size:
        return images
    rows = _matrix(images.shape[-2], size[0]).to(images.device)
    columns = _matrix(images.shape[-1], size[1]).to(images.device)
    # In float64, as nnU-Net's: splines of float32 are 1e-6 off, which networks enlarge.
    found = (rows @ images.double() @ columns.T).to(images)
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return torch.minimum(torch.maximum(found, low), high)


def from_spacing(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Return logits, float32 (B, K, H, W), of another size, linearly and not smoothed."""
    if tuple(logits.shape[-2:]) == size:
        return logits
    # In float64, in which places between pixels are exact.
    found = functional.interpolate(logits.double(), size=size, mode="bilinear", align_corners=False)
    return found.to(logits)


@lru_cache(maxsize=8)
def _matrix(before: int, after: int) -> Tensor:
    """Return what samples along an axis are weighed with, float64 (after, before)."""
    if before == after:
        return torch.eye(before, dtype=torch.float64)
    factors = (after / before, 1.0)
    single = np.eye(before)
    weights = zoom(single, factors, order=CUBIC, mode="nearest", grid_mode=True)
    return torch.from_numpy(weights)
