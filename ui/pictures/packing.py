"""A JSON header and pictures in one run of bytes, as `unpack` of pictures.js takes it apart."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.masks.palette import DASHES, ROLES

# How masks are drawn is said in Python alone; the browser is told.
MASK_LOOKS: Final[dict[str, Any]] = {
    "roles": {name: {"colour": role.colour, "side": role.side} for name, role in ROLES.items()},
    "dashes": DASHES,
}


class Packet:
    """Collects pictures one behind the other."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, part: bytes) -> dict[str, int]:
        """Add the bytes of a picture; return where they lie, for the header."""
        place = {"offset": self._length, "length": len(part)}
        self._parts.append(part)
        self._length += len(part)
        return place

    @property
    def pictures(self) -> bytes:
        """All of them, one behind the other."""
        return b"".join(self._parts)

    def sealed(self, header: Mapping[str, Any]) -> bytes:
        """Return four bytes with the header's length (little endian), the header, the pictures."""
        head = json.dumps(header).encode()
        return len(head).to_bytes(4, "little") + head + self.pictures


def labels_png(labels: NDArray[Any]) -> bytes:
    """Return a mask (H, W) of class numbers up to 255 as a PNG of greys.

    A browser would turn a palette into colours.
    """
    buffer = io.BytesIO()
    Image.fromarray(labels.astype(np.uint8)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
