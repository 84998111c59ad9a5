"""Would anybody notice? What is known of two 8-bit pictures without asking anybody."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.metrics.colour import ciede2000, srgb_to_lab
from asma_core.metrics.distance import l2_norm, linf_norm, psnr, ssim

Pixels = NDArray[np.uint8]
# What a screen or an eye may lose; a pixel counts as changed above it.
GREY_LEVELS: Final = 2
# CIEDE2000 of more pixels would take seconds; a picture with more is looked at on a grid.
MOST_PIXELS: Final = 1_000_000


@dataclass(frozen=True)
class Visibility:
    """How far one picture is from another; of the 8-bit files, in [0, 1] where not said.

    Attributes:
        l2: Euclidean norm of the change of the whole picture.
        linf: Its largest absolute value.
        psnr: In dB for a peak of 1; NaN without any change.
        ssim: Mean structural similarity, in [-1, 1]; NaN for a picture smaller than its window.
        delta_e_mean: Mean CIEDE2000 over the pixels, of at most `MOST_PIXELS` on an even grid.
        delta_e_99: Its 99th percentile.
        changed: Share of the pixels that changed by more than `GREY_LEVELS` in some channel.
    """

    l2: float
    linf: float
    psnr: float
    ssim: float
    delta_e_mean: float
    delta_e_99: float
    changed: float


def visibility(original: Pixels, adversarial: Pixels) -> Visibility:
    """Return how visible a change is.

    Args:
        original: uint8 (H, W) or (H, W, 3).
        adversarial: The same.
    """
    one, other = _planes(original), _planes(adversarial)
    differences = delta_e(sampled(original), sampled(adversarial))
    change = np.abs(adversarial.astype(np.int16) - original)
    most = change if change.ndim == 2 else change.max(axis=-1)
    return Visibility(
        l2=l2_norm(other - one),
        linf=linf_norm(other - one),
        psnr=psnr(other - one),
        ssim=ssim(one, other),
        delta_e_mean=float(differences.mean()),
        delta_e_99=float(np.percentile(differences, 99)),
        changed=float((most > GREY_LEVELS).mean()),
    )


def sampled(pixels: Pixels, most: int = MOST_PIXELS) -> Pixels:
    """Return a picture's every n-th row and column, so that it has at most so many pixels."""
    every = math.ceil(math.sqrt(pixels.shape[0] * pixels.shape[1] / most))
    return pixels[::every, ::every] if every > 1 else pixels


def delta_e(original: Pixels, adversarial: Pixels) -> NDArray[np.float64]:
    """Return CIEDE2000 of every pixel of two sRGB or grey pictures.

    Args:
        original: uint8 (H, W) or (H, W, 3).
        adversarial: The same.

    Returns:
        float64 (H, W), not to be written to; 0 where nothing changed.
    """
    one, other = _colours(original), _colours(adversarial)
    return _delta_e(one.tobytes(), other.tobytes(), one.shape)


# A page asks for the figures of a pair and for the scale of its difference, one after the other.
@lru_cache(maxsize=2)
def _delta_e(one: bytes, other: bytes, shape: tuple[int, ...]) -> NDArray[np.float64]:
    before, after = (np.frombuffer(pixels, np.uint8).reshape(shape) for pixels in (one, other))
    moved = (before != after).any(axis=-1)
    found = np.zeros(moved.shape)
    found[moved] = ciede2000(srgb_to_lab(before[moved]), srgb_to_lab(after[moved]))
    # Whoever asks next gets the same.
    found.flags.writeable = False
    return found


def mean_delta_e(original: Pixels, adversarial: Pixels) -> float:
    """Return the mean CIEDE2000 over the pixels, of at most `MOST_PIXELS` on an even grid.

    Args:
        original: uint8 (H, W) or (H, W, C).
        adversarial: The same.

    Returns:
        NaN for pictures that are neither grey nor RGB, which have no colours.
    """
    if original.ndim == 3 and original.shape[2] != 3:
        return math.nan
    return float(delta_e(sampled(original), sampled(adversarial)).mean())


def _colours(pixels: Pixels) -> Pixels:
    return np.stack([pixels] * 3, axis=-1) if pixels.ndim == 2 else pixels


def _planes(pixels: Pixels) -> NDArray[np.float32]:
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return planes.astype(np.float32) / np.float32(255.0)
