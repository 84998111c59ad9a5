"""What would be wrong with a data set without a word, told from what was seen of its files.

Each finding is a sentence with a count, the images that show it, and what can be chosen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from asma_core.data.class_areas import ClassAreas
from asma_core.data.datasets import Dataset
from asma_core.data.finding import (
    ABSENT,
    DARK,
    EMPTY,
    FULL,
    IDENTICAL,
    INVERTED,
    JPEG_NUMBERS,
    LEAKED,
    PALETTES,
    Finding,
    Seen,
    listed,
    names_of,
)
from asma_core.data.geometry_findings import (
    affines_finding,
    places_finding,
    sizes_finding,
    turned_finding,
)
from asma_core.data.masks.encodings import SHARE

# An image whose values span less than this share of the whole range.
SMALL_RANGE: Final = 0.1
# Structure that covers so much of the border in so many images may be the background.
_ON_BORDER: Final = 0.9
_MOSTLY: Final = 0.8
# A mask's class numbers, as opposed to greys that are far apart.
_HIGHEST_NUMBER: Final = 31


def findings_of(dataset: Dataset, seen: Sequence[Seen], areas: ClassAreas) -> list[Finding]:
    """Return what should be known of a data set.

    Args:
        dataset: As it would be kept.
        seen: Some or all of its samples.
        areas: float32 (seen, K), per cent of the valid pixels of each.
    """
    whole = [one for one in seen if not one.problem]
    found = [
        turned_finding(seen),
        affines_finding(whole),
        places_finding(seen),
        palettes_finding(dataset, seen),
        sizes_finding(seen),
        _of_jpeg(dataset, whole),
        listed(
            EMPTY,
            [one for one in whole if _covers(one, 0)],
            "Masks that hold no structure at all",
            len(whole),
        ),
        listed(
            FULL,
            [one for one in whole if one.areas is not None and one.areas[0] == 0.0],
            "Masks that hold no background at all",
            len(whole),
        ),
        _identical(whole),
        _absent(dataset, areas),
        listed(
            DARK,
            [one for one in whole if one.span < SMALL_RANGE],
            "Images that use less than a tenth of the range of values and look nearly flat",
            len(whole),
        ),
        _leaked(whole),
        _inverted(dataset, whole),
    ]
    return [one for one in found if one is not None]


def _covers(one: Seen, label: int) -> bool:
    return one.areas is not None and float(one.areas[label]) == 100.0


def palettes_finding(dataset: Dataset, seen: Sequence[Seen]) -> Finding | None:
    """Return what is to be known of indexed masks' palettes, told by the masks' heads alone.

    Args:
        dataset: As it would be kept.
        seen: Some or all of its samples.
    """
    palettes = Counter(one.mask.palette for one in seen if one.mask.palette)
    encoding = dataset.encoding
    if len(palettes) < 2 or encoding is None or encoding.kind == SHARE:
        return None
    used = [value for value, _ in encoding.values] if not encoding.colours else [0, 1]
    shown = {tuple(p[value : value + 1] for value in used) for p in palettes}
    if len(shown) < 2:
        return None
    choices = (("numbers", "Read the numbers"), ("colours", "Read the colours"))
    commonest = palettes.most_common(1)[0][0]
    others = [one for one in seen if one.mask.palette not in ((), commonest)]
    how = "by their colours" if encoding.colours else "by their numbers"
    return Finding(
        PALETTES,
        "Masks with another palette than the others, where the same number has another colour: "
        f"{len(others):,} of {len(seen):,}. Now all are read {how}.",
        names_of(others),
        choices[::-1] if encoding.colours else choices,
    )


def _of_jpeg(dataset: Dataset, seen: Sequence[Seen]) -> Finding | None:
    encoding = dataset.encoding
    soiled = [one for one in seen if one.mask.lossy]
    values = [value for value, _ in encoding.values] if encoding is not None else []
    if encoding is None or encoding.kind == SHARE or max(values, default=255) > _HIGHEST_NUMBER:
        return None
    return listed(
        JPEG_NUMBERS,
        soiled,
        "Masks that are JPEG and hold class numbers",
        len(seen),
        " JPEG changes these at every border, so that classes appear that nobody drew; export the "
        "masks as PNG.",
    )


def _identical(seen: Sequence[Seen]) -> Finding | None:
    masks = Counter(one.mask_digest for one in seen)
    if len(seen) < 3 or len(masks) > 1 or "" in masks or all(_covers(one, 0) for one in seen):
        return None
    return Finding(
        IDENTICAL,
        f"All {len(seen):,} masks are the same: they may be a template, or each image has the mask "
        "of one.",
        names_of(seen),
    )


def _absent(dataset: Dataset, areas: ClassAreas) -> Finding | None:
    present = np.nan_to_num(areas).max(axis=0, initial=0.0) > 0
    absent = [name for name, there in zip(dataset.classes, present, strict=True) if not there]
    if not absent or not np.isfinite(areas).any():
        return None
    words = "is in none of the masks" if len(absent) == 1 else "are in none of the masks"
    return Finding(ABSENT, f"{', '.join(absent)} {words}.")


def _leaked(seen: Sequence[Seen]) -> Finding | None:
    splits: dict[str, set[str]] = defaultdict(set)
    for one in seen:
        splits[one.digest].add(one.sample.split)
    twice = [one for one in seen if {"train", "test"} <= splits[one.digest]]
    return listed(
        LEAKED,
        [one for one in twice if one.sample.split == "test"],
        "Images of test that are in train as well, byte by byte",
        len(seen),
        " Figures of the test would be too good.",
    )


def _inverted(dataset: Dataset, seen: Sequence[Seen]) -> Finding | None:
    """Two classes of which the structure runs along the whole edge of nearly all images."""
    if len(dataset.classes) != 2 or len(seen) < 3:
        return None
    around = [one for one in seen if one.border > _ON_BORDER and not _covers(one, 1)]
    if len(around) < _MOSTLY * len(seen):
        return None
    name = dataset.classes[1]
    return Finding(
        INVERTED,
        f"{name} runs along the whole edge of {len(around):,} of {len(seen):,} images: the masks "
        "may be the wrong way round.",
        names_of(around),
        (("as is", "Leave them"), ("exchange", f"Exchange {name} and {dataset.classes[0]}")),
    )
