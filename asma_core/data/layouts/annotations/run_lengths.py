"""Masks as run lengths: COCO's, those of tables, and Label Studio's brush."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.errors import InputError

MOST_PIXELS: Final = 400_000_000


def coco_mask(said: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Return the mask of COCO's run lengths, compressed or not, bool (H, W).

    Raises:
        InputError: They are damaged.
    """
    from pycocotools import mask as coco

    size, counts = said.get("size"), said.get("counts")
    if not (isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size)):
        raise InputError("run lengths without a size; export them again")
    height, width = size
    if min(size) <= 0 or height * width > MOST_PIXELS:
        raise InputError("run lengths of a size that can't be; export them again")
    if isinstance(counts, list):
        return alternating(counts, height * width).reshape(width, height).T
    if not isinstance(counts, str):
        raise InputError("run lengths that are neither numbers nor text; export them again")
    try:
        decoded = coco.decode({"size": size, "counts": counts.encode("ascii")})
    except (ValueError, TypeError, UnicodeError, MemoryError) as error:
        raise InputError("run lengths that can't be read; export them again") from error
    return np.asarray(decoded, dtype=np.bool_)


def alternating(counts: Sequence[Any], pixels: int) -> NDArray[np.bool_]:
    """Return so many pixels, bool, of runs that are by turns outside and inside.

    Raises:
        InputError: Longer than that, or no lengths.
    """
    if not 0 < pixels <= MOST_PIXELS:
        raise InputError("run lengths of a size that can't be; export them again")
    if not all(type(n) is int and n >= 0 for n in counts) or sum(counts) > pixels:
        raise InputError("run lengths that are longer than the image; export them again")
    inside = np.arange(len(counts)) % 2 == 1
    found = np.repeat(inside, np.asarray(counts, dtype=np.int64))
    return np.concatenate([found, np.zeros(pixels - len(found), dtype=np.bool_)])


def starts_and_lengths(text: str, height: int, width: int) -> NDArray[np.bool_]:
    """Return the mask of pairs of first pixel, from 1 and down the columns, and length.

    Raises:
        InputError: Odd, or outside the image.
    """
    try:
        numbers = np.array(text.split(), dtype=np.int64).reshape(-1, 2)
    except (ValueError, OverflowError) as error:
        raise InputError("run lengths that are no pairs of numbers; export them again") from error
    found = np.zeros(height * width, dtype=np.bool_)
    for start, length in numbers.tolist():
        if start < 1 or length < 0 or start - 1 + length > found.size:
            raise InputError("run lengths outside of the image; export them again")
        found[start - 1 : start - 1 + length] = True
    return found.reshape(width, height).T


class _Bits:
    def __init__(self, data: Sequence[int]) -> None:
        self._bits = np.unpackbits(np.asarray(data, dtype=np.uint8))
        self._place = 0

    def number(self, bits: int) -> int:
        """Return the next number of so many bits."""
        taken = self._bits[self._place : self._place + bits]
        if len(taken) < bits:
            raise InputError("a brush's run lengths end too early; export them again")
        self._place += bits
        return int("".join(map(str, taken.tolist())) or "0", 2)


def brush_mask(data: Sequence[Any], height: int, width: int) -> NDArray[np.bool_]:
    """Return the mask of Label Studio's brush, bool (H, W).

    Its format, as `rle` of Label Studio's converter reads it: the number of values in 32 bits, the
    bits of a value less one in 5, four sizes of run lengths less one in 4 each; then runs: a bit
    that tells one repeated value from several, two bits for the size, the length less one, values.

    Raises:
        InputError: Damaged, or not of four values a pixel.
    """
    if not all(type(n) is int and 0 <= n < 256 for n in data):
        raise InputError("a brush's run lengths are no bytes; export them again")
    bits = _Bits(data)
    count, of_value = bits.number(32), bits.number(5) + 1
    sizes = [bits.number(4) + 1 for _ in range(4)]
    if count != 4 * height * width:
        raise InputError("a brush's run lengths are of another size; export them again")
    values = np.empty(count, dtype=np.uint8)
    place = 0
    while place < count:
        repeated = bits.number(1)
        end = min(place + 1 + bits.number(sizes[bits.number(2)]), count)
        if repeated:
            values[place:end] = bits.number(of_value) & 255
        else:
            values[place:end] = [bits.number(of_value) & 255 for _ in range(end - place)]
        place = end
    return values.reshape(height, width, 4)[..., 3] > 0
