"""Masks as outlines over images.

Outlines are traced along the edges of the pixels and drawn at the picture's own size, so that a
small mask over a large picture gives one clean line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from asma_core.data.masks.palette import Role, dashes_of
from asma_core.errors import InputError
from ui.pictures.border_tracing import contours, smoothed

Picture = NDArray[np.uint8]
# The picture is drawn at twice its size and reduced, which smooths the lines.
OVERSAMPLING: Final = 2
MANY_POINTS: Final = 64
HALO: Final = (0, 0, 0, 120)
FILL_OPACITY: Final = 0.25


@dataclass(frozen=True)
class Layer:
    """One mask to draw.

    Attributes:
        mask: Label mask, int (H, W) or bool; it is stretched over the picture.
        role: What it stands for, which is its colour.
        fill: Whether to fill the classes at 25 % as well.
        opacity: Of the line, in [0, 1].
    """

    mask: NDArray[np.integer] | NDArray[np.bool_]
    role: Role
    fill: bool = False
    opacity: float = 1.0


def fit_size(shape: tuple[int, ...], width: int, height: int) -> tuple[int, int]:
    """Return the largest (width, height) of the shape's proportions that fits.

    Args:
        shape: (H, W) or (H, W, C) of the image.
        width: Most pixels across.
        height: Most pixels down.

    Returns:
        Width and height, at least 1 each.
    """
    factor = min(width / shape[1], height / shape[0])
    return max(round(shape[1] * factor), 1), max(round(shape[0] * factor), 1)


def resize(image: Picture, size: tuple[int, int]) -> Picture:
    """Scale a picture: smoothly where it shrinks, and gently where it grows.

    Args:
        image: uint8 (H, W, 3).
        size: (width, height).

    Returns:
        The picture, uint8 (height, width, 3).
    """
    if (image.shape[1], image.shape[0]) == size:
        return image
    method = Image.Resampling.BICUBIC if size[0] > image.shape[1] else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(image).resize(size, method))


def outline(
    image: Picture, layers: Sequence[Layer], line_width: float = 2.0, finer: int = OVERSAMPLING
) -> Picture:
    """Draw masks over an image as outlines with a thin dark halo.

    Args:
        image: uint8 (H, W, 3).
        layers: The masks, the lowest first. Classes differ by the style of the line.
        line_width: In pixels of the picture.
        finer: How many times finer lines are drawn than the picture is; 1 for a picture that is
            reduced itself.

    Returns:
        A new picture, uint8 (H, W, 3).

    Raises:
        InputError: The image or a mask has an unusable shape.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise InputError(f"expected an RGB image of bytes, got {image.dtype} {image.shape}")
    picture = Image.fromarray(image)
    for layer in layers:
        if layer.mask.ndim != 2:
            raise InputError(f"expected a mask of shape (H, W), got {layer.mask.shape}")
        if layer.fill:
            picture = _filled(picture, layer)
        picture = _lined(picture, layer, line_width, finer)
    return np.asarray(picture)


def _class_lines(
    mask: NDArray[np.integer] | NDArray[np.bool_], size: tuple[int, int]
) -> list[tuple[int, NDArray[np.float64]]]:
    """Return (class, closed line in pixels of `size`) for every border in the mask."""
    labels = _reduced(mask.astype(np.int32), size)
    scale = np.array(size) / (labels.shape[1], labels.shape[0])
    lines = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            corner = (max(box[1].start - 1, 0), max(box[0].start - 1, 0))
            borders = contours(_with_rim(labels, box), label)
            lines += [(label, (smoothed(border) + corner) * scale) for border in borders]
    return lines


def _with_rim(labels: NDArray[np.int32], box: tuple[slice, slice]) -> NDArray[np.int32]:
    """Cut a box out with the pixels around it, which say where a class meets another."""
    rows, columns = (slice(max(side.start - 1, 0), side.stop + 1) for side in box)
    return labels[rows, columns]


def _reduced(labels: NDArray[np.int32], size: tuple[int, int]) -> NDArray[np.int32]:
    """Take a mask that is finer than the drawing down to the drawing's own size."""
    if labels.shape[1] <= size[0] and labels.shape[0] <= size[1]:
        return labels
    reduced = Image.fromarray(labels).resize(size, Image.Resampling.NEAREST)
    return np.asarray(reduced, dtype=np.int32)


def _filled(picture: Image.Image, layer: Layer) -> Image.Image:
    region = Image.fromarray(np.uint8(255 * FILL_OPACITY) * (layer.mask > 0).astype(np.uint8))
    alpha = region.resize(picture.size, Image.Resampling.NEAREST)
    return Image.composite(Image.new("RGB", picture.size, layer.role.colour), picture, alpha)


def _lined(picture: Image.Image, layer: Layer, line_width: float, finer: int) -> Image.Image:
    size = (picture.width * finer, picture.height * finer)
    canvas = Image.new("RGBA", size)
    draw = ImageDraw.Draw(canvas)
    width = line_width * finer
    colour = (*layer.role.rgb, round(255 * layer.opacity))
    pieces = [
        piece
        for label, line in _class_lines(layer.mask, size)
        for piece in _dashed(line, dashes_of(label), width)
    ]
    for thickness, ink in ((width + 2 * finer, HALO), (width, colour)):
        for piece in pieces:
            # Where points lie close, the line has no corners to round, and rounding is slow.
            joint = "curve" if len(piece) < MANY_POINTS else None
            draw.line(piece.ravel().tolist(), fill=ink, width=round(thickness), joint=joint)
    over = canvas if finer == 1 else canvas.resize(picture.size, Image.Resampling.BOX)
    return Image.alpha_composite(picture.convert("RGBA"), over).convert("RGB")


def _dashed(
    line: NDArray[np.float64], dashes: tuple[float, ...], width: float
) -> list[NDArray[np.float64]]:
    """Cut a line into dashes; without any it comes back whole."""
    if not dashes:
        return [line]
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    period = np.array(dashes) * width
    repeats = max(round(along[-1] / period.sum()), 1)
    stops = np.cumsum(np.tile(period, repeats)) * along[-1] / (period.sum() * repeats)
    starts = np.concatenate([[0], stops[:-1]])
    return [
        _stretch(line, along, low, high) for low, high in zip(starts[::2], stops[::2], strict=True)
    ]


def _stretch(
    line: NDArray[np.float64], along: NDArray[np.float64], low: float, high: float
) -> NDArray[np.float64]:
    first, last = np.searchsorted(along, [low, high])
    positions = np.concatenate([[low], along[first:last], [high]])
    return np.stack([np.interp(positions, along, line[:, axis]) for axis in (0, 1)], axis=1)
