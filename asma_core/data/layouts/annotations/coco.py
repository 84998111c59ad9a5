"""COCO: one JSON with `images`, `annotations` and `categories` (polygons, run lengths, boxes)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from asma_core.data.layouts.annotations.run_lengths import coco_mask
from asma_core.data.layouts.annotations.shapes import (
    Annotated,
    Images,
    Picture,
    Shape,
    box,
    load_json,
    polygon,
)
from asma_core.data.layouts.entries import SPLITS
from asma_core.data.layouts.names import words_of
from asma_core.errors import InputError

COCO: Final = "coco"


def read_coco(folder: Path, files: Sequence[str], images: Images) -> Annotated | None:
    """Return what the COCO files of a folder say; None without one."""
    pictures: dict[str, Picture] = {}
    names: list[str] = []
    boxes = 0
    for path in (path for path in files if path.lower().endswith(".json")):
        content = load_json(folder / path)
        if not _is_coco(content):
            continue
        categories = _categories(content)
        names += [name for name in categories.values() if name not in names]
        by_image: dict[Any, list[Shape]] = defaultdict(list)
        sizes = {one.get("id"): one for one in content["images"] if isinstance(one, dict)}
        for one in content["annotations"]:
            image = sizes.get(one.get("image_id")) if isinstance(one, dict) else None
            if image is None:
                continue
            name = categories.get(one.get("category_id"), "structure")
            shape, is_box = _shape(one, name, image, path)
            boxes += is_box
            if shape is not None:
                by_image[one["image_id"]].append(shape)
        for key, one in sizes.items():
            found = images.find(str(one.get("file_name", "")))
            if found is not None:
                shapes = tuple(by_image[key])
                pictures[found] = Picture(found, shapes, _split(path), _size(one))
    if not pictures:
        return None
    notes = (f"{boxes:,} boxes without an outline, filled",) if boxes else ()
    return Annotated(COCO, tuple(pictures.values()), tuple(names), notes)


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(name), list) for name in ("images", "annotations")
    )


def _categories(content: Mapping[str, Any]) -> dict[Any, str]:
    listed = content.get("categories")
    found = listed if isinstance(listed, list) else []
    return {one.get("id"): str(one.get("name", "")) for one in found if isinstance(one, dict)}


def _size(image: Mapping[str, Any]) -> tuple[int, int] | None:
    height, width = image.get("height"), image.get("width")
    if type(height) is int and type(width) is int and 0 < height < 1 << 16 and 0 < width < 1 << 16:
        return height, width
    return None


def _split(path: str) -> str:
    """Return the split that a file such as annotations/instances_val2017.json speaks of."""
    words = [word for part in path.split("/") for word in words_of(part)]
    return next((SPLITS[word] for word in reversed(words) if word in SPLITS), "")


def _shape(
    annotation: Mapping[str, Any], name: str, image: Mapping[str, Any], path: str
) -> tuple[Shape | None, bool]:
    """Return an annotation's shape, and whether it is only a box."""
    drawn, bounds = annotation.get("segmentation"), annotation.get("bbox")
    try:
        if isinstance(drawn, dict):
            return Shape(name, mask=coco_mask(drawn)), False
        if isinstance(drawn, list) and drawn:
            parts = drawn if isinstance(drawn[0], list) else [drawn]
            return Shape(name, tuple(polygon(part) for part in parts if len(part) >= 6)), False
        if isinstance(bounds, list) and len(bounds) == 4:
            return Shape(name, (box(*map(float, bounds)),)), True
    except (InputError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: an outline of {image.get('file_name')} can't be read ({error})"
        ) from error
    return None, False
