"""Where the pixels of a volume lie in the patient: of a DICOM series, a NIfTI file, pictures.

Places are in mm to the patient's right, front and head (RAS), as NIfTI has them; DICOM's x and y
run the other way (LPS). Source: DICOM PS3.3, C.7.6.2.1.1; the NIfTI-1 header, methods 2 and 3.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.images import count_frames, picture_size
from asma_core.data.formats.series import SlicePlace, is_folder, place_of, places_of
from asma_core.data.formats.tree import DICOM, suffix
from asma_core.errors import InputError
from asma_core.files import as_store_error, file_state

NIFTI: Final = (".nii", ".nii.gz")
Places = NDArray[np.float64]
# Of x, y and z of DICOM to those of NIfTI.
_TO_RAS: Final = np.diag([-1.0, -1.0, 1.0])
# An axial slice as it is usual: rows run to the patient's left, columns to the back.
_USUAL: Final = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_SAME: Final = 1e-3
_HEAD: Final = 544


@dataclass(frozen=True, eq=False)
class Grid:
    """The pixels of a volume, by their indices in its file.

    Attributes:
        shape: Of a series, or of a file of pictures, slices, rows, columns; of NIfTI the lengths of
            its three axes.
        affine: float64 (4, 4), from indices to places.
        placed: Whether the file says so; else the affine is what is usual.
        steps: float64 (slices,), where the slices lie in units of their mean distance; None for
            NIfTI, whose slices are evenly spaced.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    placed: bool
    steps: NDArray[np.float64] | None = None

    @property
    def turned(self) -> NDArray[np.float64]:
        """For each axis of a NIfTI file, which of the body's it is, and -1 if it runs back."""
        import nibabel

        found: NDArray[np.float64] = nibabel.orientations.io_orientation(self.affine)  # type: ignore[no-untyped-call]
        return found

    def count(self, axis: int) -> int:
        """Return how many slices a NIfTI file has along an axis of the body."""
        return self.shape[self.turned[:, 0].astype(int).tolist().index(axis)]

    def places(self, indices: Places) -> Places:
        """Return the places of indices, both float64 (3, n)."""
        along = indices.copy()
        if self.steps is not None:
            along[0] = _between(indices[0], np.arange(len(self.steps)), self.steps)
        found: Places = self.affine[:3, :3] @ along + self.affine[:3, 3:]
        return found

    def indices(self, places: Places) -> Places:
        """Return the indices of places, both float64 (3, n), not rounded."""
        inverse = np.linalg.inv(self.affine)
        found: Places = inverse[:3, :3] @ places + inverse[:3, 3:]
        if self.steps is not None:
            found[0] = _between(found[0], self.steps, np.arange(len(self.steps)))
        return found


def _between(values: Places, known: NDArray[Any], wanted: NDArray[Any]) -> Places:
    """Interpolate along known values, and go on evenly beyond their ends."""
    found = np.interp(values, known, wanted)
    found += np.where(values < known[0], values - known[0], 0.0)
    return np.asarray(found + np.where(values > known[-1], values - known[-1], 0.0))


def is_nifti_file(path: Path) -> bool:
    """Tell a NIfTI file by its ending."""
    return path.name.lower().endswith(NIFTI)


def grid_of(path: Path) -> Grid:
    """Return where the pixels of a NIfTI file, a folder of DICOM slices, or any picture lie.

    Raises:
        InputError: It can't be read, or is a folder without a series.
        StoreError: The folder can't be read.
    """
    return _grid_of(path, file_state(path))


@lru_cache(maxsize=64)
def _grid_of(path: Path, state: tuple[str, int, int]) -> Grid:
    if is_folder(path):
        return _of_series(places_of(path))
    return _of_nifti(path) if is_nifti_file(path) else _of_pictures(path)


def _of_pictures(path: Path) -> Grid:
    count, size = count_frames(path), picture_size(path)
    place = place_of(path) if suffix(path.name) == DICOM and count == 1 else None
    # Of several frames the file may say where each lies, in another way than slices do.
    alone = SlicePlace(path, "", None, None, size)
    if place is not None or count == 1:
        return _of_series((place or alone,))
    return replace(_of_series((alone,)), shape=(count, *size), steps=np.arange(count, dtype=float))


def _of_series(slices: tuple[SlicePlace, ...]) -> Grid:
    first, last, count = slices[0], slices[-1], len(slices)
    shape = count, *first.size
    corners = np.array([one.corner for one in slices if one.corner])
    oriented = [one.ways for one in slices if one.ways]
    alike = len(oriented) == count and bool(np.ptp(oriented, axis=0).max() < _SAME)
    placed = len(corners) == count and alike and _are_apart(slices)
    ways = np.array(first.ways if placed else _USUAL).reshape(2, 3)
    rows, columns = first.spacing or (1.0, 1.0)
    normal = np.cross(ways[0], ways[1])
    step = (
        (np.subtract(last.corner, first.corner)) / (count - 1) if placed and count > 1 else normal
    )
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = step, ways[1] * rows, ways[0] * columns
    affine[:3, 3] = first.corner if placed else 0.0
    affine[:3] = _TO_RAS @ affine[:3]
    if abs(np.linalg.det(affine)) < 1e-9:
        return Grid(shape, np.eye(4), False, np.arange(count, dtype=np.float64))
    along = np.array([one.along for one in slices], dtype=np.float64) if placed else None
    even = np.arange(count, dtype=np.float64)
    if along is None or count == 1:
        return Grid(shape, affine, placed, even)
    return Grid(shape, affine, placed, (along - along[0]) / (along[-1] - along[0]) * (count - 1))


def _are_apart(slices: tuple[SlicePlace, ...]) -> bool:
    """Tell whether each slice has a place of its own, in the order in which they come."""
    along = [one.along for one in slices]
    return None not in along and bool((np.diff(np.array(along, dtype=np.float64)) > 0).all())


def _of_nifti(path: Path) -> Grid:
    import nibabel

    try:
        with as_store_error(path), path.open("rb") as file:
            data = file.read(1 << 16)
        if data[:2] == b"\x1f\x8b":
            data = zlib.decompressobj(wbits=31).decompress(data, _HEAD)
        second = data[4:8] == b"n+2\0"
        kind: Any = nibabel.Nifti2Header if second else nibabel.Nifti1Header
        length = kind.template_dtype.itemsize
        header = kind.from_fileobj(io.BytesIO(data[:length]), check=False)
        affine = np.array(header.get_best_affine(), dtype=np.float64)
        sides = [int(side) for side in header.get_data_shape()]
    except Exception as error:
        # Of any kind, as of any file that makes no sense.
        raise InputError(f"{path.name} is truncated or damaged; export it again") from error
    shape = (*sides[:3], 1, 1, 1)[:3]
    usable = bool(np.isfinite(affine).all()) and abs(np.linalg.det(affine)) > 1e-9
    # Nobody's voxels are cubes of 1 mm around the scanner's centre: it is what programs write.
    says = int(header["sform_code"]) > 0 or int(header["qform_code"]) > 0
    plain = np.allclose(affine, np.eye(4), atol=_SAME)
    return Grid(
        (shape[0], shape[1], shape[2]),
        affine if usable else np.eye(4),
        usable and says and not plain,
    )
