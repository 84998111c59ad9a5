"""One mask for several images of a case, such as the contrasts of an MR examination."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import Final

from asma_core.data.formats.grids import NIFTI
from asma_core.data.formats.tree import stem
from asma_core.data.layouts.names import Name, Words, within
from asma_core.data.layouts.several_masks import Pair

# Images of a case; of those that differ in a number alone, which may be slices, fewer.
MOST: Final = 12
MOST_NUMBERED: Final = 4
# What file managers add to the name of a copy.
_COPY: Final = re.compile(r"(\(\d+\)|[ _-](copy|kopie|copie|copia)( ?\d*))$", re.IGNORECASE)


def share_masks(
    images: Sequence[Name], masks: Sequence[Name], pairs: Sequence[Pair]
) -> tuple[list[Pair], str]:
    """Return the mask of its case for each image, where all cases have the same kinds of images.

    Args:
        images: The images.
        masks: The masks.
        pairs: What was found otherwise; where at least half of the images have a mask, that is it.

    Returns:
        Nothing where it is not so; and what is to be asked about it.
    """
    if not masks or 2 * len({pair.image for pair in pairs}) >= len(images):
        return [], ""
    usual = [i for i in images if not i.other and not _COPY.search(stem(i.path))]
    by_case: dict[Hashable, list[Name]] = defaultdict(list)
    for mask in masks:
        by_case[mask.split, mask.folders, mask.own].append(mask)
    kinds: dict[str, list[Words]] = defaultdict(list)
    found = []
    for image in usual:
        case = _case_of(image, by_case)
        if case is None:
            return [], ""
        mask, kind = case
        if mask.ending in NIFTI and image.ending not in NIFTI:
            # Slices of the volume that the mask is of.
            return [], ""
        kinds[mask.path].append(kind)
        found.append(Pair(image.path, mask, (), "the case that both belong to"))
    alike = {tuple(sorted(one)) for one in kinds.values()}
    if len(kinds) < 2 or len(alike) != 1:
        return [], ""
    (names,) = alike
    numbered = {tuple(word for word in name if not word.isdecimal()) for name in names}
    most = MOST_NUMBERED if len(numbered) == 1 else MOST
    if not 2 <= len(set(names)) == len(names) <= most:
        return [], ""
    listed = ", ".join(" ".join(name) or "without a word" for name in names[:6])
    return found, (
        f"Each mask is that of {len(names)} images ({listed}): contrasts of one case? Each is an "
        "image of its own here."
    )


def _case_of(image: Name, by_case: dict[Hashable, list[Name]]) -> tuple[Name, Words] | None:
    """Return the one mask of an image's case, and the words that tell the image from others."""
    for length in range(len(image.own), -1, -1):
        for start in range(len(image.own) - length + 1):
            part = image.own[start : start + length]
            if not part and not image.folders:
                continue
            masks = by_case.get((image.split, image.folders, part), [])
            if len(masks) == 1:
                return masks[0], within(part, image.own) or image.own[length:]
    return None
