"""Drawing a target mask over an image: the component in the browser, and the mask that it makes.

The browser holds the shapes, in image coordinates, with one history of undo and redo; the mask is
painted here, at the image's own resolution.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.data.formats.images import encode_png
from asma_core.data.targets.drawing import rasterise
from asma_core.errors import InputError
from ui.editor.drawings import Head, Kept, drawings
from ui.editor.shapes import REGION, TARGET, to_shapes
from ui.pictures.encoding import jpeg
from ui.pictures.packing import MASK_LOOKS, Packet, labels_png
from ui.pictures.script import shared_script

# Above it a PNG takes a second and megabytes; the difference is not seen.
MOST_EXACT: Final = 1_200_000
QUALITY: Final = 95

_FOLDER: Final = Path(__file__).parent
_component = st.components.v2.component(
    "asma_target_editor",
    html=(_FOLDER / "editor.html").read_text(encoding="utf-8"),
    css=(_FOLDER / "editor.css").read_text(encoding="utf-8"),
    js=shared_script()
    + (_FOLDER / "shapes.js").read_text(encoding="utf-8")
    + (_FOLDER / "editor.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Ground:
    """What is drawn on.

    Attributes:
        identity: Names the image; a drawing belongs to it.
        image: uint8 (H, W, 3).
        base: The mask that drawing starts from, int64 (H, W).
        prediction: To be outlined below the target, int64 (H, W).
        classes: Names of the classes, background first.
        region: bool (H, W), where the image may change before anything is drawn; None for all.
    """

    identity: str
    image: NDArray[np.uint8]
    base: NDArray[np.int64]
    prediction: NDArray[np.int64]
    classes: tuple[str, ...]
    region: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise InputError(
                f"expected an RGB image of bytes, got {self.image.dtype} {self.image.shape}"
            )
        if self.base.shape != self.image.shape[:2]:
            raise InputError(
                f"expected a mask of shape {self.image.shape[:2]}, got {self.base.shape}; "
                "resize it first"
            )
        if len(self.classes) < 2:
            raise InputError("expected a background and at least one class to draw")


def target_editor(key: str, ground: Ground, head: Head) -> None:
    """Show the editor; what it draws is in `drawings` from the next run on, by the outbox.

    Args:
        key: Of the session's drawings.
        ground: What is drawn on.
        head: The page's choices that belong to the drawing, as JSON; switching them is a step of
            the editor's history. Undoing it changes the head that `drawings` has.
    """
    _component(
        data=_packed(key, ground, drawings(key).of(ground.identity), head),
        key=f"{key}-canvas",
    )


def painted(base: NDArray[np.int64], kept: Kept, classes: int) -> NDArray[np.int64]:
    """Return the target, int64 (H, W): what was drawn over a mask.

    Args:
        base: int64 (H, W).
        kept: The drawing.
        classes: How many there are; what was drawn for another network in a class that this one
            has not is left out, and kept.
    """
    shapes = to_shapes(kept.drawing.shapes, TARGET)
    return rasterise(base, [shape for shape in shapes if shape.class_index < classes])


def painted_region(
    region: NDArray[np.bool_] | None, kept: Kept, shape: tuple[int, int]
) -> NDArray[np.bool_] | None:
    """Return where the image may change, bool (H, W); None is all of it.

    The first thing that is painted where it may change everywhere says: only here.

    Args:
        region: Before anything is drawn.
        kept: The drawing.
        shape: (H, W) of the image.
    """
    shapes = to_shapes(kept.drawing.shapes, REGION)
    if not shapes:
        return region
    start = np.full(shape, shapes[0].class_index == 0) if region is None else region
    return rasterise(start.astype(np.int64), shapes) > 0


def n_edits(kept: Kept) -> int:
    """Return how many shapes are drawn over the start of the target."""
    return len(to_shapes(kept.drawing.shapes, TARGET))


def _packed(key: str, ground: Ground, kept: Kept, head: Mapping[str, Any]) -> bytes:
    """Return what the browser is sent; the same bytes at every run that changes nothing."""
    packet = Packet()
    picture_key, picture = _picture(_Bytes(ground.image))
    height, width = ground.base.shape
    return packet.sealed(
        {
            "editor": key,
            "identity": ground.identity,
            "revision": kept.revision,
            "given": kept.given.for_browser(),
            "head": head,
            "width": width,
            "height": height,
            "classes": list(ground.classes),
            "looks": MASK_LOOKS,
            "picture_key": picture_key,
            "picture": packet.add(picture),
            "base": packet.add(_labels(_Bytes(ground.base))) if ground.base.any() else None,
            "before": packet.add(_labels(_Bytes(ground.prediction))),
            "region": None if ground.region is None else packet.add(_labels(_Bytes(ground.region))),
        }
    )


class _Bytes:
    """Pixels that are told apart by what is in them."""

    def __init__(self, image: NDArray[Any]) -> None:
        self.image = image
        pixels = np.ascontiguousarray(image).view(np.uint8).data
        self.name = json.dumps([image.shape, zlib.crc32(pixels), zlib.adler32(pixels)])

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bytes) and other.name == self.name


@lru_cache(maxsize=16)
def _labels(pixels: _Bytes) -> bytes:
    return labels_png(pixels.image)


@lru_cache(maxsize=8)
def _picture(pixels: _Bytes) -> tuple[str, bytes]:
    image = pixels.image
    exact = image.shape[0] * image.shape[1] <= MOST_EXACT
    return pixels.name, encode_png(image) if exact else jpeg(image, QUALITY)
