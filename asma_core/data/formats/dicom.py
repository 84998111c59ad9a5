"""Pictures of DICOM files, read by pydicom.

Compressed pixel data are read as far as pydicom and Pillow can: RLE, JPEG baseline, JPEG 2000.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.slices import Slice
from asma_core.errors import InputError

_GREY = ("MONOCHROME1", "MONOCHROME2")


def is_dicom(data: bytes) -> bool:
    """Tell a DICOM file by its preamble."""
    return data[128:132] == b"DICM"


def count_frames(data: bytes, label: str) -> int:
    """Return how many pictures a file holds."""
    return _frames(_header(data, label))


def size(data: bytes, label: str) -> tuple[int, int]:
    """Return height and width of a file's pictures, from its header."""
    header = _header(data, label)
    return int(header.Rows), int(header.Columns)


def read_image(data: bytes, label: str, where: Slice, most_pixels: int) -> NDArray[np.float32]:
    """Return a picture, float32 (C, H, W) in [0, 1].

    Grey goes through the modality LUT and the window (the slice's, else the file's first, else
    the range of the values); MONOCHROME1 is turned, so that bright is bright. Colour is RGB.

    Source: DICOM PS3.3, C.7.6.3.1.2 (photometric interpretation), C.11.2.1.2 (linear window).
    """
    from pydicom.pixels.processing import apply_color_lut, apply_modality_lut

    header, pixels = _pixels(data, label, where, most_pixels)
    kind = str(header.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, header)
        return _colour(pixels, 8 * pixels.dtype.itemsize)
    if kind in _GREY:
        grey = _windowed(apply_modality_lut(pixels, header).astype(np.float64), header, where)
        return (1.0 - grey if kind == "MONOCHROME1" else grey).astype(np.float32)[None]
    return _colour(pixels, int(header.BitsStored))


def read_values(data: bytes, label: str, where: Slice, most_pixels: int) -> NDArray[Any]:
    """Return a picture's stored values, (H, W) or (H, W, 3), as a mask needs them."""
    return _pixels(data, label, where, most_pixels)[1]


def _header(data: bytes, label: str) -> Any:
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        header = pydicom.dcmread(io.BytesIO(data))
        # Elements are parsed when they are asked for: now, so that damage shows here.
        for name in ("PixelData", "Rows", "Columns", "NumberOfFrames", "BitsStored"):
            header.get(name)
        header.decode()
    except (BytesLengthException, InvalidDicomError) as error:
        raise ValueError(str(error)) from error
    if "PixelData" not in header or "Rows" not in header:
        raise InputError(f"{label} is a DICOM file without a picture; choose one with pixel data")
    return header


def _frames(header: Any) -> int:
    return int(header.get("NumberOfFrames", 1) or 1)


def _pixels(data: bytes, label: str, where: Slice, most_pixels: int) -> tuple[Any, NDArray[Any]]:
    from pydicom.pixels.utils import pixel_array

    header = _header(data, label)
    if int(header.Rows) * int(header.Columns) > most_pixels:
        raise InputError(
            f"{label} is too large; the limit is {most_pixels // 1_000_000} million pixels, "
            f"it has {header.Columns} x {header.Rows}"
        )
    frame = where.chosen(_frames(header), label)
    try:
        return header, np.asarray(pixel_array(header, index=frame))
    except (NotImplementedError, RuntimeError) as error:
        syntax = getattr(header.file_meta.TransferSyntaxUID, "name", "an unknown transfer syntax")
        raise InputError(
            f"{label} is compressed as {syntax}, which can't be read here; decompress it first, "
            "for instance with dcmdjpeg"
        ) from error


def _windowed(values: NDArray[np.float64], header: Any, where: Slice) -> NDArray[np.float64]:
    from pydicom.pixels.processing import apply_voi

    window = where.window or _own_window(header)
    if window is None and "VOILUTSequence" in header:
        values = apply_voi(values.astype(np.int64), header).astype(np.float64)
        bits = int(header.VOILUTSequence[0].LUTDescriptor[2])
        return np.clip(values / (2.0**bits - 1.0), 0.0, 1.0)
    if window is None:
        low, high = float(values.min()), float(values.max())
        return (values - low) / max(high - low, 1e-9)
    centre, width = window
    return np.clip((values - (centre - 0.5)) / max(width - 1.0, 1e-9) + 0.5, 0.0, 1.0)


def _own_window(header: Any) -> tuple[float, float] | None:
    first = [_first(header.get(name)) for name in ("WindowCenter", "WindowWidth")]
    if first[0] is None or first[1] is None or first[1] < 1:
        return None
    return first[0], first[1]


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    return float(value[0] if hasattr(value, "__getitem__") else value)


def _colour(pixels: NDArray[Any], bits: int) -> NDArray[np.float32]:
    scaled = pixels.astype(np.float32) / np.float32(2.0**bits - 1.0)
    return np.ascontiguousarray(np.clip(scaled, 0.0, 1.0).transpose(2, 0, 1))
