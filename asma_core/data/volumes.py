"""What a data set says of its volumes: how many slices, along which axis, in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from asma_core.data.dataset_cards import DatasetCard
from asma_core.data.formats.across import are_across, fit_of, slices_axis
from asma_core.data.formats.grids import grid_of, is_nifti_file
from asma_core.data.formats.images import VOLUMES, count_frames
from asma_core.data.formats.series import is_folder
from asma_core.data.formats.tree import suffix
from asma_core.data.layouts.entries import Found
from asma_core.data.series_order import order_of
from asma_core.errors import AsmaError

STACKS: Final = (".tif", ".tiff", ".gif", *VOLUMES)


def with_slices(card: DatasetCard, root: Path, found: Found) -> DatasetCard:
    """Return a card that knows each slice of a data set's volumes, and their order.

    Args:
        card: Of the data set.
        root: Folder of its data.
        found: Its images and masks.

    Raises:
        InputError: A file that holds several pictures can't be read.
    """
    card = replace(card, order=card.order or order_of(root, found))
    across = [
        (root / entry.image, root / entry.masks[0].path)
        for entry in found.entries
        if entry.masks and are_across(root / entry.image, root / entry.masks[0].path)
    ]
    if across:
        card = _laid_over(card, across)
    return replace(card, frame_counts=frame_counts(root, found, card.axis))


def _laid_over(card: DatasetCard, pairs: Sequence[tuple[Path, Path]]) -> DatasetCard:
    """Return a card that says how masks lie on images, by the first that don't agree."""
    try:
        apart = (fit for image, mask in pairs if not (fit := fit_of(image, mask)).agrees)
        first = next(apart, None)
        image, mask = pairs[0]
        axis = slices_axis(image, mask) if is_nifti_file(image) else card.axis
    except AsmaError:
        # Told where every mask is looked at.
        return card
    return replace(card, places=first.ways[0] if first and first.ways else card.places, axis=axis)


def frame_counts(root: Path, found: Found, axis: int) -> dict[str, int]:
    """Count the pictures of files that hold several, by the first of them, and of series.

    Raises:
        InputError: A file can't be read.
    """
    images = [entry.image for entry in found.entries]
    series = {path: count_frames(root / path) for path in images if is_folder(root / path)}
    stacks = [path for path in images if path not in series and suffix(path) in STACKS]
    if not stacks or _count(root / stacks[0], axis) == 1:
        return series
    return series | {path: _count(root / path, axis) for path in stacks}


def _count(path: Path, axis: int) -> int:
    # The head of a NIfTI file says it: nothing of a packed volume is unpacked.
    return grid_of(path).count(axis) if is_nifti_file(path) else count_frames(path)
