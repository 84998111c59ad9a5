"""Guessing what the values of masks mean, by how many pixels have each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from asma_core.data.masks.encodings import MOST_CLASSES, SHARE, Counts, Encoding
from asma_core.data.masks.label_maps import VOID

# Values up to here are class numbers; a picture for the eye has larger ones.
_HIGHEST_NUMBER: Final = 31
# Greys nearer than this, of 255, are one grey that JPEG or a resize has soiled.
_SAME_GREY: Final = 24
# Rarer values than this share are no class of their own but the edge between two.
_RARE: Final = 0.002
_RARE_COLOUR: Final = 0.0005
# So far around a grey its pixels are counted, and so many of what is drawn are a heap.
_SPREAD: Final = 8
_HEAP: Final = 0.2
# With more than this share of what is drawn between the levels, the mask is a soft map.
_BETWEEN: Final = 0.4
# Class numbers that follow each other, at most, where they are not all from 0 on.
_IN_A_ROW: Final = 5


def guess(counts: Counts, colours: bool, edges: Collection[int] = ()) -> Encoding:
    """Guess the encoding of single mask files from the values found in some of them.

    Args:
        counts: Pixels by value.
        colours: Whether the values are colours.
        edges: Greys that are the smoothed borders of others, and stand for nothing.
    """
    if colours:
        return _of_colours(counts)
    highest = max(counts, default=0)
    if highest <= _HIGHEST_NUMBER:
        return _of_numbers(range(max(highest, 1) + 1))
    below = [value for value in counts if value != VOID]
    if highest == VOID and 1 <= max(below, default=0) <= _HIGHEST_NUMBER and _exact(counts):
        numbers = _of_numbers(range(max(below) + 1))
        return replace(numbers, values=(*numbers.values, (VOID, VOID)))
    return _of_greys(counts, highest, edges)


def guess_share(counts: Counts) -> Encoding:
    """Guess the full value of files that each show one class, soft or hard."""
    highest = max(counts, default=0)
    full = highest if 1 <= highest <= _HIGHEST_NUMBER else 255 if highest <= 255 else 65535
    return Encoding(kind=SHARE, values=(), full=float(full))


def _exact(counts: Counts) -> bool:
    """Tell class numbers with void from a soiled 0 and 255: these fill the greys around them."""
    between = sum(count for value, count in counts.items() if 1 <= value <= _HIGHEST_NUMBER)
    soiled = any(200 <= value < VOID for value in counts)
    return not soiled and between > 0


def _of_numbers(numbers: Iterable[int]) -> Encoding:
    return Encoding(values=tuple((number, number) for number in numbers), nearest=False)


def _of_greys(counts: Counts, highest: int, edges: Collection[int]) -> Encoding:
    full = 255 if highest <= 255 else 65535
    if _are_codes(counts, full, edges):
        pairs = tuple((value, label) for label, value in enumerate(sorted(counts)))
        return Encoding(values=pairs, nearest=False)
    levels, apart = _levels(counts, full, edges)
    if apart > _BETWEEN or len(levels) > MOST_CLASSES or _are_votes(levels, full):
        return Encoding(kind=SHARE, values=(), full=float(full))
    if len(levels) == 1:
        # Every pixel alike: what the rest of the data set will hold is 0 and the full value.
        levels = [0, full]
    pairs = tuple((level, label) for label, level in enumerate(levels))
    return Encoding(values=pairs, full=float(full))


def _are_codes(counts: Counts, full: int, edges: Collection[int]) -> bool:
    """Tell numbers that stand for classes, such as 11, 12, 13 and 50, from soiled or soft greys.

    They are few, all fill areas, and some lie nearer to each other than greys of a picture would.
    """
    reach, near = round(_SPREAD * full / 255), round(_SAME_GREY * full / 255)
    inner = sorted(value for value in counts if reach < value < full - reach)
    close = any(other - one <= near for one, other in pairwise(inner))
    # A heap of greys around one has hardly a gap.
    step = full // 255
    gaps = [0, *(n for n, (one, other) in enumerate(pairwise(inner), 1) if other - one > step)]
    heaped = max((b - a for a, b in pairwise([*gaps, len(inner)])), default=0) > _IN_A_ROW
    rare = _RARE * sum(counts.values())
    filled = all(counts[value] >= rare and value not in edges for value in counts)
    return close and filled and not heaped and len(counts) <= MOST_CLASSES


def _levels(counts: Counts, full: int, edges: Collection[int]) -> tuple[list[int], float]:
    """Return the greys that stand for something, and the share of the rest among what is drawn.

    A level is a value that stands alone, or one around which JPEG has spread many pixels.
    """
    known = np.zeros(full + 1)
    known[list(counts)] = list(counts.values())
    reach, near = round(_SPREAD * full / 255), round(_SAME_GREY * full / 255)
    sums = np.concatenate([[0.0], np.cumsum(known)])
    places = np.arange(full + 1)
    window = sums[np.minimum(places + reach + 1, full + 1)] - sums[np.maximum(places - reach, 0)]
    drawn = known.sum() - window[int(known.argmax())]
    is_edge = np.zeros(full + 1, dtype=np.bool_)
    is_edge[[value for value in edges if value <= full]] = True
    alone = (known >= _RARE * known.sum()) & (known >= window / 2)
    heaped = (known > 0) & (window >= _HEAP * max(drawn, 1))
    levels: list[int] = []
    for value in sorted(
        np.flatnonzero((alone | heaped) & ~is_edge).tolist(), key=lambda v: -known[v]
    ):
        if all(abs(value - level) > near for level in levels):
            levels.append(value)
    levels.sort()
    covered = np.zeros(full + 1, dtype=np.bool_)
    for level in levels:
        covered[max(level - near, 0) : level + near + 1] = True
    return levels, float(known[~covered].sum() / max(drawn, 1))


def _are_votes(levels: Sequence[int], full: int) -> bool:
    """Tell votes: four and more greys at equal distances from nothing to all."""
    if len(levels) < 4 or levels[0] > 2 or levels[-1] < full - 2:
        return False
    steps = np.diff(levels)
    return bool(steps.max() - steps.min() <= 0.02 * full)


def _of_colours(counts: Counts) -> Encoding:
    total = sum(counts.values())
    common = [v for v, c in sorted(counts.items(), key=lambda item: -item[1])]
    exact = len(common) <= MOST_CLASSES
    levels = common if exact else [v for v in common if counts[v] >= _RARE_COLOUR * total]
    levels = levels[:MOST_CLASSES] or common[:1]
    background = 0 if 0 in levels else levels[0]
    ordered = [background, *(value for value in levels if value != background)]
    pairs = tuple((value, label) for label, value in enumerate(ordered))
    return Encoding(values=pairs, nearest=not exact, colours=True)
