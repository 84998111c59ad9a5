"""CVAT for images: one `annotations.xml` with polygons, boxes, ellipses and masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from asma_core.data.layouts.annotations.run_lengths import alternating
from asma_core.data.layouts.annotations.shapes import (
    MOST_BYTES,
    Annotated,
    Images,
    Picture,
    Shape,
    box,
    ellipse,
    in_order,
    polygon,
)
from asma_core.data.layouts.entries import SPLITS
from asma_core.errors import InputError

CVAT: Final = "cvat"


def read_cvat(folder: Path, files: Sequence[str], images: Images) -> Annotated | None:
    """Return what CVAT's file says; None without one."""
    for path in (path for path in files if path.lower().endswith(".xml")):
        root = load_xml(folder / path)
        if root.tag != "annotations":
            continue
        pictures = []
        for said in root.iter("image"):
            image = images.find(said.get("name", ""))
            if image is not None:
                shapes = [_shape(one, path) for one in said]
                split = SPLITS.get((said.get("subset") or "").lower(), "")
                pictures.append(Picture(image, tuple(one for one in shapes if one), split))
        if pictures:
            names = in_order(one.text or "" for one in root.findall(".//labels/label/name"))
            return Annotated(CVAT, tuple(pictures), names)
    return None


def load_xml(path: Path) -> Element:
    """Return the root of an XML file.

    Raises:
        InputError: Too large, with entities of its own, or not XML.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB; split it")
        data = path.read_bytes()
        if b"<!ENTITY" in data:
            raise InputError(f"{path.name} declares entities; export it without")
        return ElementTree.fromstring(data)
    except (OSError, ElementTree.ParseError, ValueError, RecursionError) as error:
        raise InputError(f"{path.name} can't be read as XML; export it again") from error


def _shape(said: Element, path: str) -> Shape | None:
    name = said.get("label", "")

    def number(key: str) -> float:
        return float(said.get(key) or 0.0)

    try:
        if said.tag == "polygon":
            pairs = [pair.split(",") for pair in said.get("points", "").split(";") if pair]
            return Shape(name, (polygon(pairs),))
        if said.tag == "box":
            left, top = number("xtl"), number("ytl")
            sides = number("xbr") - left, number("ybr") - top
            return Shape(name, (box(left, top, *sides),))
        if said.tag == "ellipse":
            axes = number("rx"), number("ry")
            return Shape(name, (ellipse(number("cx"), number("cy"), *axes, number("rotation")),))
        if said.tag == "mask":
            runs = [int(run) for run in said.get("rle", "").split(",")]
            height, width = int(number("height")), int(number("width"))
            corner = int(number("left")), int(number("top"))
            inside = alternating(runs, height * width).reshape(height, width)
            return Shape(name, mask=inside, corner=corner)
    except (InputError, TypeError, ValueError) as error:
        raise InputError(f"{path}: the shape {name!r} can't be read ({error})") from error
    return None
