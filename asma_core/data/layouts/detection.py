"""Finding the images of a folder and the masks of each.

First the well-known challenges by the names of their files, then a table, then images and masks
by evidence, and where these leave images without a mask, what annotation tools write.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from asma_core.data.formats.images import SUFFIXES
from asma_core.data.formats.tree import list_files, suffix
from asma_core.data.layouts.annotations.fiftyone import FIFTYONE, SAMPLES
from asma_core.data.layouts.annotations.masks import READERS, TITLES, find_annotated
from asma_core.data.layouts.entries import Found
from asma_core.data.layouts.known import KNOWN
from asma_core.data.layouts.known_matching import find_known
from asma_core.data.layouts.lists import with_lists
from asma_core.data.layouts.manifest import TABLE, TABLE_TITLE, find_in_table
from asma_core.data.layouts.pairing import PAIRED, PAIRED_TITLE, find_pairs
from asma_core.errors import InputError, UnknownNameError

# Layouts whose masks are files of their own, the surest first.
_BY_PICTURES: Final = (*(layout.name for layout in KNOWN), TABLE, PAIRED)
# What cards of before say for what is paired by evidence today.
_BEFORE: Final = ("folders", "beside")


def layout_names() -> list[str]:
    """Return the names of all layouts, for a choice."""
    return [*_BY_PICTURES, *READERS]


def layout_title(name: str) -> str:
    """Return what a layout is called."""
    titles = {layout.name: layout.title for layout in KNOWN}
    return ({TABLE: TABLE_TITLE, PAIRED: PAIRED_TITLE} | TITLES | titles).get(name, name)


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
    layout = PAIRED if layout in _BEFORE or images or masks else layout
    if layout and layout not in layout_names():
        raise UnknownNameError("layout", layout, layout_names())
    files = list_files(folder)
    if layout:
        found = _found(layout, folder, files, images, masks)
        if found is None or not found.entries:
            raise InputError(_problem(folder, files, [found] if found else []))
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
        raise damage or InputError(_problem(folder, files, tries))
    return fitting


def open_layout(folder: Path, layout: str, images: str = "", masks: str = "") -> Found:
    """Return what one layout makes of a folder, for a card that names it; see `recognise`.

    Raises:
        InputError: It finds nothing any more.
    """
    return recognise(folder, layout, images, masks)[0]


def _is_whole(found: Found) -> bool:
    return len(found.entries) > 0 and len(found.entries) >= len(found.left_out)


def _problem(folder: Path, files: Sequence[str], tries: Sequence[Found]) -> str:
    pictures = [path for path in files if suffix(path) in SUFFIXES]
    best = max(tries, key=lambda found: len(found.entries), default=None)
    if not pictures or best is None or not (best.entries or best.left_out):
        return (
            f"{folder.name} holds no images; it needs images/ and masks/ with the same file names, "
            "or NAME.png beside NAME-mask.png"
        )
    count = len(best.entries) + len(best.left_out)
    return (
        f"{folder.name} has no mask for {len(best.left_out)} of {count} images, the first is "
        f"{best.left_out[0].rpartition('/')[2]}; add its mask or remove the image"
    )


def _found(
    name: str, folder: Path, files: Sequence[str], images: str = "", masks: str = ""
) -> Found | None:
    if name == TABLE:
        return find_in_table(folder, files)
    if name in READERS:
        return find_annotated(name, folder, files)
    if name == PAIRED:
        found = find_pairs(folder, files, images, masks)
        return found and with_lists(folder, files, found)
    known = {layout.name: layout for layout in KNOWN}
    return find_known(known[name], folder.name, files)
