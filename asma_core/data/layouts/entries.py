"""What a layout finds in a folder: images with their masks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from asma_core.data.formats.tree import stem
from asma_core.data.masks.encodings import Encoding

SPLITS: Final = {
    "train": "train",
    "training": "train",
    "tr": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "ts": "test",
}
# What DICOM slices are called that lie in the data set's own folder.
SERIES: Final = "series"


@dataclass(frozen=True)
class MaskFile:
    """One file that shows a mask or a part of it.

    Attributes:
        path: Relative to the data set's folder.
        label: The class that it shows; 0 when its values tell the classes.
    """

    path: str
    label: int = 0


@dataclass(frozen=True)
class Entry:
    """One image with its masks, as paths relative to the data set's folder.

    Attributes:
        name: Unique in its set.
        image: Its file.
        masks: At least one file; none in a data set without masks.
        field_mask: A mask of what counts, or "".
        split: "train", "validation", "test" or "".
    """

    name: str
    image: str
    masks: tuple[MaskFile, ...]
    field_mask: str = ""
    split: str = ""


@dataclass(frozen=True)
class Found:
    """What a layout makes of a folder.

    Attributes:
        layout: Its name.
        title: For people.
        entries: The images with masks.
        left_out: Images without a mask, relative paths.
        classes: Names, background first; empty when only the masks can tell.
        encoding: Where the layout knows it.
        crop: Which part of each image is meant, or "".
        reasons: Why it is read like this, each in some words.
        doubts: What may be wrong with that, each a sentence.
    """

    layout: str
    title: str
    entries: tuple[Entry, ...]
    left_out: tuple[str, ...]
    classes: tuple[str, ...] = ()
    encoding: Encoding | None = None
    crop: str = ""
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass
class Group:
    """What belongs to one image, while it is being put together.

    Attributes:
        image: Its path.
        split: As in `Entry`.
        field_mask: As in `Entry`.
        masks: Found so far.
    """

    image: str = ""
    split: str = ""
    field_mask: str = ""
    masks: list[MaskFile] = field(default_factory=list)


def entries_of(groups: Iterable[Group], needed: int) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Make entries with names of their own, in their natural order, and list what is left out.

    Args:
        groups: The images with what was found for them.
        needed: How many classes must have a file.
    """
    groups = list(groups)
    whole = [g for g in groups if len({mask.label for mask in g.masks}) >= needed]
    names = _names([group.image for group in whole])
    entries = [
        Entry(
            name,
            g.image,
            tuple(sorted(g.masks, key=lambda m: (m.label, m.path))),
            g.field_mask,
            g.split,
        )
        for name, g in zip(names, whole, strict=True)
    ]
    left = sorted(g.image for g in groups if len({m.label for m in g.masks}) < needed)
    return tuple(sorted(entries, key=lambda entry: natural(entry.name))), tuple(left)


def _names(images: Sequence[str]) -> list[str]:
    """Name each image by its stem, and by its folders too where that is not enough."""
    short = [stem(path).strip(".") or SERIES for path in images]
    stems, wholes = Counter(short), Counter(map(_whole_name, images))
    return [
        name if stems[name] == 1 else _whole_name(path) if wholes[_whole_name(path)] == 1 else path
        for name, path in zip(short, images, strict=True)
    ]


def _whole_name(path: str) -> str:
    folder, mark, _ = path.rpartition("/")
    return f"{folder}{mark}{stem(path)}"


def natural(name: str) -> tuple[object, ...]:
    """Return a key that puts 2 before 10."""
    if name.isdecimal():
        return (0, int(name), name)
    return (1, *(_part(part) for part in re.split(r"(\d+)", name)))


def _part(part: str) -> tuple[int, int, str]:
    return (0, int(part), "") if part.isdecimal() and part.isascii() else (1, 0, part)
