"""Unpacking an uploaded zip: only what a data set is made of, only into its own folder."""

from __future__ import annotations

import shutil
import stat
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import IO, Final

from asma_core.data.formats.dicom import HEAD, is_dicom
from asma_core.data.formats.nameless_dicom import without_person
from asma_core.data.formats.tree import WANTED, suffix
from asma_core.errors import InputError, NoPictureError
from asma_core.files import as_store_error
from asma_core.server_config import Settings

# A picture is packed already; only a bomb shrinks by more. Small masks of one value do too.
MOST_RATIO: Final = 200
SMALL_BYTES: Final = 20_000_000
NESTED: Final = (".zip", ".rar", ".7z", ".tar", ".tgz", ".tbz", ".xz", ".bz2", ".gz")
_CHUNK: Final = 1 << 20
_JUNK: Final = ("__macosx", "thumbs.db", "desktop.ini")


def unpack(
    archive: Path | IO[bytes],
    folder: Path,
    limits: Settings,
    name: str = "",
    wanted: Sequence[str] = WANTED,
) -> int:
    """Unpack the pictures and tables of a zip into a new folder, or nothing at all.

    Args:
        archive: The zip.
        folder: Made by this call; it appears when everything is in it.
        limits: How much it may hold.
        name: What to call it in errors.
        wanted: The endings that are unpacked, if not those of pictures and tables; archives in
            the archive are then passed over too.

    Returns:
        How many files were unpacked. What is not wanted is passed over. What a DICOM file says of
        a person is left out.

    Raises:
        InputError: Not a zip, locked, a bomb, larger than allowed, or with a file that is a link,
            lies outside, is an archive itself, or collides with another but for its case.
        StoreError: The folder can't be written.
    """
    label = name or (archive.name if isinstance(archive, Path) else "the archive")
    aside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    with as_store_error(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _reading(label), zipfile.ZipFile(archive) as opened:
                entries = _checked(opened.infolist(), limits, label, wanted)
                written = _write_all(opened, entries, aside, limits, label)
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return written


@contextmanager
def _reading(label: str) -> Iterator[None]:
    try:
        yield
    except zipfile.BadZipFile as error:
        raise InputError(f"{label} is not a zip, or is damaged; pack the folder again") from error
    except (zlib.error, EOFError, NotImplementedError, ValueError, LookupError) as error:
        raise InputError(
            f"{label} can't be unpacked ({type(error).__name__}); pack the folder again as a zip"
        ) from error
    except RuntimeError as error:
        raise InputError(f"{label} is locked with a password; pack it without one") from error


def _checked(
    entries: Sequence[zipfile.ZipInfo], limits: Settings, label: str, endings: Sequence[str]
) -> list[tuple[zipfile.ZipInfo, str]]:
    """Return what to unpack and where to, after a look at everything that the zip promises."""
    if len(entries) > limits.max_archive_files:
        raise InputError(
            f"{label} holds {len(entries):,} files; the limit is {limits.max_archive_files:,}, "
            "import it as a folder on the server"
        )
    total = sum(entry.file_size for entry in entries)
    if total > limits.max_archive_mb * 1_000_000:
        raise InputError(_too_large(label, limits))
    packed = sum(entry.compress_size for entry in entries)
    if total > SMALL_BYTES and total > MOST_RATIO * max(packed, 1):
        raise InputError(
            f"{label} unpacks to {total // max(packed, 1)} times its size; it is a bomb"
        )
    wanted: list[tuple[zipfile.ZipInfo, str]] = []
    seen: dict[str, str] = {}
    for entry in entries:
        path = _path(entry, label, endings)
        if path is None:
            continue
        if path.casefold() in seen:
            other = seen[path.casefold()]
            raise InputError(f"{label} holds both {other} and {path}; rename one")
        seen[path.casefold()] = path
        wanted.append((entry, path))
    if not wanted:
        missing = (
            "pictures; pack the images and their masks"
            if endings is WANTED
            else f"{', '.join(endings)}; pack the whole folder"
        )
        raise InputError(f"{label} holds no {missing}")
    return wanted


def _path(entry: zipfile.ZipInfo, label: str, endings: Sequence[str]) -> str | None:
    """Return where an entry goes, None for what is not wanted."""
    name = entry.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    drive = bool(parts) and ":" in parts[0]
    if name.startswith("/") or ".." in parts or drive or "\0" in name:
        raise InputError(f"{label} holds {name!r}, which lies outside of it; pack the folder again")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise InputError(f"{label} holds the link {name!r}; pack the file itself")
    hidden = any(part.startswith(".") or part.lower() in _JUNK for part in parts)
    if entry.is_dir() or hidden or not parts:
        return None
    ending = suffix(name)
    if ending in NESTED and endings is WANTED:
        raise InputError(f"{label} holds the archive {name!r}; unpack that first")
    return "/".join(parts) if ending in endings else None


class _Room:
    """How much may still come out: what a zip says of its sizes may be a lie."""

    def __init__(self, limits: Settings, label: str) -> None:
        self._limits = limits
        self._label = label
        self._left = limits.max_archive_mb * 1_000_000

    def pieces(self, source: IO[bytes]) -> Iterator[bytes]:
        """Yield what an entry holds."""
        while chunk := source.read(_CHUNK):
            self._left -= len(chunk)
            if self._left < 0:
                raise InputError(_too_large(self._label, self._limits))
            yield chunk

    def whole(self, pieces: Iterator[bytes], path: str) -> bytes:
        """Return an entry that must be held in memory."""
        data, most = bytearray(), self._limits.max_image_mb
        for piece in pieces:
            data += piece
            if len(data) > most * 1_000_000:
                raise InputError(f"{path} has more than {most} MB, the limit; cut it smaller")
        return bytes(data)


def _write_all(
    opened: zipfile.ZipFile,
    wanted: Sequence[tuple[zipfile.ZipInfo, str]],
    aside: Path,
    limits: Settings,
    label: str,
) -> int:
    """Write entries; return how many. DICOM files without a picture are passed over."""
    room, written = _Room(limits, label), 0
    for entry, path in wanted:
        with opened.open(entry) as source, suppress(NoPictureError):
            pieces = _nameless(room.pieces(source), room, path)
            target = aside / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.writelines(pieces)
            written += 1
    if not written:
        raise InputError(f"{label} holds no pictures; pack the images and their masks")
    return written


def _nameless(pieces: Iterator[bytes], room: _Room, path: str) -> Iterator[bytes]:
    """Return what is written of an entry: of DICOM never a byte of what it says of a person."""
    first = next(pieces, b"")
    pieces = chain([first], pieces)
    if not is_dicom(first[:HEAD]):
        return pieces
    return iter([without_person(room.whole(pieces, path), path)])


def _too_large(label: str, limits: Settings) -> str:
    return (
        f"{label} unpacks to more than {limits.max_archive_mb} MB, the limit; import it as a "
        "folder on the server"
    )
