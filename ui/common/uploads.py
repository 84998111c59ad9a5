"""Images of the user's own: kept under their hash, so that an address can name them."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from asma_core import paths
from asma_core.data.formats.images import FloatImage, encode_png, from_bytes, read_image, to_bytes
from asma_core.data.formats.slices import MIDDLE, Slice
from asma_core.errors import InputError
from asma_core.files import read_json, write_bytes, write_json
from asma_core.runs.sources import SourceImage, from_file

HASH_LENGTH: Final = 32


def keep_upload(data: bytes, name: str, where: Slice = MIDDLE) -> str:
    """Check and keep an image; return the key by which `open_upload` finds it.

    Args:
        data: The file.
        name: Its name.
        where: Which picture of a file that holds several.

    Raises:
        InputError: It can't be read as an image.
    """
    read_image(data, name, where)
    # An image that is alone in its file has the same address as ever.
    place = "" if where == MIDDLE else repr(where)
    key = hashlib.sha256(data + name.encode() + place.encode()).hexdigest()[:HASH_LENGTH]
    write_json(_folder() / f"{key}.json", {"name": name, "frame": where.frame, "axis": where.axis})
    write_bytes(_folder() / f"{key}.image", data)
    return key


def keep_image(image: FloatImage, name: str) -> str:
    """Keep an image that was read once, such as a run's; return its key.

    Args:
        image: float32 (C, H, W) in [0, 1]; grey of 16 bits keeps them.
        name: What a person calls it.

    Raises:
        StoreError: It can't be written.
    """
    pixels = to_bytes(image)
    if pixels.ndim == 3 or np.array_equal(from_bytes(pixels), image):
        return keep_upload(encode_png(pixels), name)
    buffer = io.BytesIO()
    Image.fromarray(np.rint(image[0] * np.float32(65535)).astype(np.uint16)).save(buffer, "PNG")
    return keep_upload(buffer.getvalue(), name)


def open_upload(key: str) -> SourceImage:
    """Return an image that was kept.

    Raises:
        InputError: Nothing is kept under that key.
    """
    file = _folder() / f"{key}.image"
    if len(key) != HASH_LENGTH or not key.isalnum() or not file.exists():
        raise InputError("this own image is not here any more; upload it again")
    kept = read_json(file.with_suffix(".json"))
    where = Slice(kept.get("frame"), kept.get("axis", 2))
    return from_file(file.read_bytes(), str(kept["name"]), where)


def _folder() -> Path:
    return paths.home() / "uploads"
