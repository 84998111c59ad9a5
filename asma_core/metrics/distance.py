"""How far an adversarial image is from the original; all in [0, 1] units."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

FloatImage = NDArray[np.float32]
# Of SSIM.
SIGMA: Final = 1.5
RADIUS: Final = 5
C1: Final = 0.01**2
C2: Final = 0.03**2


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

    For a data range of 1, with K1 0.01, K2 0.03 and a Gaussian window of 11 x 11 and sigma 1.5
    where it lies inside the image; the mean over channels and places.

    Args:
        original: float32 (C, H, W) in [0, 1].
        other: The same shape and range.

    Returns:
        NaN for an image with a side below the window's.

    Source: Wang et al., IEEE Transactions on Image Processing 13(4), 2004, eq. 13.
    """
    if min(original.shape[1:]) < 2 * RADIUS + 1:
        return math.nan
    one, two = original.astype(np.float64), other.astype(np.float64)
    mean_one, mean_two = _windowed(one), _windowed(two)
    var_one = _windowed(one * one) - mean_one**2
    var_two = _windowed(two * two) - mean_two**2
    both = _windowed(one * two) - mean_one * mean_two
    similar = (2 * mean_one * mean_two + C1) * (2 * both + C2)
    return float((similar / ((mean_one**2 + mean_two**2 + C1) * (var_one + var_two + C2))).mean())


def _windowed(planes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted means of all windows that lie inside, (C, H - 10, W - 10)."""
    for axis in (1, 2):
        planes = gaussian_filter1d(planes, SIGMA, axis=axis, radius=RADIUS)
    return planes[:, RADIUS:-RADIUS, RADIUS:-RADIUS]
