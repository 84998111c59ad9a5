"""What values the masks of a data set hold, and what they are likely to mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.layouts.entries import Found
from asma_core.data.masks.encodings import SHARE, Codes, Counts, Encoding, count_values
from asma_core.data.masks.guessing import guess, guess_share
from asma_core.data.masks.label_maps import VOID
from asma_core.data.samples import OUTLINE, Sample, mask_codes

# From so many numbers in one mask on they may be those of objects.
OBJECTS_LEAST: Final = 6
OBJECTS_ASKED: Final = 12
FLAT: Final = 0.7
# JPEG soils values by so much; of what is drawn so much is then as good as 255.
_SOILED: Final = 8
_MOSTLY: Final = 0.6


@dataclass(frozen=True)
class Survey:
    """Values found in some masks of a data set.

    Attributes:
        counts: Pixels by value; colours are packed as 0xRRGGBB.
        colours: Whether the values are colours.
        by_class: Pixels by value for each class that has files of its own.
        masks: How many samples were looked at.
        per_mask: How many values beside 0 and 255 each of them has, and the highest of these.
        flat: Share of what is drawn that has the same value beside it: nearly all of it in areas
            that are numbered, little of it in a soft map.
        edges: Greys of which most pixels lie between a darker and a brighter one: no class, but the
            smoothed border of one.
    """

    counts: Counts
    colours: bool
    by_class: dict[int, Counts]
    masks: int
    per_mask: tuple[tuple[int, int], ...] = ()
    flat: float = 1.0
    edges: frozenset[int] = frozenset()

    @property
    def most(self) -> int:
        """The most values beside 0 and 255 in one mask."""
        return max((count for count, _ in self.per_mask), default=0)


def survey(samples: Sequence[Sample], most: int) -> Survey:
    """Count the values in the masks of at most so many samples, taken evenly.

    Raises:
        InputError: A mask can't be read.
    """
    step = max(1, len(samples) / max(most, 1))
    places = sorted({int(place * step) for place in range(min(most, len(samples)))})
    counts: Counter[int] = Counter()
    by_class: dict[int, Counter[int]] = {}
    colours = False
    per_mask = []
    flat: list[float] = []
    between: Counter[int] = Counter()
    for place in places:
        sample = samples[place]
        values: set[int] = set()
        for label, path in sample.layers or (((0, sample.mask),) if sample.mask else ()):
            codes, coloured = mask_codes(path, sample)
            found = count_values(codes)
            values.update(found)
            if coloured and not colours:
                # Greys and colours of one data set come together as colours.
                counts, colours = _as_colours(counts), True
            counts.update(_as_colours(found) if colours and not coloured else found)
            by_class.setdefault(label, Counter()).update(found)
            flat.append(_flatness(codes))
            if not coloured:
                between.update(count_values(codes[_lies_between(codes)]))
        values -= {0, VOID}
        per_mask.append((len(values), max(values, default=0)))
    edges = () if colours else (v for v, count in between.items() if 2 * count > counts[v])
    return Survey(
        counts,
        colours,
        dict(by_class),
        len(places),
        tuple(per_mask),
        float(np.mean(flat)),
        frozenset(edges),
    )


def _flatness(codes: Codes) -> float:
    """Return the share of pixels beside drawn ones that have the same value; 1 of nothing."""
    drawn = codes[:, 1:] > 0
    same = codes[:, 1:] == codes[:, :-1]
    return float(same[drawn].mean()) if drawn.any() else 1.0


def _lies_between(codes: Codes) -> NDArray[np.bool_]:
    """Return which pixels are brighter than one neighbour and darker than the opposite one."""
    found = np.zeros(codes.shape, dtype=np.bool_)
    for view, marks in ((codes, found), (codes.T, found.T)):
        before, here, after = view[:-2], view[1:-1], view[2:]
        marks[1:-1] |= ((before < here) & (here < after)) | ((before > here) & (here > after))
    return found


def hold_objects(seen: Survey) -> bool:
    """Tell masks that number single objects from those that number classes.

    Objects are many, each mask counts its own from 1 on, and not all have as many.
    """
    counted = [count == highest for count, highest in seen.per_mask if count]
    numbered = sum(counted) >= 0.8 * len(counted) and not seen.colours and seen.flat >= FLAT
    return (
        numbered and seen.most >= OBJECTS_LEAST and len({count for count, _ in seen.per_mask}) > 1
    )


def may_hold_objects(seen: Survey) -> bool:
    """Tell masks of so many numbers that somebody should say whether they are classes."""
    many = not seen.colours and seen.most >= OBJECTS_ASKED
    return hold_objects(seen) or (many and not _are_soiled(seen.counts))


def _are_soiled(counts: Counts) -> bool:
    """Tell a structure of 255 whose values JPEG or a resize has soiled from many numbers."""
    drawn = sum(count for value, count in counts.items() if value > _SOILED)
    full = sum(count for value, count in counts.items() if VOID - _SOILED <= value <= VOID)
    return full >= _MOSTLY * drawn > 0


def _as_colours(counts: Counts) -> Counter[int]:
    return Counter({value * 0x010101: count for value, count in counts.items()})


def larger_first(found: Found, seen: Survey) -> dict[str, int]:
    """Number the classes that have files of their own, so that smaller ones lie on larger ones.

    Returns:
        Number by the layout's name of the class.
    """
    if found.encoding is not None:
        return {name: label for label, name in enumerate(found.classes) if label}
    full = max(max(counts, default=0) for counts in seen.by_class.values())
    area = {
        label: sum(count for value, count in counts.items() if 2 * value > full)
        for label, counts in seen.by_class.items()
    }
    labels = sorted(area, key=lambda label: (-area[label], label))
    return {found.classes[label]: place for place, label in enumerate(labels, start=1)}


def settled_encoding(found: Found, seen: Survey) -> Encoding:
    """Return the encoding of a layout, held against the values that were found.

    A challenge's masks are copied and converted on their way: 0 and 1 instead of 0 and 255, a
    JPEG instead of a PNG. So what the layout says of the values counts only where they fit.
    """
    per_class = any(mask.label for entry in found.entries[:1] for mask in entry.masks)
    hint = found.encoding
    if per_class:
        outline = found.entries[0].masks[0].path.lower().endswith(OUTLINE)
        guessed = guess_share(seen.counts)
        if hint is not None and (outline or hint.kind != SHARE):
            return hint
        return replace(guessed, threshold=hint.threshold) if hint else guessed
    guessed = guess(seen.counts, seen.colours, seen.edges)
    if hint is None:
        return guessed
    known = {value for value, _ in hint.values}
    if hint.kind != SHARE and hint.colours == seen.colours and _fits(seen.counts, known, hint):
        return hint
    return guessed if guessed.classes == len(found.classes) else hint


def _fits(counts: Counts, known: set[int], hint: Encoding) -> bool:
    """Tell whether the values are the layout's, or near them where nearness is enough."""
    if not hint.nearest:
        return set(counts) <= known
    highest = max(counts, default=0)
    return highest > 31 or highest == 0
