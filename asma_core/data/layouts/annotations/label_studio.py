"""Label Studio: one JSON of tasks with polygons, boxes, ellipses and brushes in per cent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from asma_core.data.layouts.annotations.run_lengths import brush_mask
from asma_core.data.layouts.annotations.shapes import (
    Annotated,
    Images,
    Picture,
    Shape,
    box,
    ellipse,
    in_order,
    load_json,
    polygon,
)
from asma_core.errors import InputError

LABEL_STUDIO: Final = "label-studio"
# What its uploads put before a file's name.
_UPLOADED: Final = re.compile(r"^[0-9a-f]{8}-")
_KINDS: Final = ("polygonlabels", "rectanglelabels", "ellipselabels", "brushlabels")


def read_label_studio(folder: Path, files: Sequence[str], images: Images) -> Annotated | None:
    """Return what Label Studio's file says; None without one."""
    for path in (path for path in files if path.lower().endswith(".json")):
        content = load_json(folder / path)
        tasks = content if isinstance(content, list) else []
        pictures = [found for task in tasks if (found := _picture(task, images, path)) is not None]
        if pictures:
            names = in_order(sorted(shape.name for one in pictures for shape in one.shapes))
            return Annotated(LABEL_STUDIO, tuple(pictures), names)
    return None


def _picture(task: Any, images: Images, path: str) -> Picture | None:
    data = task.get("data") if isinstance(task, dict) else None
    if not isinstance(data, dict):
        return None
    said = [str(value) for value in (task.get("file_upload"), *data.values()) if value]
    image = next((found for one in said if (found := _found(one, images)) is not None), None)
    if image is None:
        return None
    shapes = []
    given = [one for one in task.get("annotations") or () if isinstance(one, dict)]
    # Of several annotators the first that did not cancel.
    kept = next((one for one in given if not one.get("was_cancelled")), {})
    for result in kept.get("result") or ():
        shape = _shape(result, path) if isinstance(result, dict) else None
        if shape is not None:
            shapes.append(shape)
    return Picture(image, tuple(shapes))


def _found(said: str, images: Images) -> str | None:
    name = said.replace("\\", "/").rpartition("/")[2]
    return images.find(said) or images.find(_UPLOADED.sub("", name))


def _shape(result: Mapping[str, Any], path: str) -> Shape | None:
    kind, value = result.get("type"), result.get("value")
    if kind not in _KINDS or not isinstance(value, dict):
        return None
    try:
        name = str((value.get(kind) or ["structure"])[0])
        width, height = float(result["original_width"]), float(result["original_height"])
        if kind == "brushlabels":
            return Shape(name, mask=brush_mask(value["rle"], round(height), round(width)))
        if kind == "polygonlabels":
            scaled = [(x * width / 100, y * height / 100) for x, y in value["points"]]
            return Shape(name, (polygon(scaled),))
        x, y = value["x"] * width / 100, value["y"] * height / 100
        turned = float(value.get("rotation") or 0.0)
        if kind == "rectanglelabels":
            sides = value["width"] * width / 100, value["height"] * height / 100
            return Shape(name, (box(x, y, *sides, turned),))
        axes = value["radiusX"] * width / 100, value["radiusY"] * height / 100
        return Shape(name, (ellipse(x, y, *axes, turned),))
    except (InputError, TypeError, ValueError, LookupError) as error:
        raise InputError(f"{path}: a region can't be read ({error})") from error
