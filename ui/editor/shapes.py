"""From what the target editor draws in the browser (JSON) to shapes in image coordinates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from asma_core.data.targets.drawing import Ellipse, Point, Polygon, Rectangle, Shape, Stroke
from asma_core.errors import InputError

Item = dict[str, Any]
TARGET: Final = "target"
REGION: Final = "region"
LAYERS: Final = (TARGET, REGION)
# Nobody's hand draws more; an address or a file may hold anything.
MOST_SHAPES: Final = 5000
MOST_POINTS: Final = 200_000


def checked_items(items: Any) -> list[Item]:
    """Return the shapes of a drawing that can be used, in their order, as the browser has them."""
    if not isinstance(items, list):
        return []
    return [item for item in items[:MOST_SHAPES] if _usable(item)]


def to_shapes(items: Sequence[Item], layer: str) -> tuple[Shape, ...]:
    """Return the shapes of one layer.

    Args:
        items: As `checked_items` returns them.
        layer: One of `LAYERS`.
    """
    return tuple(_shape(item) for item in items if item["layer"] == layer)


def to_items(shapes: Sequence[Shape], layer: str = TARGET) -> list[Item]:
    """Return shapes as the browser has them; the counterpart of `to_shapes`."""
    return [_item(shape) | {"class": shape.class_index, "layer": layer} for shape in shapes]


def checked_points(value: Any) -> list[list[float]]:
    """Return the corners of a polygon that is not closed yet; none where they make no sense."""
    try:
        return [list(point) for point in _points(value)]
    except (InputError, TypeError, ValueError):
        return []


def _usable(item: Any) -> bool:
    try:
        _shape(item)
    except (InputError, KeyError, TypeError, ValueError):
        return False
    return item["layer"] in LAYERS


def _shape(item: Mapping[str, Any]) -> Shape:
    label = item["class"]
    if type(label) is not int or not 0 <= label <= 255:
        raise InputError(f"expected a class of 0 to 255, got {label!r}")
    match item["kind"]:
        case "stroke":
            return Stroke(_points(item["points"], 1), _positive(item["width"]), label)
        case "polygon":
            return Polygon(_points(item["points"], 3), label)
        case "rectangle":
            left, top = _finite(item["left"]), _finite(item["top"])
            return Rectangle(left, top, _positive(item["width"]), _positive(item["height"]), label)
        case "ellipse":
            ((x, y),) = _points([item["centre"]])
            radius_x, radius_y = (_positive(radius) for radius in item["radii"])
            return Ellipse((x, y), (radius_x, radius_y), label)
    raise InputError(f"expected a shape, got {item['kind']!r}")


def _points(value: Any, least: int = 0) -> tuple[Point, ...]:
    if not least <= len(value) <= MOST_POINTS:
        raise InputError(f"expected at least {least} points, got {len(value)}")
    return tuple((_finite(x), _finite(y)) for x, y in value)


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(value) or abs(value) > 1e6:
        raise InputError(f"expected a coordinate, got {value!r}")
    return float(value)


def _positive(value: Any) -> float:
    if _finite(value) <= 0:
        raise InputError(f"expected a size above 0, got {value!r}")
    return float(value)


def _item(shape: Shape) -> Item:
    match shape:
        case Ellipse():
            return {"kind": "ellipse", "centre": list(shape.centre), "radii": list(shape.radii)}
        case Rectangle():
            values = asdict(shape)
            return {"kind": "rectangle"} | {
                name: values[name] for name in ("left", "top", "width", "height")
            }
        case Polygon():
            return {"kind": "polygon", "points": [list(point) for point in shape.points]}
        case Stroke():
            points = [list(point) for point in shape.points]
            return {"kind": "stroke", "points": points, "width": shape.width}
