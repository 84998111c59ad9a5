"""The files of a data set's folder that could be images or masks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from asma_core.data.images import SUFFIXES
from asma_core.errors import InputError
from asma_core.files import explained

MASK_SUFFIXES: Final = (*SUFFIXES, ".txt", ".mat")
TABLES: Final = (".csv", ".tsv")
MOST_FILES: Final = 500_000
_JUNK: Final = ("__macosx",)


def suffix(path: str) -> str:
    """Return a file's ending in small letters, ".nii.gz" as one."""
    name = path.lower().rpartition("/")[2]
    return ".nii.gz" if name.endswith(".nii.gz") else os.path.splitext(name)[1]  # noqa: PTH122


def stem(path: str) -> str:
    """Return a file's name without folders and ending."""
    name = path.rpartition("/")[2]
    return name[: len(name) - len(suffix(name))]


def list_files(folder: Path) -> list[str]:
    """Return the pictures, outlines and tables of a folder and all below it.

    Returns:
        Paths relative to the folder, with "/", sorted. Hidden files and links to elsewhere are
        left out.

    Raises:
        InputError: More files than a data set has.
        StoreError: A folder can't be read.
    """
    with explained(folder):
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
            elif suffix(name) in MASK_SUFFIXES + TABLES and _stays(entry, folder):
                yield above + name


def _stays(entry: os.DirEntry[str], folder: str) -> bool:
    """Tell whether a file is one, or a link to one beside it."""
    if not entry.is_symlink():
        return entry.is_file()
    target = Path(entry.path).resolve()
    return target.is_file() and target.is_relative_to(Path(folder).resolve())
