"""Why a folder is no data set, and what to do, in one sentence."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from asma_core.data.formats.images import SUFFIXES
from asma_core.data.formats.tree import suffix
from asma_core.data.layouts.contents import share_of_masks
from asma_core.data.layouts.entries import Found

PATTERNS: Final = (
    "say which files are images and which are masks by the two patterns (Images are, Masks are; "
    "--images, --masks)"
)
WITHOUT: Final = (
    "where there are no masks at all, say so (There are no masks; --layout images): such images "
    "can be attacked, but nothing is held against a truth"
)
# Of other programs; each can write one of ours.
_FOREIGN: Final = (
    *(".mha", ".mhd", ".nrrd", ".nhdr", ".seg.nrrd", ".npy", ".npz", ".h5", ".hdf5", ".mgz"),
    *(".mgh", ".img", ".hdr", ".svs", ".czi", ".lif", ".nd2", ".psd", ".heic", ".avif", ".parquet"),
    *(".zip", ".rar", ".7z", ".tar", ".tgz"),
)
_MOST: Final = 100_000


def problem_of(folder: Path, files: Sequence[str], tries: Sequence[Found]) -> str:
    """Return what is wrong with a folder of which no layout has made a data set.

    Args:
        folder: The folder.
        files: Relative paths below it.
        tries: What the layouts have made of it.
    """
    pictures = [path for path in files if suffix(path) in SUFFIXES]
    if not pictures:
        return _without_pictures(folder)
    best = max(tries, key=lambda found: len(found.entries), default=None)
    if best is None or not (best.entries or best.left_out):
        return (
            f"{folder.name} holds no images, as all of its {len(pictures):,} pictures are called "
            f"masks; add the images, or {PATTERNS}"
        )
    count = len(best.entries) + len(best.left_out)
    alike = not best.entries and share_of_masks(folder, best.left_out) == 1.0
    return (
        f"{folder.name} has no mask for {len(best.left_out)} of {count} images, the first is "
        f"{best.left_out[0].rpartition('/')[2]}"
        + (" (all look like masks)" if alike else "")
        + f"; add its mask or remove the image, or {PATTERNS}"
        + ("" if best.entries else f"; {WITHOUT}")
    )


def _without_pictures(folder: Path) -> str:
    counts = Counter(_foreign(folder))
    if not counts:
        return (
            f"{folder.name} holds no images; it needs images/ and masks/ with the same file names, "
            "or NAME.png beside NAME-mask.png"
        )
    ending, count = counts.most_common(1)[0]
    if ending in (".zip", ".rar", ".7z", ".tar", ".tgz"):
        return (
            f"{folder.name} holds no images but archives ({ending}, {count:,}); unpack them first"
        )
    return (
        f"{folder.name} holds no images that can be read but {count:,} files {ending}; convert "
        "them to NIfTI, DICOM, PNG or TIFF"
    )


def _foreign(folder: Path) -> list[str]:
    """Return the endings of pictures and archives that are not read."""
    found: list[str] = []
    for _, _, names in os.walk(folder):
        found += [e for name in names if (e := Path(name).suffix.lower()) in _FOREIGN]
        if len(found) > _MOST:
            break
    return found
