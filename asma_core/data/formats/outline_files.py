"""Masks that are no pictures: outlines as text (DRIONS-DB), arrays of MATLAB (ORIGA)."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from asma_core.data.formats.matlab import is_matlab_4, matrices
from asma_core.data.formats.opening import DAMAGE
from asma_core.errors import InputError
from asma_core.files import as_store_error

MOST_BYTES: Final = 50_000_000
_NUMBER: Final = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")


def read_outline(path: Path, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Fill an outline given as lines of "x, y" in pixels.

    Returns:
        int64 (H, W), 1 inside.

    Raises:
        InputError: Fewer than three points, or no numbers.
    """
    text = _bytes(path).decode("ascii", "replace")
    pairs = [_NUMBER.findall(line) for line in text.splitlines() if line.strip()]
    if len(pairs) < 3 or any(len(pair) < 2 for pair in pairs):
        raise InputError(
            f"{path.name} is no outline; give it at least three lines of x and y in pixels"
        )
    points = [(float(x), float(y)) for x, y, *_ in pairs]
    canvas = Image.new("L", (shape[1], shape[0]))
    ImageDraw.Draw(canvas).polygon(points, fill=1)
    return np.asarray(canvas).astype(np.int64)


def read_matlab(path: Path) -> NDArray[np.int64]:
    """Return the mask in a MATLAB file: its variable "mask", else its first matrix of numbers.

    Raises:
        InputError: Not a MATLAB file up to version 7, or no matrix in it.
    """
    data = _bytes(path)
    try:
        found = _of_version_4(data) if is_matlab_4(data) else matrices(data, MOST_BYTES)
    except (*DAMAGE, StopIteration) as error:
        raise InputError(f"{path.name} can't be read as a MATLAB file; save it as PNG") from error
    for array in (found.get("mask"), *found.values()):
        if array is not None and array.ndim == 2 and array.dtype.kind in "uifb":
            return array.astype(np.int64)
    raise InputError(f"{path.name} holds no matrix of class numbers; save the mask as PNG")


def _of_version_4(data: bytes) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content: dict[str, Any] = loadmat(io.BytesIO(data))
    except MatReadError as error:
        raise ValueError(str(error)) from error
    return {name: one for name, one in content.items() if isinstance(one, np.ndarray)}


def _bytes(path: Path) -> bytes:
    with as_store_error(path):
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path.name} is larger than {MOST_BYTES // 1_000_000} MB; check it")
        return path.read_bytes()
