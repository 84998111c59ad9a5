"""What a finding is, and what it is told from: what was seen of each image of a data set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.across import WAYS, Fit
from asma_core.data.formats.headers import Header
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
PLACES: Final = "places"
PAIRING: Final = "pairing"
# What can be chosen, by finding.
CHOICES: Final = {
    TURNED: ("upright", "stored"),
    SIZES: ("refuse", "resize"),
    PALETTES: ("numbers", "colours"),
    OBJECTS: ("structure", "classes"),
    INVERTED: ("as is", "exchange"),
    PLACES: WAYS,
}
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
        fit: How the mask lies to its image, where one is NIfTI and the other not.
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
    fit: Fit | None = None


def names_of(seen: Iterable[Seen]) -> tuple[str, ...]:
    """Return the names of the first few images."""
    return tuple(one.sample.name for one in seen)[:8]


def listed(
    kind: str, seen: Sequence[Seen], words: str, count: int, advice: str = ""
) -> Finding | None:
    """Return a finding of its words and its count; None where nothing was seen.

    Args:
        kind: Of the finding.
        seen: What shows it.
        words: Before the count.
        count: Of all that were looked at.
        advice: After it.
    """
    if not seen:
        return None
    return Finding(kind, f"{words}: {len(seen):,} of {count:,}.{advice}", names_of(seen))
