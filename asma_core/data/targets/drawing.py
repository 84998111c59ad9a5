"""Shapes drawn over an image, and the mask that they make.

Coordinates are in image pixels, x to the right and y down, and (0, 0) is the outer corner of the
first pixel: pixel (row, column) has its centre at (column + 0.5, row + 0.5) and belongs to a
shape when that centre lies in it. So two shapes that share an edge share no pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from asma_core.errors import InputError

Point = tuple[float, float]
Region = NDArray[np.bool_]


@dataclass(frozen=True)
class Stroke:
    """A brush stroke with round ends.

    Attributes:
        points: (x, y) of the brush's centre, in order; one point makes a dot.
        width: Width of the brush in image pixels.
        class_index: The class it paints; 0 erases.
    """

    points: tuple[Point, ...]
    width: float
    class_index: int


@dataclass(frozen=True)
class Polygon:
    """A closed polygon; where it crosses itself, everything that it winds around is inside.

    Attributes:
        points: (x, y) of at least three corners; the last joins the first.
        class_index: The class it paints; 0 erases.
    """

    points: tuple[Point, ...]
    class_index: int


@dataclass(frozen=True)
class Rectangle:
    """A rectangle, turned about its top left corner.

    Attributes:
        left: x of the corner.
        top: y of the corner.
        width: Width in image pixels.
        height: Height in image pixels.
        class_index: The class it paints; 0 erases.
        angle: Degrees, clockwise on the screen.
    """

    left: float
    top: float
    width: float
    height: float
    class_index: int
    angle: float = 0.0


@dataclass(frozen=True)
class Ellipse:
    """An ellipse or circle, turned about its centre.

    Attributes:
        centre: (x, y).
        radii: Half axes along x and y before turning, in image pixels.
        class_index: The class it paints; 0 erases.
        angle: Degrees, clockwise on the screen.
    """

    centre: Point
    radii: tuple[float, float]
    class_index: int
    angle: float = 0.0


Shape = Stroke | Polygon | Rectangle | Ellipse


def rasterise(base: NDArray[np.int64], shapes: Sequence[Shape]) -> NDArray[np.int64]:
    """Paint shapes over a mask, in their order, at the mask's own resolution.

    Args:
        base: Label mask, int64 (H, W); it is left alone.
        shapes: What was drawn; parts outside the image are cut off.

    Returns:
        The new label mask.

    Raises:
        InputError: The mask or a shape can't be used.
    """
    if base.ndim != 2:
        raise InputError(f"expected a mask of shape (H, W), got {base.shape}; pass one mask")
    mask = base.astype(np.int64)
    for shape in shapes:
        _paint(mask, shape)
    return mask


def _paint(mask: NDArray[np.int64], shape: Shape) -> None:
    if shape.class_index < 0:
        raise InputError(f"expected a class of at least 0, got {shape.class_index}")
    match shape:
        case Stroke():
            _paint_stroke(mask, shape)
        case Polygon():
            _paint_polygon(mask, _corners(shape.points, 3), shape.class_index)
        case Rectangle():
            _paint_polygon(mask, _rectangle_corners(shape), shape.class_index)
        case Ellipse():
            _paint_ellipse(mask, shape)


def _corners(points: Sequence[Point], least: int) -> NDArray[np.float64]:
    corners = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if len(corners) < least or not np.isfinite(corners).all():
        raise InputError(f"expected at least {least} finite points, got {len(corners)}; draw again")
    return corners


def _turn(angle: float) -> NDArray[np.float64]:
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.array([[cosine, -sine], [sine, cosine]])


def _rectangle_corners(shape: Rectangle) -> NDArray[np.float64]:
    size = np.array([shape.width, shape.height])
    offsets = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]) * size
    # Turning by no angle must not cost the last digit: a rectangle is exact to the pixel.
    turned = offsets @ _turn(shape.angle).T if shape.angle else offsets
    corner = np.array([shape.left, shape.top])
    return _corners([(x, y) for x, y in turned + corner], 4)


def _first_centre(coordinate: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """Return the first pixel whose centre is not before `coordinate`, in 0..size."""
    return np.ceil(np.clip(coordinate, -1.0, size + 1.0) - 0.5).clip(0, size).astype(np.int64)


def _span(low: float, high: float, size: int) -> slice:
    first, end = _first_centre(np.array([low, high]), size)
    return slice(int(first), max(int(end), int(first)))


def _paint_polygon(mask: NDArray[np.int64], corners: NDArray[np.float64], label: int) -> None:
    """Fill by the winding number, counted along each row from the edges crossed so far."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    rows = _span(low[1], high[1], mask.shape[0])
    columns = _span(low[0], high[0], mask.shape[1])
    height, width = rows.stop - rows.start, columns.stop - columns.start
    winding = np.zeros((height, width + 1), dtype=np.int16)
    origin = np.array([columns.start, rows.start])
    for start, end in zip(corners - origin, np.roll(corners, -1, axis=0) - origin, strict=True):
        crossed = _span(min(start[1], end[1]), max(start[1], end[1]), height)
        centres = np.arange(crossed.start, crossed.stop) + 0.5
        if not centres.size:
            continue
        x = start[0] + (centres - start[1]) * (end[0] - start[0]) / (end[1] - start[1])
        direction = 1 if end[1] > start[1] else -1
        winding[np.arange(crossed.start, crossed.stop), _first_centre(x, width)] += direction
    inside = np.cumsum(winding[:, :-1], axis=1, dtype=np.int16) != 0
    mask[rows, columns][inside] = label


def _paint_ellipse(mask: NDArray[np.int64], shape: Ellipse) -> None:
    """Fill row by row between the two roots of the ellipse's equation."""
    centre, radii = _corners([shape.centre, shape.radii], 2)
    if (radii <= 0).any():
        return
    turn = _turn(shape.angle)
    a, b, c = _quadratic(turn, radii)
    reach = float(np.hypot(*(turn[1] * radii)))
    rows = _span(centre[1] - reach, centre[1] + reach, mask.shape[0])
    y = np.arange(rows.start, rows.stop) + 0.5 - centre[1]
    half = np.sqrt(np.maximum((b * y) ** 2 - a * (c * y**2 - 1), 0)) / a
    middle = centre[0] - b * y / a
    _paint_spans(mask, rows, middle - half, middle + half, shape.class_index)


def _quadratic(turn: NDArray[np.float64], radii: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return a, b, c of the ellipse a x^2 + 2 b x y + c y^2 = 1."""
    form = turn @ np.diag(1 / radii**2) @ turn.T
    return float(form[0, 0]), float(form[0, 1]), float(form[1, 1])


def _paint_spans(
    mask: NDArray[np.int64],
    rows: slice,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    label: int,
) -> None:
    if rows.stop == rows.start:
        return
    columns = _span(float(low.min()), float(high.max()), mask.shape[1])
    centres = np.arange(columns.start, columns.stop) + 0.5
    inside = (centres >= low[:, None]) & (centres < high[:, None])
    mask[rows, columns][inside] = label


def _paint_stroke(mask: NDArray[np.int64], shape: Stroke) -> None:
    """Paint a disc at every point and a band along every segment."""
    points = _corners(shape.points, 1)
    radius = shape.width / 2
    if not (np.isfinite(radius) and radius > 0):
        raise InputError(f"expected a brush wider than 0 pixels, got {shape.width:g}")
    for x, y in points:
        _paint_ellipse(mask, Ellipse((x, y), (radius, radius), shape.class_index))
    for start, end in pairwise(points):
        along = end - start
        length = float(np.hypot(*along))
        if length > 0:
            across = np.array([-along[1], along[0]]) * radius / length
            band = np.array([start + across, end + across, end - across, start - across])
            _paint_polygon(mask, band, shape.class_index)
