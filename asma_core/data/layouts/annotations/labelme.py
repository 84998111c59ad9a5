"""labelme: a JSON beside each image, with `shapes`."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from asma_core.data.layouts.annotations.shapes import (
    Annotated,
    Images,
    Picture,
    Shape,
    bitmap,
    ellipse,
    in_order,
    load_json,
    polygon,
)
from asma_core.errors import InputError

LABELME: Final = "labelme"
# Shapes that have no inside.
_LINES: Final = ("point", "points", "line", "linestrip")
_BACKGROUND: Final = ("_background_", "__ignore__")


def read_labelme(folder: Path, files: Sequence[str], images: Images) -> Annotated | None:
    """Return what labelme's files say; None without one."""
    pictures = []
    lines = 0
    for path in (path for path in files if path.lower().endswith(".json")):
        content = load_json(folder / path)
        if not (isinstance(content, dict) and isinstance(content.get("shapes"), list)):
            continue
        beside = path.rpartition("/")[0]
        said = str(content.get("imagePath") or "")
        image = images.find(f"{beside}/{said}") or images.find(path)
        if image is None:
            continue
        shapes = [_shape(one, path) for one in content["shapes"] if isinstance(one, dict)]
        lines += shapes.count(None)
        drawn = tuple(one for one in shapes if one is not None)
        pictures.append(Picture(image, drawn))
    if not pictures:
        return None
    names = in_order(sorted(shape.name for one in pictures for shape in one.shapes))
    names = tuple(name for name in names if name not in _BACKGROUND)
    notes = (f"{lines:,} points and lines left out, which have no inside",) if lines else ()
    return Annotated(LABELME, tuple(pictures), names, notes)


def _shape(said: Mapping[str, Any], path: str) -> Shape | None:
    name, kind, points = str(said.get("label", "")), said.get("shape_type"), said.get("points")
    if kind in _LINES or not isinstance(points, list):
        return None
    try:
        if kind == "mask":
            data = base64.b64decode(str(said.get("mask")), validate=True)
            (left, top), *_ = points
            return Shape(name, mask=bitmap(data), corner=(round(left), round(top)))
        if kind == "rectangle" and len(points) == 2:
            (left, top), (right, bottom) = points
            return Shape(name, (polygon([left, top, right, top, right, bottom, left, bottom]),))
        if kind == "circle" and len(points) == 2:
            (x, y), (a, b) = points
            radius = math.hypot(a - x, b - y)
            return Shape(name, (ellipse(x, y, radius, radius),))
        return Shape(name, (polygon(points),))
    except (InputError, TypeError, ValueError, binascii.Error) as error:
        raise InputError(f"{path}: the shape {name!r} can't be read ({error})") from error
