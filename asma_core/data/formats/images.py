"""Reading pictures into float32 (C, H, W) in [0, 1], and writing them back as 8-bit PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.formats import dicom, nifti
from asma_core.data.formats.colours import ByteImage, FloatImage, converted, from_bytes
from asma_core.data.formats.deep_colours import deep_mask, only_opacity_shows
from asma_core.data.formats.opening import (
    FORMATS,
    NAMES,
    SUFFIXES,
    VOLUMES,
    Source,
    check_sides,
    decoding,
    deep_colours,
    most_pixels,
    opened,
    pages,
    read_data,
)
from asma_core.data.formats.pillow_pictures import pillow_picture
from asma_core.data.formats.series import is_folder, slices_of
from asma_core.data.formats.slices import MIDDLE, Slice
from asma_core.data.formats.windows import MOST_VALUES, Greys, Picture, Values, seen, thinned

__all__ = [
    "NAMES",
    "SUFFIXES",
    "VOLUMES",
    "ByteImage",
    "FloatImage",
    "Source",
    "check_image",
    "check_sides",
    "converted",
    "count_frames",
    "count_volumes",
    "encode_png",
    "from_bytes",
    "picture_size",
    "read_data",
    "read_greys",
    "read_image",
    "read_picture",
    "read_values",
    "to_bytes",
    "to_rgb",
]

# Pages that are looked at to choose a window for all.
_PAGES = 8


def read_image(source: Source, name: str | None = None, where: Slice = MIDDLE) -> FloatImage:
    """Read a picture of one of Pillow's formats, of DICOM or of NIfTI, through its window.

    Turned upright by its EXIF tag; palettes are resolved; transparency lies over black. What has
    more than 8 bits is seen through a window, see `asma_core.data.formats.windows`.

    Args:
        source: A path, or the file's bytes. A folder of DICOM slices of one series is a volume.
        name: What to call it in errors; the file's name by default.
        where: Which picture of a file or series that holds several (the middle one by default),
            and the window.

    Returns:
        float32 (C, H, W) in [0, 1], C is 1 (grey) or 3 (RGB).

    Raises:
        InputError: Empty, truncated, too large, too small or not one of the formats.
    """
    return read_picture(source, name, where).image


def check_image(source: Source, name: str | None = None, where: Slice = MIDDLE) -> None:
    """Check that a picture can be read as `read_image` does.

    Raises:
        InputError: It can't.
    """
    read_image(source, name, where)


def read_picture(source: Source, name: str | None = None, where: Slice = MIDDLE) -> Picture:
    """Read a picture as `read_image` does, with the window that it was seen through.

    Raises:
        InputError: As for `read_image`.
    """
    read, label = _read(source, name, where)
    with decoding(label):
        return seen(read, where.window) if isinstance(read, Greys) else read


def read_greys(source: Source, name: str | None = None, where: Slice = MIDDLE) -> Greys | None:
    """Read a picture in its file's own units; None for one of Pillow's 8 bits.

    Raises:
        InputError: As for `read_image`.
    """
    read, _ = _read(source, name, where)
    return read if isinstance(read, Greys) else None


def _read(source: Source, name: str | None, where: Slice) -> tuple[Greys | Picture, str]:
    slices = _slices(source)
    if not slices:
        data, label = read_data(source, name)
        return _decoded(data, label, where), label
    data, label = read_data(slices[where.chosen(len(slices), str(source))], name)
    read = _decoded(data, label, MIDDLE)
    if isinstance(read, Greys):
        read = replace(read, more=lambda: _of_series(slices))
    return read, label


def _slices(source: Source) -> tuple[Path, ...]:
    """Return the files of a folder that is a series of slices; none for a file."""
    return slices_of(source) if isinstance(source, Path) and is_folder(source) else ()


def _of_series(slices: Sequence[Path]) -> Values:
    """Return values of some slices, so that one window is for all."""
    places = sorted({round(at) for at in np.linspace(0, len(slices) - 1, min(len(slices), _PAGES))})
    parts = [read for place in places if (read := read_greys(slices[place])) is not None]
    return np.concatenate([thinned(part.some(), MOST_VALUES // len(parts)) for part in parts])


def _decoded(data: bytes, label: str, where: Slice) -> Greys | Picture:
    reader = _reader(data)
    if reader is None:
        return pillow_picture(data, label, where)
    with decoding(label):
        read: Greys | Picture = reader.read(data, label, where, most_pixels())
        height, width = (read.values if isinstance(read, Greys) else read.image[0]).shape[:2]
        check_sides(width, height, label)
        return read


def read_values(
    source: Source, name: str | None = None, where: Slice = MIDDLE, by_colour: bool = False
) -> NDArray[Any]:
    """Read a mask's values as they are stored: (H, W), or (H, W, 3) in 8-bit colours.

    Where only the transparency shows the shape, as the colour is the same in and around it, that
    is what is returned: 0 where nothing is seen, to 255.

    Args:
        source: A path, or the file's bytes. A folder of DICOM slices of one series is a volume.
        name: What to call it in errors.
        where: Which picture of a file or series that holds several.
        by_colour: Whether an indexed picture gives its colours instead of its numbers.

    Raises:
        InputError: As for `read_image`.
    """
    if slices := _slices(source):
        source, where = slices[where.chosen(len(slices), str(source))], MIDDLE
    data, label = read_data(source, name)
    reader = _reader(data)
    if reader is not None:
        with decoding(label):
            values: NDArray[Any] = reader.read_values(data, label, where, most_pixels())
            return values
    picture, _ = opened(data, label, where)
    if by_colour and picture.mode == "P":
        return converted(picture, "RGB", label)
    if picture.mode in ("P", "L", "F") or picture.mode.startswith("I"):
        return np.asarray(picture)
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8)
    deep = deep_colours(picture, data, label, where)
    if deep is not None:
        return deep_mask(deep)
    colours = converted(picture, "RGB", label)
    if picture.mode in ("LA", "RGBA", "La", "RGBa"):
        opacity = converted(picture, "RGBA", label)[..., 3]
        if only_opacity_shows(colours, opacity):
            return opacity
    return colours if (colours != colours[..., :1]).any() else colours[..., 0]


def count_frames(source: Source, name: str | None = None, axis: int = 2) -> int:
    """Return how many pictures a file holds: pages of a TIFF, frames, slices along an axis.

    Pages that are smaller than others are thumbnails, and not counted.

    Raises:
        InputError: It can't be read.
    """
    if slices := _slices(source):
        return len(slices)
    data, label = read_data(source, name)
    reader = _reader(data)
    with decoding(label):
        if reader is dicom:
            return dicom.count_frames(data, label)
        if reader is nifti:
            return nifti.count_frames(data, label, axis)
        return len(pages(Image.open(io.BytesIO(data), formats=FORMATS)))


def count_volumes(source: Source, name: str | None = None) -> int:
    """Return how many volumes a file holds: of NIfTI of four dimensions several, else 1.

    Raises:
        InputError: It can't be read.
    """
    data, label = read_data(source, name)
    with decoding(label):
        return nifti.count_volumes(data, label) if _reader(data) is nifti else 1


def picture_size(source: Source, name: str | None = None, where: Slice = MIDDLE) -> tuple[int, int]:
    """Return height and width of a picture, upright or as stored, mostly from its header.

    Raises:
        InputError: It can't be read.
    """
    if slices := _slices(source):
        source = slices[0]
    data, label = read_data(source, name)
    reader = _reader(data)
    with decoding(label):
        if reader is dicom:
            return dicom.size(data, label)
        if reader is nifti:
            return nifti.size(data, label, where.axis)
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        picture.seek(pages(picture)[0])
        turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        width, height = picture.size
    return (width, height) if turned and where.upright else (height, width)


def _reader(data: bytes) -> ModuleType | None:
    """Return what reads a file that is not Pillow's to read; None for all others."""
    if dicom.is_dicom(data):
        return dicom
    return nifti if nifti.is_nifti(data) else None


def to_bytes(image: FloatImage) -> ByteImage:
    """Round float (C, H, W) in [0, 1] to uint8, (H, W) for grey and (H, W, 3) for colour."""
    pixels = np.empty((*image.shape[1:], image.shape[0]), dtype=np.uint8)
    # A channel at a time: of a large image the floats between are larger than the image.
    for channel, plane in enumerate(image):
        scaled = plane * 255.0
        np.clip(np.rint(scaled, out=scaled), 0.0, 255.0, out=scaled)
        pixels[..., channel] = scaled
    return pixels[..., 0] if pixels.shape[2] == 1 else pixels


def to_rgb(image: FloatImage) -> ByteImage:
    """Round float (C, H, W) in [0, 1] to uint8 (H, W, 3), grey repeated, for showing."""
    pixels = to_bytes(image)
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


def encode_png(pixels: ByteImage) -> bytes:
    """Return a PNG file of uint8 (H, W) or (H, W, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
