"""How far apart the outlines of two masks run."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt


def hausdorff_95(prediction: NDArray[np.bool_], target: NDArray[np.bool_]) -> float:
    """Return the 95th percentile of the distances between two outlines, in pixels.

    The larger of both directions' percentiles, as in MONAI.

    Args:
        prediction: bool (H, W), one structure.
        target: bool (H, W).

    Returns:
        Pixels; NaN when either structure is absent.
    """
    if not (prediction.any() and target.any()):
        return math.nan
    edges = [mask & ~binary_erosion(mask) for mask in (prediction, target)]
    there = distance_transform_edt(~edges[1])[edges[0]]
    back = distance_transform_edt(~edges[0])[edges[1]]
    return float(max(np.percentile(there, 95), np.percentile(back, 95)))
