"""What several masks of one image are: copies, one a class, annotators' votes, single objects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np

from asma_core.data.formats.images import read_values
from asma_core.data.formats.tree import stem
from asma_core.data.layouts.entries import MaskFile
from asma_core.data.layouts.names import Name, name_of, word_set, words_of
from asma_core.data.masks.encodings import SHARE, Encoding
from asma_core.errors import AsmaError

STRUCTURE: Final = ("background", "structure")
# Endings of files whose values JPEG may have soiled.
LOSSY: Final = (".jpg", ".jpeg", ".webp")
# Words of a mask's name, the likelier to be what is meant the earlier.
_MEANT: Final = (
    {"truth", "groundtruth", "gt", "manual", "labels", "label"},
    {"segmentation", "segmentations", "seg", "annotation", "annotations", "masks"},
)
# Of several masks of an image those that MONAI Label keeps in labels/final.
_FINAL: Final = "final"
_ANNOTATORS: Final = word_set(
    "annotator annotators expert experts exp reader readers rater raters observer observers obs "
    "ho st nd rd th a r"
)
# Masks of two annotators share at least this part of the smaller one, in the median; objects none.
_AGREE: Final = 0.3
_LOOKED_AT: Final = 4
# A class covers more of a mask than this; there are at most so many.
_AREA: Final = 0.005
_MOST_CLASSES: Final = 40


@dataclass(frozen=True)
class Pair:
    """A mask's image, what is left of the mask's name, and how they were found."""

    image: str
    mask: Name
    left: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Meant:
    """What the masks of each image are.

    Attributes:
        masks: By image.
        classes: Names, background first; empty when only the masks can tell.
        encoding: Where it is known from what several masks are.
        reasons: In some words each.
    """

    masks: Mapping[str, list[MaskFile]]
    classes: tuple[str, ...] = ()
    encoding: Encoding | None = None
    reasons: tuple[str, ...] = ()


def without_others(pairs: Sequence[Pair]) -> tuple[list[Pair], list[str]]:
    """Leave out pictures of masks made for the eye or for objects, and copies of another format."""
    named = {pair.image for pair in pairs if not pair.mask.other}
    final = {pair.image for pair in pairs if _FINAL in pair.mask.folders}
    kept = [
        pair
        for pair in pairs
        if not (pair.mask.other and pair.image in named)
        and (pair.image not in final or _FINAL in pair.mask.folders)
    ]
    notes = _left_out(pairs, kept, "other pictures of masks")
    exact = {_without_ending(pair): pair for pair in kept if pair.mask.ending not in LOSSY}
    single = [p for p in kept if p.mask.ending not in LOSSY or _without_ending(p) not in exact]
    paths = {pair.mask.path for pair in single}
    copies = [pair for pair in kept if pair.mask.path not in paths]
    if copies:
        other = exact[_without_ending(copies[0])].mask.ending
        notes.append(f"{copies[0].mask.ending} copies of {other} masks, left out: {len(copies):,}")
    return single, notes


def _without_ending(pair: Pair) -> tuple[str, str, str]:
    path = pair.mask.path.casefold()
    return pair.image, path.rpartition("/")[0], stem(path)


def _left_out(pairs: Sequence[Pair], kept: Sequence[Pair], what: str) -> list[str]:
    inside = {pair.mask.path for pair in kept}
    left = [pair.mask.path for pair in pairs if pair.mask.path not in inside]
    return [f"{what}, left out: {len(left):,}, such as {left[0]}"] if left else []


def what_several_are(folder: Path, pairs: Sequence[Pair]) -> Meant:
    """Tell what the masks of images are where some have several.

    Args:
        folder: The data set's folder.
        pairs: All masks, each with its image.
    """
    single, notes = _likeliest_kind(pairs)
    labels = _labels(single)
    by_image: dict[str, list[Pair]] = defaultdict(list)
    for pair in single:
        by_image[pair.image].append(pair)
    several = [own for own in by_image.values() if len(own) > 1]
    if not several:
        masks = {path: [MaskFile(own[0].mask.path)] for path, own in by_image.items()}
        return Meant(masks, reasons=tuple(notes))
    by_class = _by_class(by_image, labels)
    if by_class is not None:
        notes.append(f"a mask for each class: {', '.join(by_class.classes[1:])}")
        return replace(by_class, reasons=tuple(notes))
    masks = {path: [MaskFile(p.mask.path, 1) for p in own] for path, own in by_image.items()}
    most = max(map(len, several))
    plainest = _plainest(folder, by_image)
    if plainest is not None:
        kept = {path: [MaskFile(pair.mask.path)] for path, pair in plainest.items()}
        notes += _left_out(single, [*plainest.values()], "other masks of class numbers")
        return Meant(kept, reasons=tuple(notes))
    if _agree(folder, several):
        notes.append(f"up to {most:,} masks for one image, taken as annotators' votes")
        return Meant(masks, (), None, tuple(notes))
    notes.append(f"up to {most:,} masks for one image, taken together as one structure")
    united = Encoding(kind=SHARE, values=(), threshold=0.0)
    return Meant(masks, STRUCTURE, united, tuple(notes))


def _by_class(by_image: Mapping[str, list[Pair]], labels: Mapping[str, str]) -> Meant | None:
    """Return a mask for each class where the names tell classes; else None."""
    names = sorted({label for label in labels.values() if label})
    apart = all(len({labels[p.mask.path] for p in own}) == len(own) for own in by_image.values())
    # More names than images are those of objects.
    few = 1 < len(names) <= 2 * len(by_image) + 6
    if not (apart and few and all(labels.values())):
        return None
    numbers = {name: place for place, name in enumerate(names, start=1)}
    masks = {
        path: [MaskFile(p.mask.path, numbers[labels[p.mask.path]]) for p in own]
        for path, own in by_image.items()
    }
    return Meant(masks, ("background", *names))


def _likeliest_kind(pairs: Sequence[Pair]) -> tuple[list[Pair], list[str]]:
    """Choose among folders that each have one unnamed mask for about all images.

    A folder of manual outlines beside one of the camera's fields, say.
    """
    kinds: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        kinds[pair.mask.path.rpartition("/")[0]].append(pair)
    images = {pair.image for pair in pairs}
    whole = [
        folder
        for folder, own in kinds.items()
        if len(own) == len({p.image for p in own}) and 2 * len(own) > len(images)
    ]
    telling = _labels(pairs)
    unnamed = [folder for folder in whole if not any(telling[p.mask.path] for p in kinds[folder])]
    if len(unnamed) < 2:
        return list(pairs), []
    chosen = min(unnamed, key=lambda folder: (_rank(folder), folder))
    kept = [pair for pair in pairs if pair.mask.path.rpartition("/")[0] == chosen]
    return kept, _left_out(pairs, kept, "masks of other folders")


def _rank(folder: str) -> int:
    """Return how likely a folder is to hold what is meant, the likeliest first."""
    found = {word for part in folder.split("/") for word in words_of(part)}
    return next((place for place, meant in enumerate(_MEANT) if found & meant), len(_MEANT))


def _labels(pairs: Sequence[Pair]) -> dict[str, str]:
    """Return the class that each mask's path names, "" for none, by the mask's path.

    Words of folders that all masks share, or that images have, name none, nor do numbers and
    annotators.
    """
    if not pairs:
        return {}
    shared = set.intersection(*(set(pair.mask.folders) for pair in pairs))
    images = {word for pair in pairs for word in name_of(pair.image).folders}
    labels = {}
    for pair in pairs:
        above = [word for word in pair.mask.folders if word not in shared and word not in images]
        labels[pair.mask.path] = _told(above) or _told(pair.left)
    # Names that hardly ever come again are those of single objects.
    counts = Counter(labels.values())
    if len(counts) > 1 and 2 * len(counts) > len(pairs) and len({p.image for p in pairs}) > 1:
        return dict.fromkeys(labels, "")
    return labels


def _told(words: Sequence[str]) -> str:
    """Return the words of a class among others."""
    kept = [word for word in words if not word.isdecimal() and word not in _ANNOTATORS]
    return " ".join(dict.fromkeys(kept))


def _plainest(folder: Path, by_image: Mapping[str, list[Pair]]) -> dict[str, Pair] | None:
    """Return the mask with the shortest name of each image where masks hold class numbers.

    These are no votes and no parts: each mask is all of it, made in another way.
    """
    several = [own for own in by_image.values() if len(own) > 1]
    looked_at = [pair.mask.path for own in several[:_LOOKED_AT] for pair in own[:_LOOKED_AT]]
    if not any(_holds_classes(folder / path) for path in looked_at):
        return None
    return {
        path: min(own, key=lambda pair: (len(pair.left), len(pair.mask.path), pair.mask.path))
        for path, own in by_image.items()
    }


def _holds_classes(path: Path) -> bool:
    """Tell a mask of several values that each fill areas from one of 0 and another value."""
    try:
        values = read_values(path)
    except AsmaError:
        return False
    if values.ndim == 3 or values.dtype.kind == "f":
        return False
    inner = values[:-1, :-1][
        (values[:-1, :-1] == values[1:, :-1]) & (values[:-1, :-1] == values[:-1, 1:])
    ]
    found, counts = np.unique(inner, return_counts=True)
    return int((counts > _AREA * inner.size).sum()) > 2 and len(found) <= _MOST_CLASSES


def _agree(folder: Path, several: Sequence[Sequence[Pair]]) -> bool:
    """Tell votes on one structure from single objects: do the masks of an image overlap?"""
    overlaps = []
    for own in several[:_LOOKED_AT]:
        drawn = []
        for pair in own[:_LOOKED_AT]:
            try:
                values = read_values(folder / pair.mask.path)
            except AsmaError:
                continue
            drawn.append(values.max(axis=-1) > 0 if values.ndim == 3 else values > 0)
        for one, other in combinations(drawn, 2):
            if one.shape == other.shape:
                overlaps.append((one & other).sum() / max(min(one.sum(), other.sum()), 1))
    return bool(overlaps) and float(np.median(overlaps)) > _AGREE
