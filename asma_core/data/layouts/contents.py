"""What a picture file holds: whether it looks like a mask or like an image."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.images import read_values
from asma_core.errors import AsmaError

# A mask has at most so many values; an image as few only where it is nearly empty.
MOST_VALUES: Final = 40
# JPEG soils a mask's values by so many greys; this share of the pixels is near few of them.
_SOILED: Final = 8
_NEAR: Final = 0.97
_FEW: Final = 3
# Of a soft mask, which is background in the main.
_ONE_VALUE: Final = 0.3
# Pixels that are looked at, about.
_LOOKED_AT: Final = 250_000
SAMPLED: Final = 5


def looks_like_mask(path: Path) -> bool | None:
    """Tell a mask by its few values; None where the file can't be read."""
    try:
        values = read_values(path)
    except AsmaError:
        return None
    step = max(1, int((values.shape[0] * values.shape[1] / _LOOKED_AT) ** 0.5))
    values = values[::step, ::step]
    if values.dtype.kind == "f" and (values != np.rint(values)).any():
        return False
    packed = _packed(values)
    found, counts = np.unique(packed, return_counts=True)
    if len(found) <= MOST_VALUES:
        return True
    return values.ndim == 2 and _is_soiled(found, counts)


def _packed(values: NDArray[np.generic]) -> NDArray[np.int64]:
    whole = values.astype(np.int64)
    if whole.ndim == 2:
        return whole
    return (whole[..., 0] << 16) | (whole[..., 1] << 8) | whole[..., 2]


def _is_soiled(found: NDArray[np.int64], counts: NDArray[np.int64]) -> bool:
    """Tell whether nearly all pixels are near a few greys."""
    left, total = counts.astype(np.float64), counts.sum()
    near = 0.0
    for _ in range(_FEW):
        middle = found[int(left.argmax())]
        close = np.abs(found - middle) <= _SOILED
        near += left[close].sum()
        left = np.where(close, 0.0, left)
        if near >= _NEAR * total:
            return True
    return False


def share_of_masks(folder: Path, files: Sequence[str]) -> float:
    """Return which share of some of the files look like masks; 0.5 where none can be read."""
    step = max(1, len(files) // SAMPLED)
    seen = [looks_like_mask(folder / path) for path in files[::step][:SAMPLED]]
    known = [one for one in seen if one is not None]
    return sum(known) / len(known) if known else 0.5


def share_of_soft(folder: Path, files: Sequence[str]) -> float:
    """Return which share of some of the files could be soft masks: greys, mostly of one value."""
    step = max(1, len(files) // SAMPLED)
    seen = [_is_soft(folder / path) for path in files[::step][:SAMPLED]]
    return sum(seen) / max(len(seen), 1)


def _is_soft(path: Path) -> bool:
    try:
        values = read_values(path)
    except AsmaError:
        return False
    if values.ndim == 3 or not values.size:
        return False
    _, counts = np.unique(values, return_counts=True)
    return float(counts.max()) >= _ONE_VALUE * values.size


def are_outlines(folder: Path, files: Sequence[str]) -> bool:
    """Tell whether some text files hold lines of x and y."""
    step = max(1, len(files) // SAMPLED)
    for path in files[::step][:SAMPLED]:
        try:
            with (folder / path).open("rb") as file:
                lines = file.read(2000).decode("ascii").splitlines()
            pairs = [re.split(r"[\s,;]+", line.strip()) for line in lines[:-1] if line.strip()]
            if len(pairs) < 2 or not all(len([float(v) for v in pair]) == 2 for pair in pairs):
                return False
        except (OSError, ValueError):
            return False
    return True
