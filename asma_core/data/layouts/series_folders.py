"""Folders of DICOM slices as the volumes that they are, where masks or images are NIfTI."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from asma_core.data.formats.grids import NIFTI
from asma_core.data.formats.tree import DICOM
from asma_core.data.layouts.entries import Found
from asma_core.data.layouts.names import Name, name_of

# The data set's own folder.
HERE: Final = "."


def with_series(names: Sequence[Name]) -> list[Name] | None:
    """Return names of which each folder of several DICOM files is one; None where none would be.

    Slices whose masks are pictures, one each, stay apart: only beside NIfTI are they a volume.
    """
    if not any(name.ending in NIFTI for name in names):
        return None
    folders: dict[str, list[Name]] = defaultdict(list)
    for name in names:
        if name.ending == DICOM:
            folders[name.path.rpartition("/")[0]].append(name)
    series = {folder: own for folder, own in folders.items() if len(own) > 1}
    if not series:
        return None
    found = [n for n in names if n.ending != DICOM or n.path.rpartition("/")[0] not in series]
    return found + [_as_one(folder, own[0]) for folder, own in series.items()]


def _as_one(folder: str, first: Name) -> Name:
    # With an ending, as dots in a folder's name are none.
    named = name_of(f"{folder}{DICOM}")
    return replace(named, path=folder or HERE, ending=DICOM, inside=first.path)


def holds_volumes(found: Found, series: Sequence[Name]) -> bool:
    """Tell whether any image or mask of what was found is a folder of slices."""
    folders = {name.path for name in series if name.inside}
    return any(
        entry.image in folders or any(mask.path in folders for mask in entry.masks)
        for entry in found.entries
    )
