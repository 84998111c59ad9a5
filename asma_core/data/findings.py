"""What would be wrong with a data set without a word, told from what was seen of its files.

Each finding is a sentence with a count, the images that show it, and what can be chosen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.class_areas import ClassAreas
from asma_core.data.datasets import Dataset
from asma_core.data.formats.headers import Header
from asma_core.data.masks.encodings import SHARE
from asma_core.data.samples import Sample

TURNED: Final = "turned"
AFFINE: Final = "affine"
PALETTES: Final = "palettes"
JPEG_NUMBERS: Final = "jpeg class numbers"
EMPTY: Final = "empty"
FULL: Final = "full"
IDENTICAL: Final = "identical"
ABSENT: Final = "absent class"
DARK: Final = "small range"
SIZES: Final = "sizes"
LEAKED: Final = "in train and test"
INVERTED: Final = "inverted"
OBJECTS: Final = "objects"
# What can be chosen, by finding.
CHOICES: Final = {
    TURNED: ("upright", "stored"),
    SIZES: ("refuse", "resize"),
    PALETTES: ("numbers", "colours"),
    OBJECTS: ("structure", "classes"),
    INVERTED: ("as is", "exchange"),
}
# An image whose values span less than this share of the whole range.
SMALL_RANGE: Final = 0.1
# Structure that covers so much of the border in so many images may be the background.
_ON_BORDER: Final = 0.9
_MOSTLY: Final = 0.8
# A mask's class numbers, as opposed to greys that are far apart.
_HIGHEST_NUMBER: Final = 31
_NO_HEADER: Final = Header()


@dataclass(frozen=True)
class Finding:
    """Something that should be known before a data set is kept.

    Attributes:
        kind: One of this module's names.
        message: A sentence, with its count.
        samples: Names of the images that show it, the first few.
        choices: Key and words of what can be chosen instead; the first is how it is read now.
    """

    kind: str
    message: str
    samples: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Seen:
    """What was seen of one sample.

    Attributes:
        sample: The sample.
        areas: float64 (K,), per cent of its valid pixels; None where it can't be used.
        problem: Why it can't, in a sentence, or "".
        digest: Of the image's file and frame.
        mask_digest: Of the class numbers.
        border: Which share of the pixels along the edge are structure.
        span: The range of the image's values, of 1.
        image: Head of the image's file.
        mask: The same of the mask's.
        sizes: Height and width of image and mask, where both could be read.
    """

    sample: Sample
    areas: NDArray[np.float64] | None = None
    problem: str = ""
    digest: str = ""
    mask_digest: str = ""
    border: float = 0.0
    span: float = 1.0
    image: Header = _NO_HEADER
    mask: Header = _NO_HEADER
    sizes: tuple[tuple[int, int], tuple[int, int]] | None = None


def findings_of(dataset: Dataset, seen: Sequence[Seen], areas: ClassAreas) -> list[Finding]:
    """Return what should be known of a data set.

    Args:
        dataset: As it would be kept.
        seen: Some or all of its samples.
        areas: float32 (seen, K), per cent of the valid pixels of each.
    """
    whole = [one for one in seen if not one.problem]
    found = [
        _turned(seen),
        _of_affines(whole),
        palettes_finding(dataset, seen),
        _of_sizes(dataset, seen),
        _of_jpeg(dataset, whole),
        _listed(
            EMPTY,
            [one for one in whole if _covers(one, 0)],
            "Masks that hold no structure at all",
            len(whole),
        ),
        _listed(
            FULL,
            [one for one in whole if one.areas is not None and one.areas[0] == 0.0],
            "Masks that hold no background at all",
            len(whole),
        ),
        _identical(whole),
        _absent(dataset, areas),
        _listed(
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


def _names(seen: Iterable[Seen]) -> tuple[str, ...]:
    return tuple(one.sample.name for one in seen)[:8]


def _listed(
    kind: str, seen: Sequence[Seen], words: str, count: int, advice: str = ""
) -> Finding | None:
    if not seen:
        return None
    return Finding(kind, f"{words}: {len(seen):,} of {count:,}.{advice}", _names(seen))


def _turned(seen: Sequence[Seen]) -> Finding | None:
    """Images that an EXIF tag turns and masks that none turns, or the other way round."""
    apart = [one for one in seen if one.image.turned != one.mask.turned and one.sample.layers]
    if not apart:
        return None
    upright = all(one.sample.where.upright for one in apart)
    choices = (
        ("upright", "Turn images as the tag says"),
        ("stored", "Leave images as they are stored"),
    )
    now = "are turned by it" if upright else "are left as they are stored"
    return Finding(
        TURNED,
        "Images with a tag (EXIF) that turns them, whose masks have none: "
        f"{len(apart):,} of {len(seen):,}. Now they {now}. Look whether the outlines fit.",
        _names(apart),
        choices if upright else choices[::-1],
    )


def _of_affines(seen: Sequence[Seen]) -> Finding | None:
    apart = [
        one
        for one in seen
        if one.image.affine and one.mask.affine and one.image.affine != one.mask.affine
    ]
    return _listed(
        AFFINE,
        apart,
        "Masks that lie elsewhere in space than their images (the affines differ)",
        len(seen),
        " They may be shifted or mirrored; resample the masks to their images.",
    )


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
        _names(others),
        choices[::-1] if encoding.colours else choices,
    )


def _of_jpeg(dataset: Dataset, seen: Sequence[Seen]) -> Finding | None:
    encoding = dataset.encoding
    soiled = [one for one in seen if one.mask.lossy]
    values = [value for value, _ in encoding.values] if encoding is not None else []
    if encoding is None or encoding.kind == SHARE or max(values, default=255) > _HIGHEST_NUMBER:
        return None
    return _listed(
        JPEG_NUMBERS,
        soiled,
        "Masks that are JPEG and hold class numbers",
        len(seen),
        " JPEG changes these at every border, so that classes appear that nobody drew; export the "
        "masks as PNG.",
    )


def _identical(seen: Sequence[Seen]) -> Finding | None:
    masks = Counter(one.mask_digest for one in seen)
    if len(seen) < 3 or len(masks) > 1 or all(_covers(one, 0) for one in seen):
        return None
    return Finding(
        IDENTICAL,
        f"All {len(seen):,} masks are the same: they may be a template, or each image has the mask "
        "of one.",
        _names(seen),
    )


def _absent(dataset: Dataset, areas: ClassAreas) -> Finding | None:
    present = np.nan_to_num(areas).max(axis=0, initial=0.0) > 0
    absent = [name for name, there in zip(dataset.classes, present, strict=True) if not there]
    if not absent or not np.isfinite(areas).any():
        return None
    words = "is in none of the masks" if len(absent) == 1 else "are in none of the masks"
    return Finding(ABSENT, f"{', '.join(absent)} {words}.")


def _of_sizes(dataset: Dataset, seen: Sequence[Seen]) -> Finding | None:
    """Masks that have their image's shape and another size."""
    apart = [one for one in seen if one.sizes and _are_scaled(*one.sizes)]
    apart += [one for one in seen if not one.problem and one.sample.resized]
    if not apart:
        return None
    choices = (
        ("refuse", "Refuse them"),
        ("resize", "Resize the masks to their images (nearest neighbour)"),
    )
    resized = all(one.sample.resized for one in apart)
    now = "They are resized (nearest neighbour)." if resized else "They can't be used like this."
    return Finding(
        SIZES,
        "Masks of another size than their images, in the same shape: "
        f"{len(apart):,} of {len(seen):,}. {now}",
        _names(apart),
        choices[::-1] if resized else choices,
    )


def _are_scaled(image: tuple[int, int], mask: tuple[int, int]) -> bool:
    """Tell whether two sizes differ by one factor, but for a pixel."""
    if image == mask:
        return False
    height, width = (one / other for one, other in zip(image, mask, strict=True))
    return abs(image[0] - height * mask[0]) < 1 and abs(height / width - 1) < 1 / min(*image, *mask)


def _leaked(seen: Sequence[Seen]) -> Finding | None:
    splits: dict[str, set[str]] = defaultdict(set)
    for one in seen:
        splits[one.digest].add(one.sample.split)
    twice = [one for one in seen if {"train", "test"} <= splits[one.digest]]
    return _listed(
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
        _names(around),
        (("as is", "Leave them"), ("exchange", f"Exchange {name} and {dataset.classes[0]}")),
    )
