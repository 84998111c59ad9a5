"""Pictures as the browser gets them."""

from __future__ import annotations

import base64
import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.formats.images import encode_png

QUALITY: Final = 90


def jpeg(picture: NDArray[np.uint8], quality: int = QUALITY) -> bytes:
    """Encode for the screen, without loss of colour resolution; a tenth of a PNG's time and size.

    Args:
        picture: uint8 (H, W, 3).
        quality: 1 to 100.
    """
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling=0)
    return buffer.getvalue()


def data_address(picture: NDArray[np.uint8]) -> str:
    """Return a picture, uint8 (H, W, 3) or (H, W), within its own address.

    The server keeps a picture only as long as the page shows it; a browser that is late, because
    the user has gone on or the next picture has come, would no longer find it there.
    """
    return _within("image/png", encode_png(picture))


def jpeg_address(data: bytes) -> str:
    """Return a JPEG file within its own address, as a table's cell takes it."""
    return _within("image/jpeg", data)


def _within(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
