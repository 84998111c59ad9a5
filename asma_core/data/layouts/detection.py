"""Finding the images of a folder and the masks of each.

First the well-known challenges by the names of their files, then a table, then images and masks
by evidence, and where these leave images without a mask, what annotation tools write.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from asma_core.data.formats.tree import list_files
from asma_core.data.layouts.annotations.fiftyone import FIFTYONE, SAMPLES
from asma_core.data.layouts.annotations.masks import READERS, TITLES, find_annotated
from asma_core.data.layouts.entries import Found
from asma_core.data.layouts.known import KNOWN
from asma_core.data.layouts.known_matching import find_known
from asma_core.data.layouts.lists import with_lists
from asma_core.data.layouts.manifest import TABLE, TABLE_TITLE, find_in_table
from asma_core.data.layouts.names import name_of
from asma_core.data.layouts.pairing import PAIRED, PAIRED_TITLE, find_pairs
from asma_core.data.layouts.refusals import problem_of
from asma_core.data.layouts.unmasked import UNMASKED, UNMASKED_TITLE, find_images
from asma_core.errors import InputError, UnknownNameError

# Layouts whose masks are files of their own, the surest first.
_BY_PICTURES: Final = (*(layout.name for layout in KNOWN), TABLE, PAIRED)
# What cards of before say for what is paired by evidence today.
_BEFORE: Final = ("folders", "beside")


def layout_names() -> list[str]:
    """Return the names of all layouts, for a choice."""
    return [*_BY_PICTURES, *READERS, UNMASKED]


def layout_title(name: str) -> str:
    """Return what a layout is called."""
    titles = {layout.name: layout.title for layout in KNOWN}
    return (
        {TABLE: TABLE_TITLE, PAIRED: PAIRED_TITLE, UNMASKED: UNMASKED_TITLE} | TITLES | titles
    ).get(name, name)


def recognise(folder: Path, layout: str = "", images: str = "", masks: str = "") -> list[Found]:
    """Return what the layouts make of a folder, the likeliest first.

    Args:
        folder: The data set's folder.
        layout: Only this one.
        images: A pattern (`*`, `?`) of what is an image; with it, or with the next, images and
            masks are paired by evidence.
        masks: The same of what is a mask.

    Raises:
        UnknownNameError: No layout has that name.
        InputError: No image at all, or no layout finds a mask for half of the images.
    """
    if layout != UNMASKED:
        layout = PAIRED if layout in _BEFORE or images or masks else layout
    if layout and layout not in layout_names():
        raise UnknownNameError("layout", layout, layout_names())
    files = list_files(folder)
    if layout:
        found = _found(layout, folder, files, images, masks)
        if found is None or not found.entries:
            raise InputError(problem_of(folder, files, [found] if found else []))
        return [found]
    tries = [found for found in (_found(name, folder, files) for name in _BY_PICTURES) if found]
    fitting = [found for found in tries if _is_whole(found)]
    damage = None
    if any(path.rpartition("/")[2] == SAMPLES for path in files):
        # Its masks are files too, which are paired without their names.
        whole = _found(FIFTYONE, folder, files)
        if whole is not None and _is_whole(whole):
            return [whole, *fitting]
    if not any(not found.left_out for found in fitting):
        try:
            drawn = [found for name in READERS if (found := _found(name, folder, files))]
            fitting = [*(found for found in drawn if _is_whole(found)), *fitting]
            tries += drawn
        except InputError as error:
            damage = error
    if not fitting:
        raise damage or InputError(problem_of(folder, files, tries))
    return fitting


def open_layout(folder: Path, layout: str, images: str = "", masks: str = "") -> Found:
    """Return what one layout makes of a folder, for a card that names it; see `recognise`.

    Raises:
        InputError: It finds nothing any more.
    """
    return recognise(folder, layout, images, masks)[0]


def _is_whole(found: Found) -> bool:
    """Tell whether at least half of the images have a mask.

    Images of a split in which none has one, as the test images of a contest, are not counted.
    """
    splits = {entry.split for entry in found.entries}
    left = [path for path in found.left_out if name_of(path).split in (*splits, "")]
    return len(found.entries) > 0 and len(found.entries) >= len(left)


def _found(
    name: str, folder: Path, files: Sequence[str], images: str = "", masks: str = ""
) -> Found | None:
    if name == TABLE:
        return find_in_table(folder, files)
    if name == UNMASKED:
        return find_images(files, images)
    if name in READERS:
        return find_annotated(name, folder, files)
    if name == PAIRED:
        found = find_pairs(folder, files, images, masks)
        return found and with_lists(folder, files, found)
    known = {layout.name: layout for layout in KNOWN}
    return find_known(known[name], folder.name, files)
