"""Smooth random fields and the small arithmetic that every layer of a picture uses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Field = NDArray[np.float32]


def smooth_noise(rng: np.random.Generator, size: int, cells: float) -> Field:
    """Return Gaussian noise interpolated from a coarse grid.

    Args:
        rng: The source of randomness.
        size: Side of the field in pixels.
        cells: Cells of the grid along one side; more cells mean finer structure.

    Returns:
        float32 (size, size), zero mean and standard deviation near 0.7.
    """
    whole = int(np.ceil(cells)) + 3
    grid = rng.standard_normal((whole, whole), dtype=np.float32)
    box = (1.0, 1.0, 1.0 + cells, 1.0 + cells)
    picture = Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC, box=box)
    return np.asarray(picture, dtype=np.float32)


def fractal_noise(
    rng: np.random.Generator, size: int, cells: float, octaves: int = 4, persistence: float = 0.55
) -> Field:
    """Return a sum of smooth noises, each twice as fine and `persistence` times as strong."""
    field = np.zeros((size, size), dtype=np.float32)
    for octave in range(octaves):
        frequency = min(cells * 2**octave, size / 2)
        field += np.float32(persistence**octave) * smooth_noise(rng, size, frequency)
    return field


def grid(size: int) -> tuple[Field, Field]:
    """Return the row and the column of every pixel, float32 (size, size)."""
    axis = np.arange(size, dtype=np.float32)
    rows, columns = np.meshgrid(axis, axis, indexing="ij")
    return rows, columns


def step(values: NDArray[np.floating], softness: float) -> Field:
    """Return a smooth step from 0 (negative values) to 1 over about two `softness`."""
    scaled = np.clip(values / np.float32(max(softness, 1e-3)), -12.0, 12.0)
    return np.asarray(1.0 / (1.0 + np.exp(-2.0 * scaled)), dtype=np.float32)


def blend(image: Field, colour: NDArray[np.floating] | Field, alpha: Field) -> Field:
    """Lay a colour (3,) or a picture (H, W, 3) over an image by `alpha` (H, W) in [0, 1]."""
    cover = alpha[..., None]
    return np.asarray(image + cover * (np.asarray(colour, np.float32) - image), dtype=np.float32)


def blur(field: Field, sigma: float) -> Field:
    """Blur the first two axes by a Gaussian of `sigma` pixels; below 0.2 nothing is done."""
    if sigma < 0.2:
        return field
    sigmas = (sigma, sigma) + (0.0,) * (field.ndim - 2)
    blurred = ndimage.gaussian_filter(field, sigmas, mode="nearest", truncate=3.0)
    return np.asarray(blurred, dtype=np.float32)


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with the probability that is given."""
    return bool(rng.random() < probability)


def spot(size: int, row: float, column: float, radius: float) -> Field:
    """Return a Gaussian bump of height 1 and standard deviation `radius` pixels."""
    axis = np.arange(size, dtype=np.float32)
    vertical = np.exp(-((axis - row) ** 2) / (2 * radius**2))
    horizontal = np.exp(-((axis - column) ** 2) / (2 * radius**2))
    return np.asarray(np.outer(vertical, horizontal), dtype=np.float32)
