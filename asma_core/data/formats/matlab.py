"""Matrices of numbers in MATLAB files of version 5 to 7.

scipy's reader of them ends the process over some damage (docs/decisions.md).
Source: MAT-File Format, The MathWorks, chapter 1.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

HEAD: Final = 128
_LITTLE, _BIG = b"IM", b"MI"
_VERSION: Final = 0x0100
_MATRIX: Final = 14
_COMPRESSED: Final = 15
_COMPLEX: Final = 0x0800
# Classes of arrays that hold numbers, and kinds of stored numbers.
_NUMERIC: Final = range(6, 16)
_KINDS: Final = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip


def is_matlab_4(data: bytes) -> bool:
    """Tell a file of version 4, which begins with a number, from later ones, which begin with text.

    Raises:
        ValueError: It is too short for either.
    """
    if len(data) < 4:
        raise ValueError("a file that is cut")
    return 0 in data[:4]


def matrices(data: bytes, most_bytes: int) -> dict[str, NDArray[Any]]:
    """Return the matrices of numbers, of two dimensions, by their names.

    Args:
        data: The file.
        most_bytes: That a packed matrix may unpack to.

    Raises:
        ValueError, LookupError, struct.error, zlib.error: It is damaged, or of another version.
    """
    order = {_LITTLE: "<", _BIG: ">"}[data[126:HEAD]]
    if struct.unpack(f"{order}H", data[124:126])[0] != _VERSION:
        raise ValueError("another version")
    found: dict[str, NDArray[Any]] = {}
    for kind, content in _elements(data[HEAD:], order):
        if kind == _COMPRESSED:
            unpack = zlib.decompressobj()
            whole = unpack.decompress(content, most_bytes)
            if not unpack.eof:
                raise ValueError("a matrix that is cut, or larger than it may be")
            kind, content = next(_elements(whole, order), (0, b""))
        named = _matrix(content, order) if kind == _MATRIX else None
        if named is not None:
            found.setdefault(*named)
    return found


def _elements(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """Yield each element's kind and content."""
    place = 0
    while place + 8 <= len(data):
        kind, size = struct.unpack_from(f"{order}II", data, place)
        small = kind >> 16
        if small:
            kind, size, start, end = kind & 0xFFFF, small, place + 4, place + 8
        else:
            start, end = place + 8, place + 8 + size
            end += 0 if kind == _COMPRESSED else -size % 8
        content = data[start : start + size]
        if len(content) < size:
            raise ValueError("an element that is cut")
        yield kind, content
        place = end


def _matrix(content: bytes, order: str) -> tuple[str, NDArray[Any]] | None:
    """Return name and values of a matrix; None of what holds other things than numbers."""
    parts = _elements(content, order)
    (_, flags), (_, sides), (_, name) = next(parts), next(parts), next(parts)
    told = struct.unpack(f"{order}I", flags[:4])[0]
    shape = np.frombuffer(sides, f"{order}i4")
    if told & 0xFF not in _NUMERIC or told & _COMPLEX or len(shape) != 2:
        return None
    kind, values = next(parts)
    stored = np.frombuffer(values, f"{order}{_KINDS[kind]}")
    matrix = stored.astype(stored.dtype.newbyteorder("=")).reshape(shape.tolist(), order="F")
    return name.decode("ascii", "replace"), matrix
