"""The order in which the slices of DICOM series are browsed in a data set."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from asma_core.data.formats.series import SlicePlace, in_order, place_of
from asma_core.data.formats.tree import DICOM, suffix
from asma_core.data.layouts.entries import Found
from asma_core.files import file_state

# Each costs a millisecond, once: the order stands in the card.
MOST_READ: Final = 20_000


@lru_cache(maxsize=MOST_READ)
def _place(path: Path, state: tuple[str, int, int]) -> SlicePlace | None:
    return place_of(path)


def order_of(root: Path, found: Found) -> tuple[str, ...]:
    """Return the names of a data set's images, slices of a series by their place in it.

    Empty where the order of the names is as good: no DICOM, no series of several, or the same.
    """
    names = {
        root / entry.image: entry.name
        for entry in found.entries
        if suffix(entry.image) == DICOM and not entry.image.lower().endswith((".nii", ".nii.gz"))
    }
    if not 1 < len(names) <= MOST_READ:
        return ()
    places = [place for path in names if (place := _place(path, file_state(path))) is not None]
    if len({place.series for place in places}) == len(places) or not all(
        place.series for place in places
    ):
        return ()
    order = tuple(names[place.path] for place in in_order(places))
    known = set(order)
    left = [name for name in names.values() if name not in known]
    whole = (*order, *left)
    return () if whole == tuple(names.values()) else whole
