"""Slices of NIfTI volumes, read by nibabel: of two, three and four dimensions, grey or colour."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import MOST_VALUES, Greys, Picture, Range, Values, thinned
from asma_core.errors import InputError
from asma_core.server_config import settings

_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 1 << 20
# A NIfTI-2 header with what says if extensions follow.
_HEAD: Final = 544
_COLOURS: Final = ("R", "G", "B")
# Slices that are looked at to choose a window for all.
_SLICES: Final = 16


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
    volume = _volume(data, label)
    _check_axis(axis, label)
    return volume.counts[axis]


def count_volumes(data: bytes, label: str) -> int:
    """Return how many volumes a file holds: the length of its fourth dimension."""
    return _volume(data, label).volumes


def size(data: bytes, label: str, axis: int) -> tuple[int, int]:
    """Return height and width of the slices along an axis."""
    counts = _volume(data, label).counts
    _check_axis(axis, label)
    width, height = (count for place, count in enumerate(counts) if place != axis)
    return height, width


def read(data: bytes, label: str, where: Slice, most_pixels: int) -> Greys | Picture:
    """Return a slice, anterior or superior up: greys before their window, or colour.

    What its window is chosen by is the whole volume, so that its slices look alike.
    """
    volume = _volume(data, label)
    values = _plane(volume, label, where, most_pixels)
    if values.ndim == 3:
        return Picture(np.ascontiguousarray(values.transpose(2, 0, 1), np.float32) / 255.0)
    nominal, eight = _nominal(volume)
    return Greys(values, nominal, eight, more=lambda: _some(volume, where.volume))


def read_values(data: bytes, label: str, where: Slice, most_pixels: int) -> NDArray[Any]:
    """Return a slice's values, (H, W), or (H, W, 3) of colours, as a mask needs them."""
    return _plane(_volume(data, label), label, where, most_pixels)


def values_at(data: bytes, label: str, places: NDArray[np.int64]) -> NDArray[Any]:
    """Return values at places of the file's own axes; 0 where a place lies outside.

    Args:
        data: The file; of several volumes it is the first.
        label: What to call it in errors.
        places: int64 (3, H, W), along the first, second and third axis of the file.

    Returns:
        (H, W), or (H, W, 3) of colours.

    Raises:
        InputError: Damaged, or larger than a picture file may be.
    """
    volume = _volume(data, label)
    lengths = np.array(volume.shape).reshape(3, 1, 1)
    inside = ((places >= 0) & (places < lengths)).all(axis=0)
    kept = np.clip(places, 0, lengths - 1)
    # Along an axis that all places share, one slice is read instead of the volume.
    along = next((a for a in range(3) if (kept[a] == kept[a].flat[0]).all()), None)
    if along is None:
        whole = [volume.cut(2, place, 0) for place in range(volume.shape[2])]
        values = _plain(np.stack(whole, axis=2))[kept[0], kept[1], kept[2]]
    else:
        one, other = (kept[axis] for axis in range(3) if axis != along)
        values = _plain(volume.cut(along, int(kept[along].flat[0]), 0))[one, other]
    found: NDArray[Any] = values
    found[~inside] = 0
    return found


@dataclass(frozen=True)
class _Volume:
    """A volume whose values are read when they are asked for.

    Attributes:
        values: nibabel's proxy, of two to four dimensions.
        shape: Of one volume, as it lies in the file.
        axes: For each axis of the file, which of the body's it is.
        flipped: For each axis of the file, whether it runs the other way.
        volumes: How many.
    """

    values: Any
    shape: tuple[int, int, int]
    axes: tuple[int, ...]
    flipped: tuple[bool, ...]
    volumes: int

    @property
    def counts(self) -> tuple[int, int, int]:
        """Lengths along the body's axes: sagittal, coronal, axial."""
        counts = [self.shape[self.axes.index(axis)] for axis in range(3)]
        return counts[0], counts[1], counts[2]

    def cut(self, axis: int, place: int, volume: int) -> Values:
        """Return what lies at a place of an axis of the file, as it lies there."""
        if len(self.values.shape) == 2:
            flat: Values = np.asarray(self.values)[..., None]
            piece: Values = flat.take(place, axis)
            return piece
        cut: list[Any] = [slice(None)] * 3
        cut[axis] = place
        rest = [volume] + [0] * (len(self.values.shape) - 4)
        return np.asarray(self.values[tuple(cut + rest[: len(self.values.shape) - 3])])


def _volume(data: bytes, label: str) -> _Volume:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    try:
        if data[:2] == _GZIP:
            data = _unpacked(data, label)
        if _needed(data) > len(data):
            raise ValueError("the file is shorter than its header says")
        volume = _kind(data).from_bytes(data)
        shape = tuple(int(count) for count in volume.shape)
        _check(volume, shape, label)
        orientation = nibabel.orientations.io_orientation(volume.affine)  # type: ignore[no-untyped-call]
    except (ImageFileError, HeaderDataError, WrapStructError) as error:
        raise ValueError(str(error)) from error
    if not np.isfinite(orientation).all():
        raise InputError(
            f"{label} has an affine that says no direction (a column of zeros); write a proper one"
        )
    three = (*shape[:3], 1)[:3]
    return _Volume(
        volume.dataobj,
        (three[0], three[1], three[2]),
        tuple(int(axis) for axis in orientation[:, 0]),
        tuple(bool(way < 0) for way in orientation[:, 1]),
        shape[3] if len(shape) > 3 else 1,
    )


def _kind(data: bytes | bytearray) -> Any:
    import nibabel

    return nibabel.Nifti2Image if data[4:8] == b"n+2\0" else nibabel.Nifti1Image


def _check(volume: Any, shape: tuple[int, ...], label: str) -> None:
    if len(shape) < 2 or any(count != 1 for count in shape[4:]):
        raise InputError(
            f"{label} has {len(shape)} dimensions; save a volume of three (or several, as a "
            "fourth) as its own file"
        )
    kind = volume.get_data_dtype()
    if kind.kind == "c" or (kind.names and kind.names[:3] != _COLOURS):
        raise InputError(f"{label} holds {kind}, neither greys nor colours; convert it to floats")
    if not np.isfinite(volume.affine).all():
        raise ValueError("an affine that is no number")


def _unpacked(data: bytes, label: str) -> bytes:
    """Unpack a file in pieces, as far as its header says; what comes after is only counted.

    Raises:
        InputError: It unpacks to more than a picture file may have.
    """
    limit = settings().max_image_mb * 1_000_000
    kept, total, needed = bytearray(), 0, 0
    for piece in _pieces(data):
        total += len(piece)
        kept += piece[: needed - len(kept)] if needed else piece
        if not needed and len(kept) >= _HEAD:
            needed = max(_needed(kept), _HEAD)
            del kept[needed:]
        if max(total, needed) > limit:
            raise InputError(
                f"{label} unpacks to more than {limit // 1_000_000} MB, the limit; cut the volume "
                "smaller, or let the owner of this server raise max_image_mb"
            )
    return bytes(kept)


def _pieces(data: bytes) -> Iterator[bytes]:
    """Yield what a gzip file of one or more members unpacks to, a piece at a time."""
    while data[:2] == _GZIP:
        unpack, place = zlib.decompressobj(wbits=31), 0
        pending = data[:_PIECE]
        while not unpack.eof:
            if not pending:
                place += _PIECE
                pending = data[place : place + _PIECE]
                if not pending:
                    raise EOFError("the packed file is cut")
            yield unpack.decompress(pending, _PIECE)
            pending = unpack.unconsumed_tail
        data = unpack.unused_data + data[place + _PIECE :]


def _needed(data: bytes | bytearray) -> int:
    """Return how many bytes a file has by its header."""
    kind = _kind(data).header_class
    length = kind.template_dtype.itemsize
    header = kind.from_fileobj(io.BytesIO(data[:length]), check=False)
    count = int(np.prod([max(int(side), 0) for side in header.get_data_shape()], dtype=object))
    return int(header.get_data_offset()) + count * int(header.get_data_dtype().itemsize)


def _check_axis(axis: int, label: str) -> None:
    if axis not in (0, 1, 2):
        raise InputError(f"{label} has the axes 0, 1 and 2; there is no {axis}")


def _plane(volume: _Volume, label: str, where: Slice, most_pixels: int) -> NDArray[Any]:
    _check_axis(where.axis, label)
    if not 0 <= where.volume < volume.volumes:
        raise InputError(
            f"{label} has {volume.volumes} volumes, 0 to {volume.volumes - 1}; there is no "
            f"{where.volume}"
        )
    frame = where.chosen(volume.counts[where.axis], label)
    if int(np.prod(volume.shape)) // volume.counts[where.axis] > most_pixels:
        raise InputError(f"{label} is too large; the limit is {most_pixels // 1_000_000} million")
    along = volume.axes.index(where.axis)
    place = volume.shape[along] - 1 - frame if volume.flipped[along] else frame
    values = _plain(volume.cut(along, place, where.volume))
    others = [axis for axis in range(3) if axis != along]
    for position, axis in enumerate(others):
        values = np.flip(values, position) if volume.flipped[axis] else values
    if volume.axes[others[0]] > volume.axes[others[1]]:
        values = values.swapaxes(0, 1)
    return np.ascontiguousarray(np.rot90(values))


def _plain(values: Values) -> Values:
    """Return colours as a third axis, and odd floats as usual ones."""
    if values.dtype.names:
        return np.stack([values[name] for name in _COLOURS], axis=-1)
    odd = values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8)
    return values.astype(np.float64) if odd else values.astype(values.dtype.newbyteorder("="))


def _nominal(volume: _Volume) -> tuple[Range | None, bool]:
    """Return what the stored kind of number can hold, and whether it has 8 bits."""
    kind = volume.values.dtype
    if kind.kind == "f":
        return (0.0, 1.0), False
    if kind.itemsize > 2:
        return None, False
    slope, intercept = float(volume.values.slope), float(volume.values.inter)
    ends = sorted(
        float(end) * slope + intercept for end in (np.iinfo(kind).min, np.iinfo(kind).max)
    )
    return (ends[0], ends[1]), kind.itemsize == 1 and (slope, intercept) == (1.0, 0.0)


def _some(volume: _Volume, number: int) -> Values:
    """Return values of the whole volume, flat, taken evenly."""
    count = volume.shape[2]
    whole = int(np.prod(volume.shape)) <= MOST_VALUES
    places = range(count) if whole else np.linspace(0, count - 1, min(count, _SLICES)).astype(int)
    parts = [_plain(volume.cut(2, int(place), number)) for place in places]
    return np.concatenate([thinned(part, MOST_VALUES // len(parts)) for part in parts])
