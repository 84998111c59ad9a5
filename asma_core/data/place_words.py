"""What is said of masks that lie on a grid of their own, NIfTI beside DICOM or other pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from asma_core.data.formats.across import (
    BACKWARDS,
    DIRECTIONS,
    POSITION,
    STORED,
    TRANSPOSED,
    WAYS,
    Fit,
)

_CHOICES: Final = {
    POSITION: "Each pixel at its place in the body (nearest neighbour)",
    DIRECTIONS: "Corner to corner, in the directions that the files say",
    STORED: "As they are stored: columns, rows, slices",
    TRANSPOSED: "As they are stored, rows and columns exchanged",
    BACKWARDS: "As they are stored, the last slice first",
}
_NOW: Final = {
    POSITION: "each pixel is read at its place in the body (nearest neighbour; outside is 0)",
    DIRECTIONS: "they are laid corner to corner, in the directions that the files say",
    STORED: "they are laid over each other as they are stored",
    TRANSPOSED: "they are laid over each other as they are stored, rows and columns exchanged",
    BACKWARDS: "they are laid over each other as they are stored, the last slice first",
}


def sentence_of(fits: Sequence[Fit], count: int, way: str) -> str:
    """Return what is to be said of masks that don't agree with their images.

    Args:
        fits: Of those that don't.
        count: How many there are in all.
        way: How they are read now.
    """
    unplaced = any(not fit.placed for fit in fits)
    what = (
        "Masks that are NIfTI where images are not, or the other way round, of which one does "
        "not say where in the body it lies"
        if unplaced
        else "Masks that lie on another grid than their images (shifted, tilted, or of another "
        "spacing)"
    )
    return f"{what}: {len(fits):,} of {count:,}. Now {_NOW[way]}. Look whether the outlines fit."


def choices_of(fits: Sequence[Fit], way: str) -> tuple[tuple[str, str], ...]:
    """Return key and words of the ways that fit all of them, that of now first."""
    shared = [one for one in WAYS if all(one in fit.ways for fit in fits)]
    if way not in shared:
        shared = [way, *shared]
    ordered = [way, *(one for one in shared if one != way)]
    return tuple((one, _CHOICES[one]) for one in ordered) if len(ordered) > 1 else ()
