"""Images of the user's own: kept under their hash, so that an address can name them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from asma_core import paths
from asma_core.data.images import read_image
from asma_core.errors import InputError
from asma_core.files import read_json, write_bytes, write_json
from asma_core.runs.sources import SourceImage, from_file

HASH_LENGTH: Final = 32


def keep_upload(data: bytes, name: str) -> str:
    """Check and keep an image; return the key by which `open_upload` finds it.

    Raises:
        InputError: It can't be read as an image.
    """
    read_image(data, name)
    key = hashlib.sha256(data + name.encode()).hexdigest()[:HASH_LENGTH]
    write_json(_folder() / f"{key}.json", {"name": name})
    write_bytes(_folder() / f"{key}.image", data)
    return key


def open_upload(key: str) -> SourceImage:
    """Return an image that was kept.

    Raises:
        InputError: Nothing is kept under that key.
    """
    file = _folder() / f"{key}.image"
    if len(key) != HASH_LENGTH or not key.isalnum() or not file.exists():
        raise InputError("this own image is not here any more; upload it again")
    name = str(read_json(file.with_suffix(".json"))["name"])
    return from_file(file.read_bytes(), name)


def _folder() -> Path:
    return paths.home() / "uploads"
