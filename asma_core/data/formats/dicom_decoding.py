"""Pixels of DICOM files: plain, RLE, JPEG, JPEG lossless, JPEG-LS and JPEG 2000.

Which decoder reads what is settled here. Damaged files end some decoders' process, and with it
the web server, so only those are used that survive them (docs/decisions.md).
"""

from __future__ import annotations

import io
import zlib
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.errors import InputError

# Transfer syntax to pydicom's decoder and the packages that it needs beside Pillow.
_LOSSLESS: Final = ("pylibjpeg", ("pylibjpeg", "libjpeg"), "pylibjpeg pylibjpeg-libjpeg")
_JPEG_LS: Final = ("pyjpegls", ("jpeg_ls",), "pyjpegls")
DECODERS: Final = {
    "1.2.840.10008.1.2.4.50": ("pillow", (), ""),
    "1.2.840.10008.1.2.4.51": _LOSSLESS,
    "1.2.840.10008.1.2.4.57": _LOSSLESS,
    "1.2.840.10008.1.2.4.70": _LOSSLESS,
    "1.2.840.10008.1.2.4.80": _JPEG_LS,
    "1.2.840.10008.1.2.4.81": _JPEG_LS,
    "1.2.840.10008.1.2.4.90": ("pillow", (), ""),
    "1.2.840.10008.1.2.4.91": ("pillow", (), ""),
}
DEFLATED: Final = b"1.2.840.10008.1.2.1.99"
_PIECE: Final = 1 << 20
# Markers before the sizes in a JPEG, JPEG lossless or JPEG-LS stream, and in JPEG 2000.
_FRAME_MARKERS: Final = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), 0xF7)
_J2K_START: Final = b"\xff\x4f\xff\x51"
# What a file of JPEG 2000 begins with, 12 bytes in all, and the box that holds the stream.
_JP2_START: Final = b"\x00\x00\x00\x0cjP  "
_JP2_STREAM: Final = b"jp2c"


def decoded(header: Any, frame: int, label: str) -> NDArray[Any]:
    """Return the stored values of a frame, (H, W) or (H, W, 3).

    Raises:
        InputError: A compression that can't be read here, with what to do.
        RuntimeError, ValueError: The pixel data are damaged.
    """
    from pydicom.pixels.utils import pixel_array

    syntax = header.file_meta.TransferSyntaxUID
    if not syntax.is_compressed or syntax == DEFLATED.decode():
        return np.asarray(pixel_array(header, index=frame))
    plugin, modules, packages = DECODERS.get(str(syntax), ("", (), ""))
    if any(find_spec(module) is None for module in modules):
        raise InputError(
            f"{label} is compressed as {syntax.name}; let the owner of this server run "
            f"`pip install {packages}`, or decompress it first"
        )
    if plugin:
        _check_stream(header, frame)
        return np.asarray(pixel_array(header, index=frame, decoding_plugin=plugin))
    try:
        return np.asarray(pixel_array(header, index=frame))
    except (NotImplementedError, RuntimeError) as error:
        raise InputError(
            f"{label} is compressed as {getattr(syntax, 'name', syntax)}, which can't be read "
            "here; decompress it first, for instance with dcmdjpeg or gdcmconv --raw"
        ) from error


def _check_stream(header: Any, frame: int) -> None:
    """Refuse a stream that says another size than its file: a decoder would make room for it.

    And one whose boxes have no end: pydicom (3.0.2) would look for the next one for ever.

    Raises:
        ValueError: It does.
    """
    from pydicom.encaps import get_frame

    count = int(header.get("NumberOfFrames", 1) or 1)
    stream = get_frame(header.PixelData, frame, number_of_frames=count)
    if stream.startswith(_JP2_START) and not _boxes_lead_on(stream):
        raise ValueError("a box of JPEG 2000 without a length")
    size = stream_size(stream)
    if size != (int(header.Rows), int(header.Columns)):
        raise ValueError(f"a stream of {size} in a file of {header.Rows} x {header.Columns}")


def stream_size(stream: bytes) -> tuple[int, int] | None:
    """Return height and width that a JPEG, JPEG-LS or JPEG 2000 stream says; None if it doesn't."""
    start = stream.find(_J2K_START, 0, 4096)
    if start >= 0:
        ends = [
            int.from_bytes(stream[at : at + 4], "big") for at in range(start + 8, start + 24, 4)
        ]
        return ends[1] - ends[3], ends[0] - ends[2]
    place = 2
    while place + 9 <= len(stream) and stream[place] == 0xFF:
        marker = stream[place + 1]
        if marker in _FRAME_MARKERS:
            height, width = stream[place + 5 : place + 7], stream[place + 7 : place + 9]
            return int.from_bytes(height, "big"), int.from_bytes(width, "big")
        fill = marker == 0xFF
        place += 1 if fill else 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
    return None


def _boxes_lead_on(stream: bytes) -> bool:
    """Tell whether each box of a file of JPEG 2000 says where the next one is, up to the stream."""
    place = 12
    while place < len(stream) and stream[place + 4 : place + 8] != _JP2_STREAM:
        length = int.from_bytes(stream[place : place + 4], "big")
        if length < 8:
            return False
        place += length
    return True


def check_deflated(data: bytes, most_bytes: int) -> bool:
    """Tell whether a deflated file unpacks to at most so much; true of all others."""
    at = data[:2048].find(DEFLATED)
    if at < 0 or data[128:132] != b"DICM":
        return True
    # The length of the group of file meta elements stands in the first of them.
    start = 144 + int.from_bytes(data[140:144], "little")
    unpack, left, packed = zlib.decompressobj(-zlib.MAX_WBITS), most_bytes, io.BytesIO(data[start:])
    pending = packed.read(_PIECE)
    while pending and left >= 0:
        left -= len(unpack.decompress(pending, _PIECE))
        pending = unpack.unconsumed_tail or packed.read(_PIECE)
    return left >= 0
