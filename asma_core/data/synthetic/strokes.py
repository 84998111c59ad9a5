"""Curved lines of changing width, drawn without jagged edges: vessels, hairs, rulers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from asma_core.data.synthetic.noise import Field

_OVERSAMPLING = 3
_CHUNK = 3


@dataclass(frozen=True)
class Stroke:
    """A line through points.

    Attributes:
        points: Rows and columns in pixels, float64 (N, 2).
        widths: Width in pixels at every point, float64 (N,).
        strength: Cover of the line in [0, 1].
    """

    points: NDArray[np.float64]
    widths: NDArray[np.float64]
    strength: float = 1.0


def wander(
    rng: np.random.Generator,
    start: tuple[float, float],
    headings: NDArray[np.float64],
    stride: float,
    wobble: float,
) -> NDArray[np.float64]:
    """Return a path that follows the headings (radians, 0 is right, down is positive).

    Args:
        rng: The source of randomness.
        start: Row and column of the first point.
        headings: Direction of each step, float64 (N,).
        stride: Length of one step in pixels.
        wobble: Standard deviation in radians that is added to the direction, smoothly.
    """
    noise = np.convolve(rng.standard_normal(len(headings) + 8), np.ones(9) / 3.0, mode="valid")
    turned = headings + wobble * noise
    moves = stride * np.stack([np.sin(turned), np.cos(turned)], axis=1)
    return np.vstack([np.asarray([start]), np.asarray(start) + np.cumsum(moves, axis=0)])


def draw(strokes: Iterable[Stroke], size: int, thinner: float = 1.0) -> Field:
    """Return how much of each pixel the strokes cover, float32 (size, size) in [0, 1].

    Args:
        strokes: The lines; where two cross, the later one is on top.
        size: Side of the picture in pixels.
        thinner: Factor on every width.
    """
    canvas = Image.new("L", (size * _OVERSAMPLING, size * _OVERSAMPLING))
    pen = ImageDraw.Draw(canvas)
    for stroke in strokes:
        _draw_one(pen, stroke, thinner * _OVERSAMPLING)
    return np.asarray(canvas.reduce(_OVERSAMPLING), dtype=np.float32) / np.float32(255.0)


def _draw_one(pen: ImageDraw.ImageDraw, stroke: Stroke, thinner: float) -> None:
    points = (stroke.points[:, ::-1] + 0.5) * _OVERSAMPLING
    fill = round(255 * stroke.strength)
    for first in range(0, len(points) - 1, _CHUNK):
        piece = points[first : first + _CHUNK + 1]
        width = float(stroke.widths[first : first + _CHUNK + 1].mean()) * thinner
        pen.line([tuple(point) for point in piece], fill, max(1, round(width)), joint="curve")
