"""Reading pictures into float32 (C, H, W) in [0, 1], and writing them back as 8-bit PNG."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from asma_core.errors import InputError

FORMATS: Final = ("PNG", "JPEG", "BMP", "TIFF")
SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
SMALLEST_SIDE: Final = 16
MOST_PIXELS: Final = 50_000_000
MOST_BYTES: Final = 200_000_000

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


def read_image(source: Source, name: str | None = None) -> FloatImage:
    """Read a PNG, JPEG, BMP or TIFF picture.

    Turned upright by its EXIF tag; palettes are resolved; transparency lies over black. Grey of
    16 bits keeps them; Pillow reads colour of 16 bits at its upper 8.

    Args:
        source: A path, or the file's bytes.
        name: What to call it in errors; the file's name by default.

    Returns:
        float32 (C, H, W) in [0, 1], C is 1 (grey) or 3 (RGB).

    Raises:
        InputError: Empty, truncated, too large, too small or not one of the formats.
    """
    picture, label = open_picture(source, name)
    return _to_float(picture, label)


def open_picture(source: Source, name: str | None = None) -> tuple[Image.Image, str]:
    """Open a picture upright, decoded and checked; return it and the name for errors."""
    label = name or (source.name if isinstance(source, Path) else "the picture")
    data = source if isinstance(source, bytes) else _read(source, label)
    if not data:
        raise InputError(f"{label} is empty; export it again")
    if len(data) > MOST_BYTES:
        raise InputError(_too_many_bytes(label))
    with _decoding(label):
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(picture, label)
        picture.load()
        return ImageOps.exif_transpose(picture), label


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
        raise InputError(f"{label} is not a PNG, JPEG, BMP or TIFF picture; convert it") from error
    except _DAMAGE as error:
        raise InputError(f"{label} is truncated or damaged; export it again") from error


def _read(path: Path, label: str) -> bytes:
    try:
        if not path.is_file():
            raise InputError(f"{path} is not a file; check the path")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(_too_many_bytes(label))
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} can't be read ({error.strerror}); check it") from error


def _too_large(label: str) -> str:
    return f"{label} is too large; the limit is {MOST_PIXELS // 1_000_000} million pixels"


def _too_many_bytes(label: str) -> str:
    return f"{label} is too large; the limit is {MOST_BYTES // 1_000_000} MB"


def _check_size(picture: Image.Image, label: str) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise InputError(f"{_too_large(label)}, it has {width} x {height}")
    if min(width, height) < SMALLEST_SIDE:
        raise InputError(
            f"{label} is {width} x {height} pixels; each side needs at least {SMALLEST_SIDE}"
        )
    if getattr(picture, "n_frames", 1) > 1 and picture.format == "TIFF":
        raise InputError(f"{label} holds several pictures; save the one to use as its own file")


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
    rounded = np.rint(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
    return rounded[0] if rounded.shape[0] == 1 else np.ascontiguousarray(rounded.transpose(1, 2, 0))


def to_rgb(image: FloatImage) -> ByteImage:
    """Round float (C, H, W) in [0, 1] to uint8 (H, W, 3), grey repeated, for showing."""
    pixels = to_bytes(image)
    return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels


def encode_png(pixels: ByteImage) -> bytes:
    """Return a PNG file of uint8 (H, W) or (H, W, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()
