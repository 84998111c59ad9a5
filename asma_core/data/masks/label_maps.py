"""Reading and writing label masks.

A mask is written as an indexed PNG: the pixel values are the class numbers, exact for a program,
and the palette makes them readable for a person.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.formats.images import Source, read_values
from asma_core.data.formats.slices import MIDDLE, Slice
from asma_core.data.masks.palette import CLASS_COLOURS
from asma_core.errors import InputError

VOID: Final = 255
BYTE_MIDDLE: Final = 127
Labels = NDArray[np.int64]
Valid = NDArray[np.bool_]


@dataclass(frozen=True)
class Mask:
    """Class numbers of the pixels, and which pixels count.

    Attributes:
        labels: int64 (H, W), 0..K-1; 0 where void.
        valid: bool (H, W), False where void.
    """

    labels: Labels
    valid: Valid


def read_mask(
    source: Source,
    classes: int,
    name: str | None = None,
    threshold: int | None = None,
    where: Slice = MIDDLE,
) -> Mask:
    """Read a mask of class numbers, or a binary one in greys.

    Values 0..K-1 are class numbers, and 255 beside them is void. With two classes, other greys
    (0 and 255, antialiased or soiled by JPEG, also of 16 bits) are split in the middle, or above
    `threshold`.

    Args:
        source: A path, or the file's bytes (PNG, JPEG, BMP, TIFF).
        classes: Number of classes K, background counted.
        name: What to call it in errors.
        threshold: Greys above it are class 1; only for two classes.
        where: Which picture of a file that holds several.

    Raises:
        InputError: Not a picture, in colours, or with values that are no class.
    """
    label = name or (source.name if isinstance(source, Path) else "the mask")
    values = mask_values(source, label, where)
    if threshold is not None:
        if classes != 2:
            raise InputError(f"a threshold makes two classes, but {label} is to have {classes}")
        return _all_valid(values > threshold)
    return labelled(values, classes, label)


def mask_values(source: Source, name: str | None = None, where: Slice = MIDDLE) -> NDArray[Any]:
    """Read the values of a mask file as they are, (H, W): greys, or indices of a palette.

    Raises:
        InputError: Not a picture, in colours, or with values that are no whole numbers.
    """
    values = read_values(source, name, where)
    label = name or (source.name if isinstance(source, Path) else "the mask")
    if values.ndim == 3:
        raise InputError(
            f"{label} is a mask in colours; save it as class numbers (grey or palette), or import "
            "its data set and say what each colour means"
        )
    return whole(values, label)


def whole(values: NDArray[Any], label: str) -> NDArray[Any]:
    """Return a mask's values, checked to be whole numbers of at most 16 bits.

    Raises:
        InputError: They are not.
    """
    if values.dtype == np.uint8:
        return values
    # Not a number is unequal to its own rounding, so it ends here too.
    if values.min() < 0 or values.max() > 65535 or (values != np.rint(values)).any():
        raise InputError(f"{label} holds values that are no class numbers; save it with 8 bits")
    return values


def labelled(values: NDArray[Any], classes: int, label: str) -> Mask:
    """Return the mask that whole values (H, W) stand for; see `read_mask`.

    Raises:
        InputError: Values that are no class.
    """
    found = np.unique(values)
    numbers = found[found < classes]
    others = found[found >= classes]
    if others.size == 0:
        return _all_valid(values)
    if others.tolist() == [VOID] and numbers.max(initial=0) > 0:
        void = values == VOID
        return Mask(np.where(void, 0, values).astype(np.int64), ~void)
    if classes == 2 and others[-1] > BYTE_MIDDLE:
        middle = BYTE_MIDDLE if others[-1] <= 255 else others[-1] // 2
        return _all_valid(values > middle)
    raise InputError(
        f"{label} holds the value {others[0]:g}, but the classes are 0 to {classes - 1}; "
        "write each pixel's class number into the mask"
    )


def _all_valid(values: NDArray[Any]) -> Mask:
    return Mask(values.astype(np.int64), np.ones(values.shape, dtype=np.bool_))


def check_labels(labels: Labels, shape: tuple[int, int], classes: int, name: str) -> None:
    """Check a mask against the image's size and the network's classes.

    Raises:
        InputError: Another size, or a class that there is not.
    """
    if labels.shape != shape:
        raise InputError(
            f"expected {name} of {shape[1]} x {shape[0]} pixels like the image, "
            f"got {labels.shape[1]} x {labels.shape[0]}; resize it without interpolation"
        )
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise InputError(
            f"{name} holds class {wrong}, but there is only 0 to {classes - 1}; "
            "draw it with these classes or choose another network"
        )


def encode_mask(labels: Labels | NDArray[np.uint8]) -> bytes:
    """Return an indexed PNG whose values are the class numbers (H, W), 0..255."""
    picture = Image.fromarray(labels.astype(np.uint8))
    picture.putpalette(flat_palette())
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def flat_palette() -> list[int]:
    """Return the 256 colours of a mask file, flat."""
    repeated = [CLASS_COLOURS[0]] + [
        CLASS_COLOURS[1 + index % (len(CLASS_COLOURS) - 1)] for index in range(255)
    ]
    return [value for colour in repeated for value in colour]
