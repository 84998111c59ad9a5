"""The files of a data set's folder that could be images or masks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from asma_core.data.formats.dicom import is_dicom
from asma_core.data.formats.images import SUFFIXES
from asma_core.errors import InputError
from asma_core.files import as_store_error

MASK_SUFFIXES: Final = (*SUFFIXES, ".txt", ".mat")
TABLES: Final = (".csv", ".tsv")
ANNOTATIONS: Final = (".json", ".xml", ".yaml", ".yml")
# What a data set may be made of.
WANTED: Final = (*MASK_SUFFIXES, *TABLES, *ANNOTATIONS)
MOST_FILES: Final = 500_000
DICOM: Final = ".dcm"
# No ending, and what some programs call theirs.
_DICOMS: Final = ("", ".dicom", ".ima")
_JUNK: Final = ("__macosx",)


def _ending(path: str) -> str:
    """Return a file's own ending; a number is none but the end of a DICOM's UID."""
    name = path.lower().rpartition("/")[2]
    if name.endswith(".nii.gz"):
        return ".nii.gz"
    ending = os.path.splitext(name)[1]  # noqa: PTH122
    return "" if ending[1:].isdecimal() else ending


def suffix(path: str) -> str:
    """Return a file's ending in small letters, ".nii.gz" as one; a file without is DICOM."""
    ending = _ending(path)
    return DICOM if ending in _DICOMS else ending


def stem(path: str) -> str:
    """Return a file's name without folders and ending."""
    name = path.rpartition("/")[2]
    return name[: len(name) - len(_ending(path))]


def list_files(folder: Path) -> list[str]:
    """Return the pictures, outlines, tables and annotations of a folder and all below it.

    Returns:
        Paths relative to the folder, with "/", sorted. Hidden files and links to elsewhere are
        left out.

    Raises:
        InputError: More files than a data set has.
        StoreError: A folder can't be read.
    """
    with as_store_error(folder):
        found = []
        for path in _walk(str(folder), ""):
            found.append(path)
            if len(found) > MOST_FILES:
                raise InputError(
                    f"{folder} holds more than {MOST_FILES:,} pictures; choose the data set's own "
                    "folder"
                )
    return sorted(found)


def _walk(folder: str, above: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if name.startswith(".") or name.lower() in _JUNK:
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{above}{name}/")
            elif suffix(name) in WANTED and _stays(entry, folder):
                yield above + name


def _is_dicom(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return is_dicom(file.read(132))
    except OSError:
        # Not readable or not a file: no picture either.
        return False


def _stays(entry: os.DirEntry[str], folder: str) -> bool:
    """Tell whether a file is one, or a link to one beside it."""
    if not entry.is_file() or not (_ending(entry.name) or _is_dicom(entry.path)):
        return False
    if not entry.is_symlink():
        return True
    return Path(entry.path).resolve().is_relative_to(Path(folder).resolve())
