"""Supervisely: a folder `ann` beside `img`, with a JSON for each image; classes in `meta.json`."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from asma_core.data.layouts.annotations.shapes import (
    MOST_BYTES,
    Annotated,
    Images,
    Picture,
    Shape,
    bitmap,
    in_order,
    load_json,
    polygon,
)
from asma_core.data.layouts.entries import SPLITS
from asma_core.data.layouts.names import words_of
from asma_core.errors import InputError

SUPERVISELY: Final = "supervisely"


def read_supervisely(folder: Path, files: Sequence[str], images: Images) -> Annotated | None:
    """Return what Supervisely's files say; None without one."""
    pictures, lines = [], 0
    for path in (path for path in files if "/ann/" in f"/{path}" and path.endswith(".json")):
        content = load_json(folder / path)
        if not (isinstance(content, dict) and isinstance(content.get("objects"), list)):
            continue
        above, _, name = f"/{path}".rpartition("/ann/")
        image = images.find(f"{above}/img/{name.removesuffix('.json')}".lstrip("/"))
        if image is None:
            continue
        shapes = [_shape(one, path) for one in content["objects"] if isinstance(one, dict)]
        lines += shapes.count(None)
        words = [word for part in path.split("/") for word in words_of(part)]
        split = next((SPLITS[word] for word in words if word in SPLITS), "")
        pictures.append(Picture(image, tuple(one for one in shapes if one), split))
    if not pictures:
        return None
    names = _named(folder, files) or in_order(
        sorted(shape.name for one in pictures for shape in one.shapes)
    )
    notes = (f"{lines:,} points and lines left out, which have no inside",) if lines else ()
    return Annotated(SUPERVISELY, tuple(pictures), names, notes)


def _named(folder: Path, files: Sequence[str]) -> tuple[str, ...]:
    path = next((path for path in files if path.rpartition("/")[2] == "meta.json"), None)
    content = load_json(folder / path) if path else {}
    listed = content.get("classes") if isinstance(content, dict) else None
    found = listed if isinstance(listed, list) else []
    return tuple(str(one.get("title", "")) for one in found if isinstance(one, dict))


def _shape(said: Mapping[str, Any], path: str) -> Shape | None:
    name, kind = str(said.get("classTitle", "")), said.get("geometryType")
    try:
        if kind == "bitmap":
            drawn = said["bitmap"]
            left, top = drawn["origin"]
            inside = bitmap(_inflated(drawn["data"]))
            return Shape(name, mask=inside, corner=(int(left), int(top)))
        points = said.get("points")
        if kind == "rectangle" and isinstance(points, dict):
            (left, top), (right, bottom) = points["exterior"]
            return Shape(name, (polygon([left, top, right, top, right, bottom, left, bottom]),))
        if kind == "polygon" and isinstance(points, dict):
            holes = tuple(polygon(one) for one in points.get("interior", ()))
            return Shape(name, (polygon(points["exterior"]),), holes)
    except (InputError, TypeError, ValueError, LookupError, binascii.Error, zlib.error) as error:
        raise InputError(f"{path}: the shape {name!r} can't be read ({error})") from error
    return None


def _inflated(text: Any) -> bytes:
    """Return a bitmap's file, which is packed; never more than a file may have."""
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(base64.b64decode(str(text), validate=True), MOST_BYTES)
    if unpacker.unconsumed_tail:
        raise InputError("a bitmap unpacks to too much")
    return data
