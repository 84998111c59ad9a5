"""Bare skin under a dermatoscope: tone, redness, furrows, pores and fine vessels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asma_core.data.synthetic.noise import Field, chance, fractal_noise, grid, smooth_noise

# From very fair to dark, as sRGB under the polarised light of a dermatoscope.
_TONES = np.asarray(
    [
        [0.91, 0.75, 0.70],
        [0.87, 0.68, 0.60],
        [0.84, 0.64, 0.52],
        [0.78, 0.58, 0.47],
        [0.66, 0.47, 0.37],
        [0.93, 0.72, 0.72],
    ]
)


def paint_skin(
    rng: np.random.Generator, size: int, wide: bool
) -> tuple[Field, NDArray[np.float64]]:
    """Return bare skin, (size, size, 3), and its mean colour (3,)."""
    first, second = rng.choice(len(_TONES), 2, replace=False)
    mix = rng.uniform(0.0, 0.5)
    tone = _TONES[first] * (1 - mix) + _TONES[second] * mix
    tone = tone * (1.0 + rng.uniform(-0.03, 0.03, 3) * (4.0 if wide else 1.0))
    redness = fractal_noise(rng, size, 3, 3)[..., None] * np.asarray([0.004, 0.03, 0.025])
    scene = tone * (1.0 + redness * rng.uniform(0.3, 1.2))
    scene = scene * (1.0 - _furrows(rng, size)[..., None] * np.asarray([0.6, 1.0, 1.1]))
    scene = scene * (1.0 - _pores(rng, size)[..., None] * np.asarray([0.7, 1.0, 1.0]))
    if chance(rng, 0.4):
        flush = np.clip(smooth_noise(rng, size, 3), 0.0, 1.5)[..., None]
        scene = scene * (1.0 - flush * np.asarray([0.01, 0.08, 0.06]))
    return np.asarray(scene, dtype=np.float32), tone


def _furrows(rng: np.random.Generator, size: int) -> Field:
    """Return the criss-cross of skin lines: two families of wavy stripes, patchy."""
    rows, columns = grid(size)
    field = np.zeros((size, size), dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    for turn in (0.0, rng.uniform(0.9, 1.6)):
        wave = fractal_noise(rng, size, 6, 3) * rng.uniform(0.8, 1.6)
        across = rows * np.cos(angle + turn) + columns * np.sin(angle + turn)
        period = size / rng.uniform(22, 38)
        line = np.sin(2 * np.pi * across / period + 2.5 * wave)
        patch = np.clip(0.5 + smooth_noise(rng, size, 7), 0.0, 1.2)
        field += np.clip(line - 0.35, 0.0, 1.0) * patch
    grain = 0.35 * fractal_noise(rng, size, size / 6, 2)
    return np.asarray((field + grain) * rng.uniform(0.01, 0.05), dtype=np.float32)


def _pores(rng: np.random.Generator, size: int) -> Field:
    noise = smooth_noise(rng, size, rng.uniform(60, 95))
    return np.asarray(np.clip(noise - 1.0, 0.0, 0.6) * rng.uniform(0.0, 0.16), dtype=np.float32)
