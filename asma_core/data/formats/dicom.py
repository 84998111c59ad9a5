"""Pictures of DICOM files, read by pydicom."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.dicom_decoding import check_deflated, decoded
from asma_core.data.formats.dicom_greys import greys_of, rescaled
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import MOST_VALUES, Greys, Picture, Values, thinned
from asma_core.errors import InputError, NoPictureError
from asma_core.server_config import settings

HEAD: Final = 132
_GREY: Final = ("MONOCHROME1", "MONOCHROME2")
# Frames that are looked at to choose a window for all.
_FRAMES: Final = 8
_REPRESENTATIONS: Final = (b"UI", b"CS", b"UL", b"OB", b"SH", b"DA", b"LO", b"US", b"TM", b"ST")
# An element of a file that begins without the usual head is no longer than this.
_LONGEST: Final = 256


def is_dicom(data: bytes) -> bool:
    """Tell a DICOM file by its first 132 bytes: its preamble, or a first element without one."""
    if data[128:HEAD] == b"DICM":
        return True
    group, element = data[:2], int.from_bytes(data[2:4], "little")
    if group not in (b"\x02\0", b"\x08\0") or element > 0x100 or len(data) < HEAD:
        return False
    implicit = int.from_bytes(data[4:8], "little")
    return data[4:6] in _REPRESENTATIONS or 0 < implicit <= _LONGEST


def count_frames(data: bytes, label: str) -> int:
    """Return how many pictures a file holds."""
    return _frames(header_of(data, label))


def size(data: bytes, label: str) -> tuple[int, int]:
    """Return height and width of a file's pictures, from its header."""
    header = header_of(data, label)
    return int(header.Rows), int(header.Columns)


def read(data: bytes, label: str, where: Slice, most_pixels: int) -> Greys | Picture:
    """Return a picture: greys before their window, or colour, float32 (3, H, W) in [0, 1].

    Source: DICOM PS3.3, C.7.6.3.1.2 (photometric interpretation).
    """
    from pydicom.pixels.processing import apply_color_lut

    header = _checked(data, label, most_pixels)
    frame = where.chosen(_frames(header), label)
    pixels = decoded(header, frame, label)
    kind = str(header.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        pixels = apply_color_lut(pixels, header)
        return _colour(pixels, 8 * pixels.dtype.itemsize)
    if kind not in _GREY:
        bits = int(header.BitsStored)
        return Greys(pixels, (0.0, 2.0**bits - 1.0)) if bits > 8 else _colour(pixels, bits)
    several = _frames(header) > 1
    return greys_of(header, pixels, frame, (lambda: _of_all(header, label)) if several else None)


def read_values(data: bytes, label: str, where: Slice, most_pixels: int) -> NDArray[Any]:
    """Return a picture's stored values, (H, W) or (H, W, 3), as a mask needs them."""
    header = _checked(data, label, most_pixels)
    return decoded(header, where.chosen(_frames(header), label), label)


def _of_all(header: Any, label: str) -> Values:
    """Return values of some frames, so that one window is for all."""
    count = _frames(header)
    places = sorted({round(place) for place in np.linspace(0, count - 1, min(count, _FRAMES))})
    parts = [
        thinned(rescaled(header, decoded(header, place, label), place), MOST_VALUES // len(places))
        for place in places
    ]
    return np.concatenate(parts)


def _checked(data: bytes, label: str, most_pixels: int) -> Any:
    header = header_of(data, label)
    if int(header.Rows) * int(header.Columns) > most_pixels:
        raise InputError(
            f"{label} is too large; the limit is {most_pixels // 1_000_000} million pixels, "
            f"it has {header.Columns} x {header.Rows}"
        )
    return header


def header_of(data: bytes, label: str) -> Any:
    """Read a file; return its elements, the picture not decoded yet.

    Raises:
        NoPictureError: It is of a kind without a picture.
        InputError: Its picture is missing, or it is too large.
        ValueError: It is damaged.
    """
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    limit = settings().max_image_mb
    if not check_deflated(data, limit * 1_000_000):
        raise InputError(f"{label} unpacks to more than {limit} MB, the limit; cut it smaller")
    try:
        header = pydicom.dcmread(io.BytesIO(data), force=True)
        # Elements are parsed when they are asked for: now, so that damage shows here.
        for name in ("PixelData", "Rows", "Columns", "NumberOfFrames", "BitsStored"):
            header.get(name)
        header.decode()
    except (BytesLengthException, InvalidDicomError) as error:
        raise ValueError(str(error)) from error
    if "PixelData" not in header or "Rows" not in header:
        # One that says how large its picture is has been cut off before it.
        kind = InputError if "Rows" in header else NoPictureError
        raise kind(f"{label} is a DICOM file without a picture; choose one with pixel data")
    _give_syntax(header)
    return header


def _give_syntax(header: Any) -> None:
    """Let a file without the elements before the picture be read as it was."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

    if not hasattr(header, "file_meta"):
        header.file_meta = FileMetaDataset()
    if not header.file_meta.get("TransferSyntaxUID"):
        implicit, little = header.original_encoding
        explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        header.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit


def _frames(header: Any) -> int:
    return max(int(header.get("NumberOfFrames", 1) or 1), 1)


def _colour(pixels: NDArray[Any], bits: int) -> Picture:
    scaled = pixels.astype(np.float32) / np.float32(2.0**bits - 1.0)
    return Picture(np.ascontiguousarray(np.clip(scaled, 0.0, 1.0).transpose(2, 0, 1)))
