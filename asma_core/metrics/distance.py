"""How far an adversarial image is from the original; all in [0, 1] units."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.float32]


def l2_norm(perturbation: FloatImage) -> float:
    """Return the Euclidean norm of a perturbation (C, H, W)."""
    return float(np.linalg.norm(perturbation.astype(np.float64)))


def linf_norm(perturbation: FloatImage) -> float:
    """Return the largest absolute value of a perturbation (C, H, W)."""
    return float(np.abs(perturbation).max(initial=0.0))


def psnr(perturbation: FloatImage) -> float:
    """Return the peak signal-to-noise ratio in dB for a peak of 1; NaN without any change."""
    mean_square = float(np.mean(np.square(perturbation, dtype=np.float64)))
    return -10.0 * math.log10(mean_square) if mean_square > 0 else math.nan


def ssim(original: FloatImage, other: FloatImage) -> float:
    """Return the mean structural similarity of two images, in [-1, 1].

    MONAI's, with its Gaussian window of 11 x 11 and sigma 1.5.

    Args:
        original: float32 (C, H, W) in [0, 1], each side at least 11.
        other: The same shape and range.

    Source: Wang et al., IEEE Transactions on Image Processing 13(4), 2004.
    """
    import torch
    from monai.metrics.regression import SSIMMetric

    pair = [torch.from_numpy(image.copy())[None] for image in (original, other)]
    return float(torch.as_tensor(SSIMMetric(spatial_dims=2)(*pair)).mean())
