"""A folder of images whose masks nobody has drawn: what can be done without a truth still can."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from typing import Final

from asma_core.data.formats.images import SUFFIXES
from asma_core.data.formats.tree import suffix
from asma_core.data.layouts.entries import Found, Group, entries_of
from asma_core.data.layouts.names import MASK, composed, name_of, shared_folders

UNMASKED: Final = "images"
UNMASKED_TITLE: Final = "images without masks"


def find_images(files: Sequence[str], images: str = "") -> Found | None:
    """Return all pictures of a folder as images without masks; None without any.

    It is read so only where somebody says so: images whose masks are missing by mistake would
    otherwise lose their truth without a word.

    Args:
        files: Relative paths below the folder.
        images: A pattern (`*` and `?`) of the images' paths; without one, all that is not called a
            mask.
    """
    pictures = [path for path in files if suffix(path) in SUFFIXES]
    shared = shared_folders(pictures)
    names = [name_of(path, shared) for path in pictures]
    if images:
        pattern = composed(images)
        chosen = [
            name
            for name in names
            if any(
                fnmatch.fnmatchcase(composed(name.path), one) for one in (pattern, f"*/{pattern}")
            )
        ]
    else:
        chosen = [name for name in names if MASK not in (name.folder_role, name.stem_role)]
    if not chosen:
        return None
    groups = [Group(image=name.path, split=name.split) for name in chosen]
    entries, _ = entries_of(groups, 0)
    other = len(names) - len(chosen)
    left = [f"pictures that are called masks or do not fit, left out: {other:,}"] if other else []
    return Found(UNMASKED, UNMASKED_TITLE, entries, (), reasons=("no masks, as you say", *left))
