"""Finding a well-known challenge's images and masks by its patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from asma_core.data.layouts.entries import SPLITS, Found, Group, MaskFile, entries_of
from asma_core.data.layouts.known import KnownLayout

Key = tuple[str, str]


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def find_known(layout: KnownLayout, root: str, files: Sequence[str]) -> Found | None:
    """Return what a challenge's patterns find; None without a single image.

    Args:
        layout: The challenge.
        root: Name of the data set's folder.
        files: Paths below it.
    """
    # With the folder's own name before it, a set is known by that too.
    paths = {path: f"{root}/{path}" for path in files}
    groups: dict[Key, Group] = {}
    for path, full in paths.items():
        match = _compiled(layout.image).search(full)
        # The first of two: PNG and TIFF of the same image, or two partitions.
        if match and _key(match) not in groups:
            groups[_key(match)] = Group(image=path, split=_key(match)[0])
    if not groups:
        return None
    split_matters = any(split for split, _ in groups)
    for place, pattern in [*layout.masks, (-1, layout.field_mask)]:
        for path, full in paths.items() if pattern else ():
            match = _compiled(pattern).search(full)
            if match is not None:
                _put(groups, _key(match), split_matters, place, path)
    needed = len({label for label, _ in layout.masks})
    entries, left_out = entries_of(groups.values(), needed)
    return Found(
        layout.name,
        layout.title,
        entries,
        left_out,
        layout.classes,
        layout.encoding,
        layout.crop,
    )


def _key(match: re.Match[str]) -> tuple[str, str]:
    named = match.groupdict()
    return SPLITS.get((named.get("split") or "").lower(), ""), match["key"].lower()


def _put(
    groups: dict[Key, Group],
    key: tuple[str, str],
    split_matters: bool,
    label: int,
    path: str,
) -> None:
    wanted = [key] if key in groups or key[0] or not split_matters else []
    # Masks that are kept apart from the partitions belong to the image wherever it is.
    wanted = wanted or [(split, key[1]) for split in ("train", "validation", "test")]
    for group in (groups[one] for one in wanted if one in groups):
        if group.image == path:
            continue
        if label < 0:
            group.field_mask = path
        elif label > 0 or not group.masks:
            group.masks.append(MaskFile(path, label))
