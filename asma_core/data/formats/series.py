"""A folder of DICOM slices of one series, as the volume that it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core.data.formats.dicom import HEAD, is_dicom
from asma_core.errors import InputError
from asma_core.files import as_store_error

MOST_SLICES: Final = 5000
_TAGS: Final = (
    *("SeriesInstanceUID", "ImagePositionPatient", "ImageOrientationPatient"),
    *("InstanceNumber", "Rows", "Columns", "PixelSpacing"),
)
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class SlicePlace:
    """Where a DICOM file lies in its series.

    Attributes:
        path: Of the file.
        series: Its UID, or "".
        along: Its position along the normal of its plane, in mm; None where it doesn't say.
        number: Its number in the series; None where it doesn't say.
        size: Rows and columns.
        corner: Where its first pixel lies, x, y and z of DICOM in mm; empty where it doesn't say.
        ways: Directions of its rows and of its columns, three numbers each; empty like that.
        spacing: Between rows and between columns, in mm; empty like that.
    """

    path: Path
    series: str
    along: float | None
    number: int | None
    size: tuple[int, int] = (0, 0)
    corner: Numbers = ()
    ways: Numbers = ()
    spacing: Numbers = ()


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder; what is no path is none."""
    try:
        return path.is_dir()
    except OSError:
        # Longer than a path can be.
        return False


def slices_of(folder: Path) -> tuple[Path, ...]:
    """Return the slices of the one series that a folder holds, from its first to its last.

    Raises:
        InputError: No DICOM files in it, or those of several series.
        StoreError: It can't be read.
    """
    return tuple(place.path for place in places_of(folder))


def places_of(folder: Path) -> tuple[SlicePlace, ...]:
    """Return where the slices of the one series of a folder lie, from its first to its last.

    Raises:
        InputError: As for `slices_of`.
        StoreError: It can't be read.
    """
    with as_store_error(folder):
        return _places_of(folder, folder.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _places_of(folder: Path, modified: int) -> tuple[SlicePlace, ...]:
    files = sorted(path for path in folder.iterdir() if path.is_file() and begins_as_dicom(path))
    if len(files) > MOST_SLICES:
        raise InputError(f"{folder.name} holds more than {MOST_SLICES:,} slices; choose one series")
    places = [place for path in files if (place := place_of(path)) is not None]
    if not places:
        raise InputError(f"{folder} is a folder without DICOM slices; choose a file or a series")
    series = {place.series for place in places}
    if len(series) > 1:
        raise InputError(
            f"{folder.name} holds {len(series)} series; put the slices of each into a folder of "
            "its own"
        )
    return tuple(in_order(places))


def begins_as_dicom(path: Path) -> bool:
    """Tell whether a file is DICOM by its first bytes; hidden ones and DICOMDIR are not meant."""
    if path.name.startswith(".") or path.name.upper() == "DICOMDIR":
        return False
    with path.open("rb") as file:
        return is_dicom(file.read(HEAD))


def place_of(path: Path) -> SlicePlace | None:
    """Return where a file lies in its series; None for what is no DICOM picture."""
    import pydicom

    try:
        header = pydicom.dcmread(
            path, stop_before_pixels=True, force=True, specific_tags=list(_TAGS)
        )
        if "Rows" not in header:
            return None
        number = header.get("InstanceNumber")
        return SlicePlace(
            path,
            str(header.get("SeriesInstanceUID", "")),
            _along(header),
            None if number is None or number == "" else int(number),
            (int(header.Rows), int(header.get("Columns") or 0)),
            _numbers(header, "ImagePositionPatient", 3),
            _numbers(header, "ImageOrientationPatient", 6),
            _numbers(header, "PixelSpacing", 2),
        )
    except Exception:  # noqa: BLE001 - damage of any kind is told where the picture is read
        return None


def _along(header: Any) -> float | None:
    corner = _numbers(header, "ImagePositionPatient", 3)
    ways = _numbers(header, "ImageOrientationPatient", 6)
    return float(np.dot(np.cross(ways[:3], ways[3:]), corner)) if corner and ways else None


def _numbers(header: Any, name: str, count: int) -> Numbers:
    """Return so many finite numbers of an element; none where it has not these."""
    values = header.get(name)
    if not values or not hasattr(values, "__len__") or len(values) != count:
        return ()
    found = tuple(float(value) for value in values)
    return found if np.isfinite(found).all() else ()


def in_order(places: Sequence[SlicePlace]) -> list[SlicePlace]:
    """Return slices series by series, by position, else by number, else by name."""
    series: dict[str, list[SlicePlace]] = {}
    for place in sorted(places, key=lambda place: place.path.as_posix()):
        series.setdefault(place.series, []).append(place)
    return [place for group in series.values() for place in _sorted(group)]


def _sorted(group: Sequence[SlicePlace]) -> Iterable[SlicePlace]:
    along = [place.along for place in group]
    if all(value is not None for value in along) and len(set(along)) == len(along):
        return sorted(group, key=lambda place: place.along or 0.0)
    if all(place.number is not None for place in group):
        return sorted(group, key=lambda place: place.number or 0)
    return group
