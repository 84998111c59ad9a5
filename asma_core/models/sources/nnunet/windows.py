"""Prediction by windows that slide over an image, as nnU-Net v2 does; differentiable.

Source: nnU-Net v2 (Isensee et al., Nature Methods 2021), `inference/sliding_window_prediction.py`:
windows at most a step apart and evenly spread, weighed by a Gaussian around their centre.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

Size = tuple[int, int]


def starts(length: int, window: int, step: float) -> list[int]:
    """Return where the windows begin along a side.

    Args:
        length: Of the side, at least `window`.
        window: Length of a window.
        step: Between windows at most, as a share of a window, in (0, 1].
    """
    count = math.ceil((length - window) / (window * step)) + 1
    if count < 2:
        return [0]
    return [int(np.round((length - window) / (count - 1) * index)) for index in range(count)]


def gaussian(window: Size) -> Tensor:
    """Return the weights of a window's pixels, float32 (h, w): 10 at the centre.

    The standard deviation is an eighth of a side. They are rounded to half precision as nnU-Net's
    are, and nowhere zero.
    """
    peak = np.zeros(window)
    peak[window[0] // 2, window[1] // 2] = 1
    weights = gaussian_filter(peak, [side / 8 for side in window], mode="constant")
    rounded = (weights * (10 / weights.max())).astype(np.float16)
    rounded[rounded == 0] = rounded[rounded > 0].min()
    return torch.from_numpy(rounded.astype(np.float32))


def frugal(network: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a network that is run again for the gradient, in place of keeping what it saw.

    That takes a third more time, and the memory of one window in place of all.
    """
    return lambda images: checkpoint(network, images, use_reentrant=False, preserve_rng_state=False)


def slide(
    network: Callable[[Tensor], Tensor],
    images: Tensor,
    weights: Tensor,
    step: float = 0.5,
    mirror: Sequence[int] = (),
) -> Tensor:
    """Return the logits of images, float32 (B, K, H, W), as the weighted mean over windows.

    Args:
        network: From windows (B, C, h, w) to logits (B, K, h, w).
        images: Normalised, float32 (B, C, H, W); what is smaller than a window is padded with 0.
        weights: Of a window's pixels, float32 (h, w).
        step: Between windows at most, as a share of a window.
        mirror: Axes, 0 (rows) and 1 (columns), along which each window is mirrored as well.
    """
    size = images.shape[-2:]
    window = weights.shape
    around = _padding(size, window)
    images = functional.pad(images, around)
    height, width = images.shape[-2:]
    total: Tensor | None = None
    counted = weights.new_zeros(height, width)
    for top in starts(height, window[0], step):
        for left in starts(width, window[1], step):
            rows, columns = slice(top, top + window[0]), slice(left, left + window[1])
            logits = mirrored(network, images[..., rows, columns], mirror)
            if total is None:
                total = images.new_zeros(*logits.shape[:2], height, width)
            total[..., rows, columns] += logits * weights
            counted[rows, columns] += weights
    assert total is not None  # There is a window at 0, 0.
    mean = total / counted
    return mean[..., around[2] : around[2] + size[0], around[0] : around[0] + size[1]]


def mirrored(network: Callable[[Tensor], Tensor], images: Tensor, mirror: Sequence[int]) -> Tensor:
    """Return the mean logits over images and their mirror images along all choices of axes."""
    axes = [axis - 2 for axis in mirror]
    choices = [chosen for count in range(1, len(axes) + 1) for chosen in combinations(axes, count)]
    total = network(images)
    for chosen in choices:
        total = total + network(images.flip(chosen)).flip(chosen)
    return total / (len(choices) + 1)


def _padding(size: Sequence[int], window: Sequence[int]) -> tuple[int, int, int, int]:
    """Return what is added left, right, above and below, so that a window fits in."""
    rows, columns = (max(0, inner - outer) for inner, outer in zip(window, size, strict=True))
    return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2
