"""Slices of NIfTI volumes, read by nibabel."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.slices import Slice
from asma_core.errors import InputError

MOST_BYTES: Final = 1_000_000_000
# Tails that a single bright voxel must not decide.
PERCENTILES: Final = (0.5, 99.5)
_GZIP: Final = b"\x1f\x8b"


def is_nifti(data: bytes) -> bool:
    """Tell a NIfTI file, packed by gzip or not, by its magic."""
    head = data[:352]
    if head[:2] == _GZIP:
        try:
            head = zlib.decompressobj(wbits=31).decompress(data[:4096], 352)
        except zlib.error:
            return False
    return head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] == b"n+2\0"


def count_frames(data: bytes, label: str, axis: int) -> int:
    """Return how many slices a volume has along an axis."""
    return int(_volume(data, label).shape[axis])


def read_image(data: bytes, label: str, where: Slice, most_pixels: int) -> NDArray[np.float32]:
    """Return a slice, float32 (1, H, W) in [0, 1], anterior or superior up.

    The window is the slice's, else what lies between the 0.5th and the 99.5th percentile of the
    whole volume, so that its slices look alike.
    """
    volume = _volume(data, label)
    values = _plane(volume, label, where, most_pixels).astype(np.float64)
    if where.window is not None:
        centre, width = where.window
        low, high = centre - width / 2, centre + width / 2
    else:
        step = max(1, round((np.prod(volume.shape) / 200_000) ** (1 / 3)))
        some = np.asarray(volume.dataobj)[::step, ::step, ::step].astype(np.float64)
        low, high = np.percentile(some[np.isfinite(some)], PERCENTILES)
    scaled = np.clip((values - low) / max(high - low, 1e-9), 0.0, 1.0)
    return np.nan_to_num(scaled).astype(np.float32)[None]


def read_values(data: bytes, label: str, where: Slice, most_pixels: int) -> NDArray[Any]:
    """Return a slice's values, (H, W), as a mask needs them."""
    return _plane(_volume(data, label), label, where, most_pixels)


def _volume(data: bytes, label: str) -> Any:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    if data[:2] == _GZIP:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            data = packed.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError(
            f"{label} unpacks to more than {MOST_BYTES // 1_000_000} MB; cut the volume smaller"
        )
    kind = nibabel.Nifti2Image if data[4:8] == b"n+2\0" else nibabel.Nifti1Image
    try:
        volume = kind.from_bytes(data)
    except (ImageFileError, HeaderDataError) as error:
        raise ValueError(str(error)) from error
    if len(volume.shape) == 4 and volume.shape[3] == 1:
        volume = volume.slicer[..., 0]
    if len(volume.shape) != 3:
        raise InputError(
            f"{label} has {len(volume.shape)} dimensions; save one volume of three as its own file"
        )
    return nibabel.as_closest_canonical(volume)  # type: ignore[no-untyped-call]


def _plane(volume: Any, label: str, where: Slice, most_pixels: int) -> NDArray[Any]:
    if where.axis not in (0, 1, 2):
        raise InputError(f"{label} has the axes 0, 1 and 2; there is no {where.axis}")
    frame = where.chosen(int(volume.shape[where.axis]), label)
    place: list[Any] = [slice(None)] * 3
    place[where.axis] = frame
    values = np.asarray(volume.dataobj[tuple(place)])
    if values.size > most_pixels:
        raise InputError(f"{label} is too large; the limit is {most_pixels // 1_000_000} million")
    return np.ascontiguousarray(np.rot90(values))
