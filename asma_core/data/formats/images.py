"""Reading pictures into float32 (C, H, W) in [0, 1], and writing them back as 8-bit PNG."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from asma_core.data.formats import dicom, nifti
from asma_core.data.formats.slices import MIDDLE, Slice
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
_DAMAGE: Final = (
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

FloatImage = NDArray[np.float32]
ByteImage = NDArray[np.uint8]
Source = Path | bytes


def read_image(source: Source, name: str | None = None, where: Slice = MIDDLE) -> FloatImage:
    """Read a picture of one of Pillow's formats, of DICOM or of NIfTI.

    Turned upright by its EXIF tag; palettes are resolved; transparency lies over black. Grey of
    16 bits keeps them; Pillow reads colour of 16 bits at its upper 8.

    Args:
        source: A path, or the file's bytes.
        name: What to call it in errors; the file's name by default.
        where: Which picture of a file that holds several; the middle one by default.

    Returns:
        float32 (C, H, W) in [0, 1], C is 1 (grey) or 3 (RGB).

    Raises:
        InputError: Empty, truncated, too large, too small or not one of the formats.
    """
    data, label = read_data(source, name)
    reader = _reader(data)
    if reader is not None:
        with _decoding(label):
            image: FloatImage = reader.read_image(data, label, where, _most_pixels())
            check_sides(image.shape[2], image.shape[1], label)
            return image
    return _to_float(_opened(data, label, where), label)


def read_values(
    source: Source, name: str | None = None, where: Slice = MIDDLE, by_colour: bool = False
) -> NDArray[Any]:
    """Read a mask's values as they are stored: (H, W), or (H, W, 3) in 8-bit colours.

    Args:
        source: A path, or the file's bytes.
        name: What to call it in errors.
        where: Which picture of a file that holds several.
        by_colour: Whether an indexed picture gives its colours instead of its numbers.

    Raises:
        InputError: As for `read_image`.
    """
    data, label = read_data(source, name)
    reader = _reader(data)
    if reader is not None:
        with _decoding(label):
            values: NDArray[Any] = reader.read_values(data, label, where, _most_pixels())
            return values
    picture = _opened(data, label, where)
    if by_colour and picture.mode == "P":
        return converted(picture, "RGB", label)
    if picture.mode in ("P", "L", "F") or picture.mode.startswith("I"):
        return np.asarray(picture)
    if picture.mode == "1":
        return np.asarray(picture).astype(np.uint8)
    colours = converted(picture, "RGB", label)
    return colours if (colours != colours[..., :1]).any() else colours[..., 0]


def count_frames(source: Source, name: str | None = None, axis: int = 2) -> int:
    """Return how many pictures a file holds: pages of a TIFF, frames, slices along an axis.

    Raises:
        InputError: It can't be read.
    """
    data, label = read_data(source, name)
    reader = _reader(data)
    with _decoding(label):
        if reader is dicom:
            return dicom.count_frames(data, label)
        if reader is nifti:
            return nifti.count_frames(data, label, axis)
        return _pages(Image.open(io.BytesIO(data), formats=FORMATS))


def picture_size(source: Source, name: str | None = None, upright: bool = True) -> tuple[int, int]:
    """Return height and width of a picture, upright or as it is stored, mostly from its header.

    Raises:
        InputError: It can't be read.
    """
    data, label = read_data(source, name)
    reader = _reader(data)
    if reader is dicom:
        with _decoding(label):
            return dicom.size(data, label)
    if reader is nifti:
        _, height, width = read_image(data, label).shape
        return height, width
    with _decoding(label):
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        width, height = picture.size
    return (width, height) if turned and upright else (height, width)


def _reader(data: bytes) -> ModuleType | None:
    """Return what reads a file that is not Pillow's to read; None for all others."""
    if dicom.is_dicom(data):
        return dicom
    return nifti if nifti.is_nifti(data) else None


def read_data(source: Source, name: str | None = None) -> tuple[bytes, str]:
    """Return the bytes of a picture file, and what to call it in errors.

    Raises:
        InputError: Empty, too large, or not a file.
    """
    label = name or (source.name if isinstance(source, Path) else "the picture")
    data = source if isinstance(source, bytes) else _read(source, label)
    if not data:
        raise InputError(f"{label} is empty; export it again")
    if len(data) > _most_bytes():
        raise InputError(_too_many_bytes(label))
    return data, label


def _opened(data: bytes, label: str, where: Slice) -> Image.Image:
    """Open a picture upright, decoded and checked."""
    with _decoding(label):
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        pages = _pages(picture)
        if pages > 1:
            picture.seek(where.chosen(pages, label))
        _check_size(picture, label)
        picture.load()
        return ImageOps.exif_transpose(picture) if where.upright else picture


def _pages(picture: Image.Image) -> int:
    # The second picture of an MPO, as some cameras write it, is a preview.
    return 1 if picture.format == "MPO" else int(getattr(picture, "n_frames", 1))


def converted(picture: Image.Image, mode: str, label: str) -> ByteImage:
    """Return the pixels of a picture in one of Pillow's 8-bit modes, such as "RGB".

    Raises:
        InputError: Pillow can't convert it (the colours of a LAB picture).
    """
    with _decoding(label):
        return np.asarray(picture.convert(mode))


@contextmanager
def _decoding(label: str) -> Iterator[None]:
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
    except _DAMAGE as error:
        raise InputError(f"{label} is truncated or damaged; export it again") from error


def _read(path: Path, label: str) -> bytes:
    try:
        if not path.is_file():
            raise InputError(f"{path} is not a file; check the path")
        if path.stat().st_size > _most_bytes():
            raise InputError(_too_many_bytes(label))
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); check it") from error


def _most_pixels() -> int:
    return settings().max_image_megapixels * 1_000_000


def _most_bytes() -> int:
    return settings().max_image_mb * 1_000_000


def _too_large(label: str) -> str:
    return f"{label} is too large; the limit is {settings().max_image_megapixels} million pixels"


def _too_many_bytes(label: str) -> str:
    return f"{label} is too large; the limit is {settings().max_image_mb} MB"


def _check_size(picture: Image.Image, label: str) -> None:
    width, height = picture.size
    if width * height > _most_pixels():
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


def _to_float(picture: Image.Image, label: str) -> FloatImage:
    if picture.mode.startswith("I"):
        return _grey_of_integers(np.asarray(picture), label)
    if picture.mode == "F":
        values = np.array(picture, dtype=np.float32)
        if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1):
            raise InputError(f"{label} holds floats outside 0..1; rescale them to 0..1")
        return values[None]
    return from_bytes(_to_8_bit(picture, label))


def _grey_of_integers(values: NDArray[Any], label: str) -> FloatImage:
    if values.min() < 0 or values.max() > 65535:
        raise InputError(f"{label} holds integers outside 0..65535; save it with 16 bits")
    return (values.astype(np.float32) / np.float32(65535.0))[None]


def _to_8_bit(picture: Image.Image, label: str) -> ByteImage:
    grey = picture.mode in ("1", "L", "LA", "La")
    if picture.mode in ("LA", "La", "RGBA", "RGBa", "PA") or "transparency" in picture.info:
        pixels = _over_black(converted(picture, "RGBA", label))
        return pixels[..., 0] if grey else pixels
    return converted(picture, "L" if grey else "RGB", label)


def _over_black(pixels: ByteImage) -> ByteImage:
    opacity = pixels[..., 3:].astype(np.float32) / np.float32(255.0)
    return np.rint(pixels[..., :3] * opacity).astype(np.uint8)


def from_bytes(pixels: ByteImage) -> FloatImage:
    """Turn uint8 (H, W) or (H, W, 3) into float32 (C, H, W) in [0, 1]."""
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(planes, dtype=np.float32) / np.float32(255.0)


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
