"""DICOM files that are compressed, made by other means than those that read them here."""

from __future__ import annotations

import io

import numpy as np
import pydicom
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless


def jpeg_ls(data: bytes) -> bytes:
    header = pydicom.dcmread(io.BytesIO(data))
    header.compress(JPEGLSLossless, encoding_plugin="pyjpegls", generate_instance_uid=False)
    return _written(header)


def jpeg_2000(data: bytes, boxes: bool = False) -> bytes:
    """Compress; in boxes as a file of its own has them, which some scanners write too."""
    header = pydicom.dcmread(io.BytesIO(data))
    buffer = io.BytesIO()
    picture = Image.fromarray(header.pixel_array)
    picture.save(buffer, "JPEG2000", irreversible=False, no_jp2=not boxes)
    return with_stream(header, buffer.getvalue(), JPEG2000Lossless)


def jpeg_lossless(data: bytes) -> bytes:
    header = pydicom.dcmread(io.BytesIO(data))
    stream = lossless_stream(header.pixel_array, int(header.BitsStored))
    return with_stream(header, stream, JPEGLosslessSV1)


def with_stream(header: pydicom.Dataset, stream: bytes, syntax: str) -> bytes:
    header.file_meta.TransferSyntaxUID = syntax
    header.PixelData = encapsulate([stream])
    header["PixelData"].VR = "OB"
    header["PixelData"].is_undefined_length = True
    return _written(header)


def _written(header: pydicom.Dataset) -> bytes:
    buffer = io.BytesIO()
    header.save_as(buffer)
    return buffer.getvalue()


def lossless_stream(pixels: np.ndarray, bits: int) -> bytes:
    """Return unsigned values (H, W) as JPEG lossless, predicted from the left neighbour.

    Source: ITU-T T.81, annex H. Each of the 17 categories has a code of 5 bits: its own number.
    """
    height, width = pixels.shape
    values = pixels.astype(np.int64)
    predicted = np.empty_like(values)
    predicted[:, 1:] = values[:, :-1]
    predicted[1:, 0] = values[:-1, 0]
    predicted[0, 0] = 1 << (bits - 1)
    differences = (values - predicted + 32768) % 65536 - 32768
    words = "".join(_coded(int(difference)) for difference in differences.ravel())
    words += "1" * (-len(words) % 8)
    entropy = int(words, 2).to_bytes(len(words) // 8, "big").replace(b"\xff", b"\xff\x00")
    table = bytes([0x00, *(17 if length == 5 else 0 for length in range(1, 17)), *range(17)])
    frame = bytes([bits]) + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\0"
    scan = b"\x01\x01\x00\x01\x00\x00"
    parts = [(0xC4, table), (0xC3, frame), (0xDA, scan)]
    head = b"".join(
        bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body for marker, body in parts
    )
    return b"\xff\xd8" + head + entropy + b"\xff\xd9"


def _coded(difference: int) -> str:
    if difference == -32768:
        return f"{16:05b}"
    category = abs(difference).bit_length()
    if not category:
        return f"{0:05b}"
    extra = difference if difference > 0 else difference + (1 << category) - 1
    return f"{category:05b}{extra:0{category}b}"
