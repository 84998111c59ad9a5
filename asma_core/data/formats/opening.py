"""Opening picture files: what may be opened, how large it may be, what damage means."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from asma_core.data.formats.deep_colours import (
    Deep,
    deep_values,
    is_deep_colour,
    is_jpeg_2000_of_16_bits,
)
from asma_core.data.formats.slices import Slice
from asma_core.errors import InputError
from asma_core.server_config import settings

# Of Pillow's readers those that decode by themselves: none that calls another program (EPS).
FORMATS: Final = (
    "PNG",
    "JPEG",
    "BMP",
    "DIB",
    "TIFF",
    "GIF",
    "WEBP",
    "JPEG2000",
    "PPM",
    "PCX",
    "SGI",
)
# Pillow knows the less common ones only after this.
Image.init()
NAMES: Final = "a PNG, JPEG, BMP, TIFF, GIF, WebP, DICOM or NIfTI picture"
VOLUMES: Final = (".dcm", ".nii", ".nii.gz")
SUFFIXES: Final = (
    ".png",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".tif",
    ".tiff",
    ".gif",
    ".webp",
    ".jp2",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pcx",
    ".sgi",
    *VOLUMES,
)
SMALLEST_SIDE: Final = 16

# What Pillow's readers raise over bytes that make no sense.
DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)
# Of TIFF: whether a page is a smaller copy of another.
_NEW_SUBFILE_TYPE: Final = 254
# What `opened` says of a grey picture of 16 bits: Pillow turns only those of 8.
WHITE_IS_ZERO: Final = "white is zero"
_PHOTOMETRIC: Final = 262
# What `opened` says of colours of more than 8 bits.
DEEP: Final = "deep colours"
# EXIF's tag of how a picture is turned, and what brings it upright.
_ORIENTATION: Final = 0x0112
_TURNS: Final[dict[int, Callable[[Deep], Deep]]] = {
    2: lambda values: values[:, ::-1],
    3: lambda values: values[::-1, ::-1],
    4: lambda values: values[::-1],
    5: lambda values: values.swapaxes(0, 1),
    6: lambda values: values.swapaxes(0, 1)[:, ::-1],
    7: lambda values: values.swapaxes(0, 1)[::-1, ::-1],
    8: lambda values: values.swapaxes(0, 1)[::-1],
}
# Colours of 16 bits whose upper 8 stay below it have 14 bits or fewer.
_DIM: Final = 64

Source = Path | bytes


def read_data(source: Source, name: str | None = None) -> tuple[bytes, str]:
    """Return the bytes of a picture file, and what to call it in errors.

    Raises:
        InputError: Empty, too large, or not a file.
    """
    label = name or (source.name if isinstance(source, Path) else "the picture")
    data = source if isinstance(source, bytes) else _read(source, label)
    if not data:
        raise InputError(f"{label} is empty; export it again")
    if len(data) > most_bytes():
        raise InputError(_too_many_bytes(label))
    return data, label


def opened(data: bytes, label: str, where: Slice) -> tuple[Image.Image, int]:
    """Open one of Pillow's pictures, decoded and checked; say of how many it is.

    Raises:
        InputError: It can't be opened, or is too large or too small.
    """
    with decoding(label):
        picture, count = _on_its_page(data, label, where)
        deep = is_deep_colour(picture) or is_jpeg_2000_of_16_bits(picture, data)
        picture.load()
        tags = getattr(picture, "tag_v2", {})
        picture.info[WHITE_IS_ZERO] = tags.get(_PHOTOMETRIC) == 0
        picture.info[DEEP] = deep
        upright = ImageOps.exif_transpose(picture) if where.upright else picture
        return upright, count


def _on_its_page(data: bytes, label: str, where: Slice) -> tuple[Image.Image, int]:
    picture = Image.open(io.BytesIO(data), formats=FORMATS)
    kept = pages(picture)
    if len(kept) > 1 or kept[0]:
        picture.seek(kept[where.chosen(len(kept), label)])
    _check_size(picture, label)
    return picture, len(kept)


def deep_colours(picture: Image.Image, data: bytes, label: str, where: Slice) -> Deep | None:
    """Return a picture's colours of 16 bits; None where it has 8, or no more can be read.

    Args:
        picture: Of `opened`.
        data: The file.
        label: What to call it in errors.
        where: As it was opened.

    Returns:
        uint16 (H, W, C), C is 3 (RGB), 4 (with opacity) or 2 (grey with opacity).

    Raises:
        InputError: Only the upper 8 bits can be read, and they hold next to nothing.
    """
    if not picture.info.get(DEEP):
        return None
    with decoding(label):
        (one, _), (again, _) = (_on_its_page(data, label, where) for _ in range(2))
        values = deep_values(one, again, data) if is_deep_colour(one) else None
        tag = one.getexif().get(_ORIENTATION, 1)
    if values is None:
        _check_used(picture, label)
        return None
    return _TURNS.get(tag, np.asarray)(values) if where.upright else values


def pages(picture: Image.Image) -> list[int]:
    """Return which pages of a picture file are pictures: its largest; others are thumbnails."""
    count = int(getattr(picture, "n_frames", 1))
    # The second picture of an MPO, as some cameras write it, is a preview.
    if picture.format == "MPO" or count == 1:
        return [0]
    if picture.format != "TIFF":
        return list(range(count))
    sizes, reduced = [], []
    for page in range(count):
        picture.seek(page)
        sizes.append(picture.size[0] * picture.size[1])
        reduced.append(bool(int(picture.tag_v2.get(_NEW_SUBFILE_TYPE, 0)) & 1))  # type: ignore[attr-defined]
    picture.seek(0)
    whole = [page for page in range(count) if not reduced[page]] or list(range(count))
    largest = max(sizes[page] for page in whole)
    return [page for page in whole if sizes[page] == largest]


def _check_used(picture: Image.Image, label: str) -> None:
    bands = [picture.getchannel(band) for band in picture.getbands() if band.upper() != "A"]
    if max(int(np.asarray(band).max()) for band in bands) < _DIM:
        raise InputError(
            f"{label} has several channels of 16 bits but uses a small part of them, and of its "
            "format only the upper 8 are read; save it as PNG, or with 8 bits a channel"
        )


@contextmanager
def decoding(label: str) -> Iterator[None]:
    """Turn what Pillow raises over a bad file into an `InputError`, and quiet its warnings."""
    try:
        with warnings.catch_warnings():
            # They are of metadata that we don't read, and of a size that we check ourselves.
            warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as error:
        raise InputError(_too_large(label)) from error
    except UnidentifiedImageError as error:
        raise InputError(f"{label} is not {NAMES}; convert it") from error
    except MemoryError as error:
        raise InputError(
            f"{label} takes more memory than one file may; export it smaller, or let the owner of "
            "this server raise max_reading_mb"
        ) from error
    except DAMAGE as error:
        raise InputError(f"{label} is truncated or damaged; export it again") from error


def _read(path: Path, label: str) -> bytes:
    try:
        if not path.is_file():
            raise InputError(f"{path} is not a file; check the path")
        if path.stat().st_size > most_bytes():
            raise InputError(_too_many_bytes(label))
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); check it") from error


def most_pixels() -> int:
    """Return how many pixels a picture may have."""
    return settings().max_image_megapixels * 1_000_000


def most_bytes() -> int:
    """Return how many bytes a picture's file may have."""
    return settings().max_image_mb * 1_000_000


def _too_large(label: str) -> str:
    return f"{label} is too large; the limit is {settings().max_image_megapixels} million pixels"


def _too_many_bytes(label: str) -> str:
    return f"{label} is too large; the limit is {settings().max_image_mb} MB"


def _check_size(picture: Image.Image, label: str) -> None:
    width, height = picture.size
    if width * height > most_pixels():
        raise InputError(f"{_too_large(label)}, it has {width} x {height}")
    check_sides(width, height, label)


def check_sides(width: int, height: int, label: str) -> None:
    """Check that an image has at least 16 pixels each way.

    Raises:
        InputError: It has not.
    """
    if min(width, height) < SMALLEST_SIDE:
        raise InputError(
            f"{label} is {width} x {height} pixels; each side needs at least {SMALLEST_SIDE}"
        )
