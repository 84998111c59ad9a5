"""Images of the user's own: kept under their hash, so that an address can name them."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from asma_core import paths
from asma_core.data.formats.images import FloatImage, encode_png, from_bytes, read_image, to_bytes
from asma_core.data.formats.slices import MIDDLE, Slice
from asma_core.data.formats.windows import RANGE, Window, window_from_dict
from asma_core.errors import InputError
from asma_core.files import read_json, write_bytes, write_json
from asma_core.runs.sources import SourceImage, from_file

HASH_LENGTH: Final = 32


def keep_upload(data: bytes, name: str, where: Slice = MIDDLE, said: Window | None = None) -> str:
    """Check and keep an image; return the key by which `open_upload` finds it.

    Args:
        data: The file.
        name: Its name.
        where: Which picture of a file that holds several, and a window that can't be changed.
        said: What is said of that window, where the file was made from another that had it.

    Raises:
        InputError: It can't be read as an image.
    """
    read_image(data, name, where)
    # An image that is alone in its file has the same address as ever.
    place = "" if where == MIDDLE else repr(where)
    key = hashlib.sha256(data + name.encode() + place.encode()).hexdigest()[:HASH_LENGTH]
    place_in_file = {"frame": where.frame, "axis": where.axis, "volume": where.volume}
    windows = {
        word: window.as_dict()
        for word, window in (("window", where.window), ("said", said))
        if window is not None
    }
    write_json(_folder() / f"{key}.json", {"name": name, **place_in_file, **windows})
    write_bytes(_folder() / f"{key}.image", data)
    return key


def keep_image(image: FloatImage, name: str, said: Window | None = None) -> str:
    """Keep an image that was read once, such as a run's; return its key.

    Args:
        image: float32 (C, H, W) in [0, 1]; grey of more than 8 bits keeps them.
        name: What a person calls it.
        said: The window that it was seen through, in its own file's units.

    Raises:
        StoreError: It can't be written.
    """
    pixels = to_bytes(image)
    if pixels.ndim == 3 or np.array_equal(from_bytes(pixels), image):
        return keep_upload(encode_png(pixels), name, said=said)
    buffer = io.BytesIO()
    Image.fromarray(image[0]).save(buffer, "TIFF")
    return keep_upload(buffer.getvalue(), name, Slice(window=Window(0.0, 1.0, RANGE)), said)


def open_upload(key: str, window: Window | None = None) -> SourceImage:
    """Return an image that was kept; without an extent where its window can't be changed.

    Args:
        key: What `keep_upload` returned.
        window: That it is seen through, where that is not settled; the automatic one by default.

    Raises:
        InputError: Nothing is kept under that key.
    """
    file = _folder() / f"{key}.image"
    if len(key) != HASH_LENGTH or not key.isalnum() or not file.exists():
        raise InputError("this own image is not here any more; upload it again")
    kept = read_json(file.with_suffix(".json"))
    settled = window_from_dict(kept["window"]) if "window" in kept else None
    where = Slice(kept.get("frame"), kept.get("axis", 2), settled or window, kept.get("volume", 0))
    source = from_file(file.read_bytes(), str(kept["name"]), where)
    if settled is None and "said" not in kept:
        return source
    said = window_from_dict(kept["said"]) if "said" in kept else None
    return replace(source, window=said, extent=None)


def _folder() -> Path:
    return paths.home() / "uploads"
