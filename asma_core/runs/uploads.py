"""Images of the user's own: kept under their hash, so that an address can name them."""

from __future__ import annotations

import hashlib
import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.account import Account
from asma_core.accounts.belongings import UPLOAD, check_changing_it, claim, forget, may_see_it
from asma_core.accounts.quota import check_quota, forget_sums
from asma_core.accounts.rights import check_making
from asma_core.data.formats.archives import unpack
from asma_core.data.formats.dicom import HEAD, is_dicom
from asma_core.data.formats.images import (
    FloatImage,
    Source,
    check_image,
    encode_png,
    from_bytes,
    to_bytes,
)
from asma_core.data.formats.nameless_dicom import without_person
from asma_core.data.formats.series import begins_as_dicom
from asma_core.data.formats.slices import MIDDLE, Slice
from asma_core.data.formats.windows import RANGE, Window, window_from_dict
from asma_core.errors import InputError, StoreError
from asma_core.files import (
    as_store_error,
    clear_image_caches,
    folder_size,
    put_aside,
    read_json,
    write_bytes,
    write_json,
)
from asma_core.limited.reading import read, see
from asma_core.runs.sources import SourceImage, from_file
from asma_core.server_config import settings

HASH_LENGTH: Final = 32
GONE: Final = "this own image is not here any more; upload it again"


def keep_upload(data: bytes, name: str, where: Slice = MIDDLE, said: Window | None = None) -> str:
    """Check and keep an image; return the key by which `open_upload` finds it.

    Args:
        data: The file.
        name: Its name.
        where: Which picture of a file that holds several, and a window that can't be changed.
        said: What is said of that window, where the file was made from another that had it.

    Raises:
        InputError: It can't be read as an image.
        NotAllowedError: Who acts may not upload.
    """
    who = check_making()
    check_quota(who, len(data))
    kept = read(name, _nameless, data, name, where) or data
    file = hashlib.sha256(data + _bytes(name) + _whose(who))
    windows = {
        word: window.as_dict()
        for word, window in (("window", where.window), ("said", said))
        if window is not None
    }
    key = _key(file, where)
    claim(UPLOAD, key, who)
    write_bytes(_folder() / f"{key}.image", kept)
    _keep(key, file, name, where, windows)
    forget_sums()
    audit.record("upload", f"image {key}")
    return key


def _whose(who: Account) -> bytes:
    """Return what keeps two people's copies of one file apart, where people sign in."""
    return who.name.encode() if settings().people_sign_in else b""


def _key(file: hashlib._Hash, where: Slice) -> str:
    # An image that is alone in its file has the same address as ever.
    named = file.copy()
    named.update(b"" if where == MIDDLE else repr(where).encode())
    return named.hexdigest()[:HASH_LENGTH]


def _keep(key: str, file: hashlib._Hash, name: str, where: Slice, more: dict[str, Any]) -> None:
    """Write down which picture of a file is meant."""
    volume = hashlib.sha256(file.digest() + bytes([where.volume % 256])).hexdigest()
    place = {"frame": where.frame, "axis": where.axis, "volume": where.volume}
    record = {"name": name, "file": volume[:HASH_LENGTH], **place, **more}
    write_json(_folder() / f"{key}.json", record)


def unpack_series(data: bytes, name: str) -> Path:
    """Unpack a zip of the DICOM slices of one series; return the folder with the slices.

    Args:
        data: The zip.
        name: Its name.

    Raises:
        InputError: Not a zip, too large, or not of one series.
    """
    who = check_making()
    check_quota(who, len(data))
    digest = hashlib.sha256(data + _whose(who)).hexdigest()
    folder = _folder() / f"{digest[:HASH_LENGTH]}.series"
    if not folder.exists():
        with put_aside(data) as archive:
            read(name, unpack, archive, folder, settings(), name)
    inside = folder
    while len(within := list(inside.iterdir())) == 1 and within[0].is_dir():
        inside = within[0]
    if not any(path.is_file() and begins_as_dicom(path) for path in inside.iterdir()):
        shutil.rmtree(folder, ignore_errors=True)
        raise InputError(f"{name} is a data set rather than an image; add it on Datasets")
    return inside


def keep_series(folder: Path, name: str, where: Slice) -> str:
    """Keep a slice of an unpacked series; return the key by which `open_upload` finds it.

    Args:
        folder: What `unpack_series` returned.
        name: What a person calls it.
        where: Which slice.

    Raises:
        InputError: It can't be read as an image.
    """
    who = check_making()
    read(name, check_image, folder, name, where)
    series = folder.relative_to(_folder()).as_posix()
    file = hashlib.sha256(series.encode() + _bytes(name))
    key = _key(file, where)
    claim(UPLOAD, key, who)
    _keep(key, file, name, where, {"series": series})
    audit.record("upload", f"image {key}")
    return key


def file_of(key: str) -> str:
    """Return what the pictures of one volume share; of one that is not kept, its key."""
    path = _folder() / f"{key}.json"
    if not key.isalnum() or not path.exists():
        return key
    try:
        return str(read_json(path).get("file", key))
    except StoreError:
        # Damaged: who opens the image says so, in a sentence.
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
    record, file = _record(key), _folder() / f"{key}.image"
    if not record.exists() or not may_see_it(UPLOAD, key):
        raise InputError(GONE)
    kept = read_json(record)
    if "series" in kept:
        file = _folder() / str(kept["series"])
    if not file.exists():
        raise InputError(GONE)
    settled = window_from_dict(kept["window"]) if "window" in kept else None
    where = Slice(kept.get("frame"), kept.get("axis", 2), settled or window, kept.get("volume", 0))
    data: Source = file if "series" in kept else file.read_bytes()
    name = str(kept["name"])
    source = see(name, from_file, data, name, where)
    if settled is None and "said" not in kept:
        return source
    said = window_from_dict(kept["said"]) if "said" in kept else None
    return replace(source, window=said, extent=None)


def _bytes(name: str) -> bytes:
    # The name of a file may hold what no encoding can write.
    return name.encode("utf-8", "backslashreplace")


def _nameless(data: bytes, name: str, where: Slice) -> bytes:
    """Check an image; return what is kept of it, nothing for all of it."""
    check_image(data, name, where)
    return without_person(data, name) if is_dicom(data[:HEAD]) else b""


def delete_upload(key: str) -> None:
    """Delete an uploaded image, with what nobody else's record needs of its file.

    Runs on it have the image in their own files, and stay.

    Raises:
        InputError: Nothing is kept under that key.
        NotAllowedError: It is somebody else's.
        StoreError: It can't be removed.
    """
    record = _record(key)
    if not record.exists():
        raise InputError(GONE)
    check_changing_it(UPLOAD, key)
    remove_upload(key)
    audit.record("delete", f"image {key}")
    clear_image_caches(paths.home())


def remove_upload(key: str) -> None:
    """Remove an uploaded image without asking whose it is; see `delete_upload`."""
    record = _record(key)
    series = _series_of(record)
    with as_store_error(record):
        # The record last: as long as it is there, the rest can be found again.
        (_folder() / f"{key}.image").unlink(missing_ok=True)
        record.unlink(missing_ok=True)
    forget(UPLOAD, key)
    forget_sums()
    if series and series not in map(_series_of, _folder().glob("*.json")):
        shutil.rmtree(_folder() / series.split("/")[0], ignore_errors=True)


def kept_words() -> str:
    """Say how long uploaded images are kept; "" for as long as nobody deletes them."""
    days = settings().keep_uploads_days
    return f"Uploaded images are deleted after {days} days." if days else ""


def upload_records() -> list[Path]:
    """Return the records of all uploaded images, the oldest first; each is named by its key."""
    return sorted(_folder().glob("*.json"), key=lambda path: path.stat().st_mtime)


def upload_size(key: str) -> int:
    """Return how many bytes an uploaded image takes; a series counts once for each picture."""
    series = _series_of(_record(key))
    if series:
        return folder_size(_folder() / series.split("/")[0])
    file = _folder() / f"{key}.image"
    return file.stat().st_size if file.exists() else 0


def upload_name(key: str) -> str:
    """Return what a person calls an uploaded image."""
    try:
        return str(read_json(_record(key))["name"])
    except (StoreError, KeyError, TypeError):
        return key


def _series_of(record: Path) -> str:
    """Return the folder of the series that a record is of; "" for none, or of a damaged one."""
    try:
        return str(read_json(record).get("series", ""))
    except (StoreError, AttributeError):
        return ""


def _record(key: str) -> Path:
    """Return the record of a key; of what can't be one, a file that there is not."""
    known = len(key) == HASH_LENGTH and key.isalnum()
    return _folder() / (f"{key}.json" if known else "no-such-upload.json")


def _folder() -> Path:
    return paths.home() / "uploads"
