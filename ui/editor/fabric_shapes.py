"""Drawings of before 2026-11-29, as streamlit-drawable-canvas had them (Fabric.js JSON).

They lay on a canvas of at most `SIDE` pixels; the class was in the last digits of the stroke's
blue. The geometry is that of Fabric.js 7: an object's `left` and `top` name the point (originX,
originY) of its box, stroke included; a path's and a polygon's own points are turned and scaled
about the middle of their box.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.masks.palette import TARGET
from asma_core.data.targets.drawing import Ellipse, Point, Polygon, Rectangle, Shape, Stroke
from ui.pictures.outlines import fit_size

# A click without a drag leaves a shape of a pixel or two on the canvas; nobody means it.
SMALLEST: Final = 2.5
SIDE: Final = 600
MOST_CLASSES: Final = 100
CURVE_STEPS: Final = 6
_ORIGIN: Final = {"left": -0.5, "top": -0.5, "center": 0.0, "right": 0.5, "bottom": 0.5}


def shapes_of_fabric(
    objects: Sequence[Mapping[str, Any]], shape: tuple[int, ...]
) -> tuple[Shape, ...]:
    """Read the objects of an old drawing.

    Args:
        objects: As the canvas had them.
        shape: (H, W) of the image.
    """
    width, height = fit_size(shape, SIDE, SIDE)
    return to_shapes(objects, (width / shape[1], height / shape[0]), _colours())


def _colours() -> dict[str, int]:
    """Return the classes by stroke colour; brush and closed shapes differ in opacity."""
    red, green, blue = TARGET.rgb
    known = {
        f"rgba({red}, {green}, {(blue + label) % 256}, {opacity})": label
        for label in range(1, MOST_CLASSES)
        for opacity in (0.3, 0.45)
    }
    return {**known, "rgba(90, 90, 90, 0.22)": 0}


def to_shapes(
    objects: Sequence[Mapping[str, Any]], scale: Point, classes: Mapping[str, int]
) -> tuple[Shape, ...]:
    """Read the drawn objects, in their order.

    Args:
        objects: `json_data["objects"]` of the canvas.
        scale: Canvas pixels per image pixel along x and y.
        classes: Class by stroke colour, exactly as it was given to the canvas.

    Returns:
        The shapes in image coordinates; objects of other kinds or colours are left out.
    """
    shapes = (
        _to_shape(item, scale, classes[item["stroke"]])
        for item in objects
        if item.get("stroke") in classes
    )
    return tuple(shape for shape in shapes if shape is not None)


def _to_shape(item: Mapping[str, Any], scale: Point, label: int) -> Shape | None:
    kind = item["type"].lower()
    if kind == "path":
        points = _placed(item, _flattened(item["path"]))
        width = item["strokeWidth"] / float(np.sqrt(scale[0] * scale[1]))
        return Stroke(_in_image(points, scale), width, label)
    if kind == "polygon":
        points = np.array([(point["x"], point["y"]) for point in item["points"]])
        return Polygon(_in_image(_placed(item, points), scale), label)
    if min(item["width"] * item["scaleX"], item["height"] * item["scaleY"]) < SMALLEST:
        return None
    if kind == "rect":
        return _rectangle(item, scale, label)
    return _ellipse(item, scale, label) if kind == "circle" else None


def _in_image(points: NDArray[np.float64], scale: Point) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in points / np.array(scale))


def _rotation(angle: float) -> NDArray[np.float64]:
    cosine, sine = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    return np.array([[cosine, -sine], [sine, cosine]])


def _middle(item: Mapping[str, Any], stroke: float) -> NDArray[np.float64]:
    """Return the middle of an object's box, taking its stroke to be `stroke` wide."""
    size = np.array([item["width"] * item["scaleX"], item["height"] * item["scaleY"]]) + stroke
    origin = np.array([_ORIGIN[item["originX"]], _ORIGIN[item["originY"]]])
    corner = np.array([item["left"], item["top"]])
    middle: NDArray[np.float64] = corner - _rotation(item["angle"]) @ (origin * size)
    return middle


def _placed(item: Mapping[str, Any], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move a path's own points to where the object lies on the canvas."""
    centred = points - (points.min(axis=0) + points.max(axis=0)) / 2
    scaled = centred * [item["scaleX"], item["scaleY"]]
    placed: NDArray[np.float64] = scaled @ _rotation(item["angle"]).T
    return placed + _middle(item, item["strokeWidth"])


def _flattened(path: Sequence[Sequence[Any]]) -> NDArray[np.float64]:
    """Turn a path of moves, lines and quadratic curves into points."""
    points: list[tuple[float, float]] = []
    steps = np.linspace(0, 1, CURVE_STEPS + 1)[1:]
    for command, *numbers in path:
        if command == "Q":
            start = np.array(points[-1])
            control, end = np.array(numbers[:2]), np.array(numbers[2:])
            points += [
                tuple((1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end) for t in steps
            ]
        elif command in ("M", "L"):
            points.append((numbers[0], numbers[1]))
    return np.array(points, dtype=np.float64)


def _rectangle(item: Mapping[str, Any], scale: Point, label: int) -> Shape:
    # The pointer gave `left`, `top` and the size; the thin stroke around it isn't part of it.
    size = np.array([item["width"] * item["scaleX"], item["height"] * item["scaleY"]])
    corners = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * size
    placed = corners @ _rotation(item["angle"]).T + _middle(item, 0.0)
    if item["angle"]:
        return Polygon(_in_image(placed, scale), label)
    (left, top), (right, bottom) = _in_image(placed[[0, 2]], scale)
    return Rectangle(left, top, right - left, bottom - top, label)


def _ellipse(item: Mapping[str, Any], scale: Point, label: int) -> Shape:
    (centre,) = _in_image(_middle(item, 0.0)[None], scale)
    radius_x = item["radius"] * item["scaleX"] / scale[0]
    radius_y = item["radius"] * item["scaleY"] / scale[1]
    return Ellipse(centre, (radius_x, radius_y), label, angle=item["angle"])
