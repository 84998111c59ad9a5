"""Closed, smooth, slightly irregular outlines around a centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asma_core.data.synthetic.noise import Field, grid

_ANGLES = 720


@dataclass(frozen=True)
class Outline:
    """An outline given by its radius in every direction.

    Attributes:
        row: Row of the centre in pixels.
        column: Column of the centre in pixels.
        radii: Radius in pixels at equal steps of the angle, float32 (720,).
    """

    row: float
    column: float
    radii: NDArray[np.float32]

    def distance(self, size: int) -> Field:
        """Return how far inside the outline each pixel is, in pixels along its ray.

        Positive inside, negative outside, float32 (size, size).
        """
        radius, angle = polar(size, self.row, self.column)
        index = (angle * (_ANGLES / (2 * np.pi))).astype(np.int64) % _ANGLES
        return np.asarray(self.radii[index] - radius, dtype=np.float32)

    def scaled(self, factor: float) -> Outline:
        """Return the same outline, `factor` times as large."""
        return Outline(self.row, self.column, self.radii * np.float32(factor))


def polar(size: int, row: float, column: float) -> tuple[Field, Field]:
    """Return the distance in pixels and the angle in [0, 2 pi) of every pixel from a point."""
    rows, columns = grid(size)
    angle = np.arctan2(rows - row, columns - column) % np.float32(2 * np.pi)
    return np.hypot(rows - row, columns - column), angle


def irregular_ellipse(
    rng: np.random.Generator,
    centre: tuple[float, float],
    axes: tuple[float, float],
    tilt: float = 0.0,
    roughness: float = 0.02,
    harmonics: int = 6,
) -> Outline:
    """Return an ellipse whose radius is modulated by random low harmonics.

    Args:
        rng: The source of randomness.
        centre: Row and column in pixels.
        axes: Vertical and horizontal semi-axis in pixels.
        tilt: Rotation in radians.
        roughness: Standard deviation of the modulation as a share of the radius.
        harmonics: Highest harmonic; more make a more ragged outline.
    """
    angles = np.linspace(0.0, 2 * np.pi, _ANGLES, endpoint=False)
    vertical, horizontal = axes
    turned = angles - tilt
    ellipse = 1.0 / np.hypot(np.sin(turned) / vertical, np.cos(turned) / horizontal)
    orders = np.arange(2, harmonics + 1)[:, None]
    strength = rng.standard_normal((len(orders), 1)) / orders**0.8
    phase = rng.uniform(0.0, 2 * np.pi, (len(orders), 1))
    wave = (strength * np.cos(orders * angles + phase)).sum(axis=0)
    radii = ellipse * np.clip(1.0 + roughness * wave, 0.5, 1.6)
    return Outline(centre[0], centre[1], radii.astype(np.float32))
