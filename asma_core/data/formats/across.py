"""A mask read onto the pixels of its image, where one is NIfTI and the other is not.

Each turns and counts its pixels its own way, so a mask that is laid over its image as it is stored
would be mirrored. Every pixel of an image is read at its place in the mask instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats import nifti
from asma_core.data.formats.grids import Grid, Places, grid_of, is_nifti_file
from asma_core.data.formats.images import SUFFIXES, read_values
from asma_core.data.formats.opening import most_pixels, read_data
from asma_core.data.formats.series import is_folder
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.tree import suffix
from asma_core.errors import InputError
from asma_core.files import file_state

POSITION: Final = "position"
DIRECTIONS: Final = "directions"
STORED: Final = "stored"
TRANSPOSED: Final = "transposed"
BACKWARDS: Final = "backwards"
# How a mask's pixels are found, the likeliest first.
WAYS: Final = (POSITION, DIRECTIONS, STORED, TRANSPOSED, BACKWARDS)
# Pixels are the same as long as none lies farther from a pixel of the other than this.
_NEAR: Final = 0.4
_UNIT: Final = 0.02
_MOSTLY: Final = 0.5
_TRIED: Final = 12
_Axes = tuple[int, int, int]
_BY_COLUMN: Final[_Axes] = (2, 1, 0)
_AS_THEY_COME: Final[_Axes] = (0, 1, 2)


@dataclass(frozen=True)
class Fit:
    """How a mask lies to its image.

    Attributes:
        placed: Whether both files say where their pixels lie.
        agrees: Whether they do, and each pixel of the image is one of the mask's.
        ways: Of `WAYS` those that can be, the likeliest first.
    """

    placed: bool
    agrees: bool
    ways: tuple[str, ...]


def are_across(image: Path, mask: Path) -> bool:
    """Tell whether one of two is a NIfTI file and the other a DICOM series or another picture."""
    ours, theirs = is_nifti_file(image), is_nifti_file(mask)
    other = mask if ours else image
    return ours != theirs and (suffix(other.name) in SUFFIXES or is_folder(other))


def fit_of(image: Path, mask: Path) -> Fit:
    """Return how a mask lies to its image.

    Raises:
        InputError: One of them can't be read.
    """
    return _fit_of(image, mask, file_state(image), file_state(mask))


@lru_cache(maxsize=256)
def _fit_of(image: Path, mask: Path, *states: object) -> Fit:
    grid, other = grid_of(image), grid_of(mask)
    if not (grid.placed and other.placed):
        nifti_placed = grid.placed if is_nifti_file(image) else other.placed
        first = (DIRECTIONS,) if nifti_placed else ()
        ways = dict.fromkeys((*first, TRANSPOSED, STORED, BACKWARDS, DIRECTIONS))
        fitting = tuple(way for way in ways if _moves(grid, other, way) is not None)
        return Fit(False, False, fitting)
    inside, agrees = _compared(grid, other)
    if agrees:
        return Fit(True, True, (POSITION,))
    ways = dict.fromkeys((POSITION, *WAYS) if inside > _MOSTLY else (DIRECTIONS, *WAYS))
    placed = (way for way in ways if way == POSITION or _moves(grid, other, way) is not None)
    return Fit(True, False, tuple(placed))


def _compared(grid: Grid, other: Grid) -> tuple[float, bool]:
    """Return which share of an image a mask covers, and whether its pixels are the mask's."""
    sides = [np.unique(np.linspace(0, count - 1, _TRIED).round()) for count in grid.shape]
    sides[0] = np.arange(grid.shape[0], dtype=np.float64) if grid.steps is not None else sides[0]
    tried = np.stack([axis.ravel() for axis in np.meshgrid(*sides, indexing="ij")])
    found = other.indices(grid.places(tried))
    nearest = np.rint(found)
    inside = ((nearest >= 0) & (nearest < np.array(other.shape)[:, None])).all(axis=0)
    # A pixel further along rows and columns is one pixel further along one axis of the mask.
    linear = np.abs(np.linalg.inv(other.affine[:3, :3]) @ grid.affine[:3, :3])
    unit = np.abs(np.sort(linear, axis=0) - [[0], [0], [1]]).max(axis=0)
    # Of a series each slice was tried: some may be missing.
    even = bool((unit[0 if grid.steps is None else 1 :] < _UNIT).all())
    return float(inside.mean()), bool(
        even and inside.all() and np.abs(found - nearest).max() < _NEAR
    )


@dataclass(frozen=True)
class _Moves:
    """Which axis of an image each axis of a mask is, and which of them run the other way."""

    axes: _Axes
    flipped: tuple[bool, bool, bool]

    def __call__(self, indices: Places, shape: tuple[int, int, int]) -> Places:
        moved = indices[list(self.axes)]
        for axis, flipped in enumerate(self.flipped):
            if flipped:
                moved[axis] = shape[axis] - 1 - moved[axis]
        return moved


def _moves(grid: Grid, other: Grid, way: str) -> _Moves | None:
    """Return how an image's indices become a mask's, corner to corner; None if none fits."""
    to_series = other.steps is not None
    slices = (other if to_series else grid).shape[0]
    if way == DIRECTIONS:
        moves = _by_directions(grid, other)
        return moves if _fits(moves.axes, grid, other) else None
    by_row: _Axes = (2, 0, 1) if to_series else (1, 2, 0)
    tried = (by_row, _AS_THEY_COME) if way == TRANSPOSED else (_BY_COLUMN,)
    axes = next((one for one in tried if _fits(one, grid, other)), None)
    if axes is None or (way == BACKWARDS and slices == 1):
        return None
    back = way == BACKWARDS
    return _Moves(axes, (back and to_series, False, back and not to_series))


def _fits(axes: _Axes, grid: Grid, other: Grid) -> bool:
    return tuple(grid.shape[axis] for axis in axes) == other.shape


def _by_directions(grid: Grid, other: Grid) -> _Moves:
    """Return the axes that run alike, those of the mask as those of the image."""
    one, two = (g.affine[:3, :3] / np.linalg.norm(g.affine[:3, :3], axis=0) for g in (other, grid))
    turns = np.linalg.inv(one) @ two
    axes = max(permutations(range(3)), key=lambda p: sum(abs(turns[m, p[m]]) for m in range(3)))
    flipped = [bool(turns[axis, axes[axis]] < 0) for axis in range(3)]
    return _Moves((axes[0], axes[1], axes[2]), (flipped[0], flipped[1], flipped[2]))


def slices_axis(image: Path, mask: Path) -> int:
    """Return the body's axis along which the slices of one, a series, lie in the other, NIfTI.

    Raises:
        InputError: One of them can't be read.
    """
    series, volume = (image, mask) if is_nifti_file(mask) else (mask, image)
    axis = _by_directions(grid_of(volume), grid_of(series)).axes[0]
    return int(grid_of(volume).turned[axis, 0])


def read_across(image: Path, mask: Path, where: Slice, way: str) -> NDArray[Any]:
    """Return a mask's values at the pixels of an image, (H, W), or (H, W, 3) of colours.

    What lies outside of the mask is 0.

    Args:
        image: A NIfTI file, or a folder of DICOM slices or a file of pictures.
        mask: The other of them.
        where: Which slice of the image.
        way: Of `WAYS`; whatever it is, pixels that agree are read at their places.

    Raises:
        InputError: One can't be read, or the mask has other sizes than the image.
    """
    grid, other = grid_of(image), grid_of(mask)
    shown = _shown(grid, where, image)
    flat = shown.reshape(3, -1)
    fit = fit_of(image, mask)
    if fit.agrees or (way == POSITION and fit.placed):
        found = other.indices(grid.places(flat))
    else:
        moves = _moves(grid, other, DIRECTIONS if way == POSITION else way)
        if moves is None:
            raise InputError(
                f"{mask.name} has {_sizes(other)} pixels and its image {_sizes(grid)}; export both "
                "at one size, or choose another way to lay them over each other"
            )
        found = moves(flat, other.shape)
    limit = 1 << 30
    places = np.rint(np.clip(found, -1, limit)).astype(np.int64).reshape(shown.shape)
    if other.steps is not None:
        return _of_slices(mask, len(other.steps), places)
    data, label = read_data(mask)
    return nifti.values_at(data, label, places)


def _sizes(grid: Grid) -> str:
    return " x ".join(map(str, sorted(grid.shape, reverse=True)))


def _shown(grid: Grid, where: Slice, image: Path) -> Places:
    """Return the indices of the pixels of a slice as it is shown, float64 (3, H, W)."""
    if grid.steps is not None:
        count, height, width = grid.shape
        _check_size(height, width, image)
        frame = where.chosen(count, image.name)
        rows, columns = np.mgrid[:height, :width]
        return np.stack([np.full_like(rows, frame), rows, columns]).astype(np.float64)
    turned = grid.turned
    axes, flipped = turned[:, 0].astype(int).tolist(), turned[:, 1] < 0
    across, up = (axes.index(axis) for axis in range(3) if axis != where.axis)
    along = axes.index(where.axis)
    width, height = grid.shape[across], grid.shape[up]
    _check_size(height, width, image)
    found = np.empty((3, height, width))
    found[along] = where.chosen(grid.shape[along], image.name)
    found[across] = np.arange(width)
    # The picture's first row is the uppermost.
    found[up] = np.arange(height)[::-1, None]
    for axis in np.flatnonzero(flipped):
        found[axis] = grid.shape[axis] - 1 - found[axis]
    return found


def _check_size(height: int, width: int, image: Path) -> None:
    if height * width > most_pixels():
        raise InputError(
            f"{image.name} is too large; the limit is {most_pixels() // 1_000_000} million pixels"
        )


def _of_slices(mask: Path, count: int, places: NDArray[np.int64]) -> NDArray[Any]:
    """Return values at slices, rows and columns of a series or a file of pictures."""
    number, row, column = places
    found: NDArray[Any] | None = None
    for one in np.unique(number[(number >= 0) & (number < count)]).tolist():
        values = read_values(mask, where=Slice(one))
        if found is None:
            found = np.zeros((*number.shape, *values.shape[2:]), values.dtype)
        height, width = values.shape[:2]
        at = (number == one) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
        found[at] = values[row[at], column[at]]
    return np.zeros(number.shape, np.uint8) if found is None else found
