"""The twin of an attacked file: the original with noise of the same length, as an 8-bit file."""

from __future__ import annotations

from typing import Final

import numpy as np

from asma_core.data.formats.images import FloatImage, from_bytes, to_bytes
from asma_core.metrics.distance import l2_norm

SEED: Final = 2018
# Halvings of the noise's strength; rounding makes its length a step function.
HALVINGS: Final = 40


def noise_twin(original: FloatImage, length: float, seed: int = SEED) -> FloatImage:
    """Return an original with white noise whose L2 in the file is that length, or just below.

    Args:
        original: float32 (C, H, W) in [0, 1], as an 8-bit file has it.
        length: L2 norm in [0, 1] units; what no noise can reach within [0, 1] is not reached.
        seed: Of the noise.
    """
    noise = np.random.default_rng(seed).standard_normal(original.shape).astype(np.float32)
    low, high = 0.0, 2.0
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if l2_norm(_noisy(original, noise, middle) - original) <= length:
            low = middle
        else:
            high = middle
    return _noisy(original, noise, low)


def _noisy(original: FloatImage, noise: FloatImage, strength: float) -> FloatImage:
    moved = original + np.float32(strength) * noise
    return from_bytes(to_bytes(moved.clip(0.0, 1.0)))
