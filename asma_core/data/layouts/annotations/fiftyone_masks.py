"""Masks of FiftyOne, files or packed into its list of samples, and the names of their values."""

from __future__ import annotations

import base64
import binascii
import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from asma_core.data.formats.images import read_values
from asma_core.data.formats.opening import most_pixels
from asma_core.data.layouts.annotations.shapes import IGNORED, Shape
from asma_core.data.masks.encodings import MOST_CLASSES, pack
from asma_core.data.masks.label_maps import VOID
from asma_core.errors import InputError

Targets = Mapping[int, str]
_STRUCTURE: Final = "structure"
# A number takes up to so many bytes, and the head of the format less than this.
_BYTES: Final = 8
_HEAD: Final = 1 << 16


def mask_of(folder: Path, file: str | None, inline: Any) -> NDArray[Any]:
    """Return a mask's values, (H, W) or (H, W, 3).

    Args:
        folder: The data set's folder.
        file: Of the mask, relative to it; None where it stands in the list of samples.
        inline: What stands there: text, or text within `$binary` as MongoDB writes it.

    Raises:
        InputError: Neither, damaged, or too large.
    """
    if file is not None:
        return read_values(folder / file)
    if isinstance(inline, dict):
        inline = inline.get("$binary")
        inline = inline.get("base64") if isinstance(inline, dict) else inline
    if not isinstance(inline, str):
        raise InputError("a mask is neither a file nor packed; export it again")
    try:
        values = _unpacked(base64.b64decode(inline, validate=True))
    except (binascii.Error, zlib.error, ValueError, TypeError, EOFError) as error:
        raise InputError("a packed mask is damaged; export it again") from error
    if values.ndim not in (2, 3) or not values.size or values.shape[2:] not in ((), (1,), (3,)):
        raise InputError("a packed mask is no picture; export it again")
    return values[..., 0] if values.shape[2:] == (1,) else values


def _unpacked(data: bytes) -> NDArray[Any]:
    limit = most_pixels() * _BYTES + _HEAD
    unpack = zlib.decompressobj()
    whole = unpack.decompress(data, limit)
    if not unpack.eof:
        raise InputError("a packed mask is cut, or larger than an image may be; export it again")
    file = io.BytesIO(whole)
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, by_column, kind = read(file)
    if kind.kind not in "biuf" or int(np.prod(shape, dtype=object)) * kind.itemsize > limit:
        raise ValueError("no numbers, or too many")
    values = np.frombuffer(file.read(), kind)
    turned: NDArray[Any] = values.reshape(shape, order="F" if by_column else "C")
    return turned


def named_values(said: Any) -> dict[int, str]:
    """Return names by value, of the targets that FiftyOne keeps; a colour is 0xRRGGBB."""
    found: dict[int, str] = {}
    for key, name in said.items() if isinstance(said, dict) else ():
        text = str(key)
        if text.startswith("#") and len(text) == 7:
            try:
                found[int(text[1:], 16)] = str(name)
            except ValueError:
                continue
        elif text.isascii() and text.isdecimal() and len(text) < 6:
            found[int(text)] = str(name)
    # What is 0 is background, whatever it is called.
    return {value: name for value, name in sorted(found.items()) if value and name}


def shapes_of(values: NDArray[Any], targets: Targets) -> tuple[Shape, ...]:
    """Return what a mask shows, each value a shape; one that no target names has its number.

    Without any target 0 and another value are a structure. 255 among named values is void.

    Raises:
        InputError: More values than classes can be.
    """
    if values.dtype.kind == "f":
        values = np.rint(np.nan_to_num(values))
    codes, _ = pack(values if values.dtype.kind in "iu" else values.astype(np.int64))
    found = [value for value in np.unique(codes).tolist() if value]
    if len(found) >= MOST_CLASSES + 1:
        raise InputError(f"a mask has {len(found)} values; at most {MOST_CLASSES - 1} are possible")
    single = not targets and len(found) == 1 and found[0] in (1, VOID)
    names = {
        value: _STRUCTURE
        if single
        else targets.get(value, IGNORED if value == VOID and not single else _number(value))
        for value in found
    }
    return tuple(Shape(names[value], mask=codes == value) for value in found)


def _number(value: int) -> str:
    return f"class {value}" if value <= VOID else f"colour #{value:06X}"
