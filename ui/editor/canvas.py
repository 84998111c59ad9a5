"""Drawing a target mask over an image with the mouse.

The browser's canvas holds the shapes; the mask is painted here, at the image's own resolution,
and its outline comes back as part of the picture behind the canvas. A drawing belongs to the
session: it outlives reruns and other pages, and ends when the image or the base changes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.data.masks.palette import TARGET
from asma_core.data.targets.drawing import Shape, rasterise
from asma_core.errors import InputError
from ui.editor.fabric_shapes import to_shapes
from ui.editor.session import DrawingSession, Drawn, find_session
from ui.editor.tools import FREEHAND, HINTS, TOOLS, drawing_tools
from ui.pictures.encoding import jpeg
from ui.pictures.outlines import Layer, fit_size, outline, resize

QUALITY: Final = 95
# The canvas has a toolbar of its own, with an undo that the server doesn't hear of while a
# polygon is drawn. Ours does its work, so that one is cut off.
STYLE: Final = """<style>
[class*="st-key-"][class*="-surface"] [data-testid="stBidiComponentRegular"],
[class*="st-key-"][class*="-surface"] [data-testid="stBidiComponentIsolated"]
{ clip-path: inset(0); cursor: crosshair; }
</style>"""


@dataclass(frozen=True)
class MaskDrawing:
    """What has been drawn.

    Attributes:
        mask: Label mask, int64 (H, W), at the image's own resolution.
        shapes: The shapes in image coordinates, in the order of drawing.
        n_edits: How many shapes lie over the base; 0 where the mask is the base.
        objects: The shapes as the canvas has them, for `drawn`.
    """

    mask: NDArray[np.int64]
    shapes: tuple[Shape, ...]
    n_edits: int
    objects: Drawn


def mask_canvas(
    image: NDArray[np.uint8],
    base_mask: NDArray[np.int64],
    classes: tuple[str, ...],
    key: str,
    references: Sequence[Layer] = (),
    width: int = 620,
    height: int = 620,
    identity: str | None = None,
    drawn: Drawn | None = None,
) -> MaskDrawing:
    """Show an image to draw a mask on, with its tools.

    Args:
        image: uint8 (H, W, 3).
        base_mask: The mask that drawing starts from, int64 (H, W).
        classes: Names of the classes, background first.
        key: Begins the keys of all widgets here; one canvas per key.
        references: Other masks to outline below the target, such as the prediction.
        width: Most pixels on the screen across; the image is scaled to fit.
        height: Most pixels on the screen down.
        identity: Names image and base; when it changes, the drawing starts anew. Worked out from
            the pixels unless given.
        drawn: What a new drawing begins with, such as one that was kept.

    Returns:
        The mask at the image's own resolution, and the shapes that made it.

    Raises:
        InputError: Image and mask don't fit together, or there is no class to draw.
    """
    _check(image, base_mask, classes)
    # Importing it registers a component, for which Streamlit has to be running.
    from streamlit_drawable_canvas import st_canvas

    size = fit_size(image.shape, width, height)
    scale = (size[0] / image.shape[1], size[1] / image.shape[0])
    name = f"{identity or _fingerprint(image, base_mask)}-{size[0]}x{size[1]}"
    session = find_session(key, name, drawn)
    canvas_key = f"{key}-canvas-{session.identity}"
    colours = _colours(len(classes))
    _listen(session, canvas_key, scale, colours)
    st.html(STYLE)
    tool, label, brush = drawing_tools(key, session, classes, max(image.shape[:2]), size[0])
    shapes = to_shapes(session.drawn, scale, colours)
    mask, picture = _painted(session, image, base_mask, shapes, tuple(references), size)
    with st.container(key=f"{key}-surface"):
        st_canvas(
            fill_color=_fill_of(label),
            stroke_width=brush * float(np.sqrt(scale[0] * scale[1])) if tool in FREEHAND else 1,
            stroke_color=_colour_of(label, tool),
            background_image=picture,
            width=size[0],
            height=size[1],
            drawing_mode="freedraw" if tool in FREEHAND else tool,
            initial_drawing={"objects": session.given, "revision": session.revision},
            key=canvas_key,
        )
    st.caption(HINTS[tool])
    return MaskDrawing(mask, shapes, len(shapes), session.drawn)


def _check(
    image: NDArray[np.uint8], base_mask: NDArray[np.int64], classes: tuple[str, ...]
) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(f"expected an RGB image of bytes, got {image.dtype} {image.shape}")
    if base_mask.shape != image.shape[:2]:
        raise InputError(
            f"expected a mask of shape {image.shape[:2]}, got {base_mask.shape}; resize it first"
        )
    if len(classes) < 2:
        raise InputError("expected a background and at least one class to draw")


def _fingerprint(image: NDArray[np.uint8], mask: NDArray[np.int64]) -> str:
    return f"{_checksum(image):08x}{_checksum(mask):08x}"


def _colour_of(label: int, tool: str) -> str:
    """Return the stroke colour of a class; the last digits of blue tell classes apart.

    Brush strokes let the image through; the thin line of a closed shape is seen while it is
    drawn, and faint enough then for the dashes of the outline beneath it.
    """
    if not label or tool == "eraser":
        return "rgba(90, 90, 90, 0.22)"
    return _rgba(label, 0.3 if tool == "brush" else 0.45)


def _fill_of(label: int) -> str:
    return _rgba(label, 0.12)


def _rgba(label: int, opacity: float) -> str:
    red, green, blue = TARGET.rgb
    return f"rgba({red}, {green}, {(blue + label) % 256}, {opacity})"


def _colours(count: int) -> dict[str, int]:
    drawn = {_colour_of(label, tool): label for label in range(1, count) for tool in TOOLS}
    return {**drawn, _colour_of(0, "eraser"): 0}


def _painted(
    session: DrawingSession,
    image: NDArray[np.uint8],
    base_mask: NDArray[np.int64],
    shapes: tuple[Shape, ...],
    references: tuple[Layer, ...],
    size: tuple[int, int],
) -> tuple[NDArray[np.int64], bytes]:
    """Return the mask and the picture behind the canvas; both are kept until something changes."""
    styles = [(layer.role, layer.fill, layer.opacity) for layer in references]
    wanted = (shapes, [_checksum(layer.mask) for layer in references], styles)
    if session.painted is None or session.painted[0] != wanted:
        if session.scaled is None:
            session.scaled = resize(image, size)
        mask = rasterise(base_mask, shapes)
        picture = outline(session.scaled, [*references, Layer(mask, TARGET)])
        session.painted = (wanted, mask.astype(np.uint8), jpeg(picture, QUALITY))
    return session.painted[1].astype(np.int64), session.painted[2]


def _listen(
    session: DrawingSession, canvas_key: str, scale: tuple[float, float], colours: dict[str, int]
) -> None:
    """Take over what the browser has drawn since the last run.

    A canvas that was not on the page in the last run starts empty in the browser: it is given
    the drawing. One that is there is left alone, or a stroke under way would be lost.
    """
    if canvas_key not in st.session_state:
        session.reported = None
        session.give()
        return
    report = (st.session_state[canvas_key].get("drawing") or {}).get("raw") or {}
    drawn: Drawn = report.get("objects", [])
    if "version" not in report or drawn == session.reported:
        return
    session.reported = drawn
    if to_shapes(drawn, scale, colours) != to_shapes(session.drawn, scale, colours):
        session.add(drawn)


def _checksum(pixels: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(pixels).view(np.uint8).data)
