"""Arrays and plain values through a pipe; never a pickle, as either end may have been led astray.

A frame is the length of its head in 8 bytes, the head as JSON, and the bytes of its arrays. The
standard library and numpy only: the process that runs onnxruntime imports nothing else of ours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

Arrays = list[NDArray[Any]]

MOST_HEAD: Final = 1_000_000
KINDS: Final = ("float32", "int64")


def send(pipe: IO[bytes], head: dict[str, Any], arrays: Sequence[NDArray[Any]] = ()) -> None:
    """Write a frame; the arrays are of `KINDS`."""
    told = [{"kind": str(one.dtype), "shape": list(one.shape)} for one in arrays]
    text = json.dumps(head | {"arrays": told}).encode()
    pipe.write(len(text).to_bytes(8, "little") + text)
    for one in arrays:
        pipe.write(_bytes_of(np.ascontiguousarray(one)))
    pipe.flush()


def receive(pipe: IO[bytes], most: int) -> tuple[dict[str, Any], Arrays]:
    """Read a frame.

    Args:
        pipe: Where it comes from.
        most: Bytes that its arrays may have together.

    Raises:
        EOFError: The pipe ended.
        ValueError: It is no frame, or too large.
    """
    length = int.from_bytes(_read(pipe, 8), "little")
    if length > MOST_HEAD:
        raise ValueError("a head that is too large")
    head = json.loads(_read(pipe, length))
    arrays: Arrays = []
    for told in head.pop("arrays"):
        kind = np.dtype(told["kind"])
        count = int(np.prod([int(side) for side in told["shape"]], dtype=object))
        most -= count * kind.itemsize
        if str(kind) not in KINDS or count < 0 or most < 0:
            raise ValueError("arrays of another kind or too large")
        arrays.append(np.empty(told["shape"], kind))
        _fill(pipe, _bytes_of(arrays[-1]))
    return head, arrays


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _fill(pipe: IO[bytes], place: memoryview) -> None:
    """Read into an array as it is, with no copy beside it."""
    done = 0
    while done < len(place):
        count = pipe.readinto(place[done:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        done += count


def _read(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data
