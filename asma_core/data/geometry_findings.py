"""Findings of how masks lie on their images: turned, elsewhere in space, of another size."""

from __future__ import annotations

from collections.abc import Sequence

from asma_core.data.finding import AFFINE, PLACES, SIZES, TURNED, Finding, Seen, listed, names_of
from asma_core.data.place_words import choices_of, sentence_of


def turned_finding(seen: Sequence[Seen]) -> Finding | None:
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
        names_of(apart),
        choices if upright else choices[::-1],
    )


def affines_finding(seen: Sequence[Seen]) -> Finding | None:
    """NIfTI masks that say another place than their NIfTI images."""
    apart = [
        one
        for one in seen
        if one.image.affine and one.mask.affine and one.image.affine != one.mask.affine
    ]
    return listed(
        AFFINE,
        apart,
        "Masks that lie elsewhere in space than their images (the affines differ)",
        len(seen),
        " They may be shifted or mirrored; resample the masks to their images.",
    )


def places_finding(seen: Sequence[Seen]) -> Finding | None:
    """Masks that are NIfTI where images are not, or the other way round, and lie elsewhere."""
    apart = [one for one in seen if one.fit is not None and not one.fit.agrees]
    fits = [one.fit for one in apart if one.fit is not None]
    if not fits:
        return None
    way = apart[0].sample.places
    message = sentence_of(fits, len(seen), way)
    return Finding(PLACES, message, names_of(apart), choices_of(fits, way))


def sizes_finding(seen: Sequence[Seen]) -> Finding | None:
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
        names_of(apart),
        choices[::-1] if resized else choices,
    )


def _are_scaled(image: tuple[int, int], mask: tuple[int, int]) -> bool:
    """Tell whether two sizes differ by one factor, but for a pixel."""
    if image == mask:
        return False
    height, width = (one / other for one, other in zip(image, mask, strict=True))
    return abs(image[0] - height * mask[0]) < 1 and abs(height / width - 1) < 1 / min(*image, *mask)
