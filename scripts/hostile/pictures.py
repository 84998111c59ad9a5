"""Hostile pictures and volumes."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.formats.dicom import is_dicom
from asma_core.data.formats.grids import grid_of
from asma_core.data.formats.headers import read_header
from asma_core.data.formats.images import (
    count_frames,
    count_volumes,
    picture_size,
    read_image,
    read_values,
)
from asma_core.data.formats.nameless_dicom import without_person
from asma_core.data.formats.outline_files import read_matlab, read_outline
from asma_core.data.formats.slices import Slice
from scripts.hostile.damage import NUMBERS, damaged_bytes, odd_text

Ask = Callable[[], object]
_SIDE: Final = 24


def hostile_image(rng: Random, folder: Path) -> Ask:
    """A picture of one of Pillow's formats, damaged."""
    data = damaged_bytes(rng, rng.choice(_pictures()))
    return _asking(rng, data, "a.png")


def hostile_volume(rng: Random, folder: Path) -> Ask:
    """A DICOM or NIfTI file: damaged, of odd figures, packed or cut."""
    if rng.random() < 0.5:
        data = damaged_bytes(rng, rng.choice(_dicoms()))
        path = folder / "a.dcm"
    else:
        data = _nifti(rng)
        path = folder / rng.choice(("a.nii", "a.nii.gz"))
    path.write_bytes(data)
    if rng.random() < 0.2 and is_dicom(data):
        return lambda: without_person(data, path.name)
    if rng.random() < 0.3:
        return lambda: (read_header(path), grid_of(path).places(np.zeros((3, 1))))
    return _asking(rng, data, path.name)


def hostile_outline(rng: Random, folder: Path) -> Ask:
    """A mask that is no picture: an outline as text, or a MATLAB file."""
    if rng.random() < 0.5:
        lines = [f"{rng.uniform(-1e3, 1e3)}, {rng.uniform(0, 50)}" for _ in range(5)]
        lines[rng.randrange(5)] = rng.choice((odd_text(rng), "1e999, 1", "9" * 400 + ", 2"))
        path = folder / "a.txt"
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
        return lambda: read_outline(path, (_SIDE, _SIDE))
    path = folder / "a.mat"
    path.write_bytes(damaged_bytes(rng, rng.choice(_matlabs())))
    return lambda: read_matlab(path)


def _asking(rng: Random, data: bytes, name: str) -> Ask:
    """Return one of the questions that pages ask of a file."""
    frame = rng.choice((None, None, 0, 1, -1, 10**9))
    where = Slice(frame, rng.choice((0, 1, 2, 2, 3)), volume=rng.choice((0, 0, 1, 10**9)))
    return rng.choice(
        (
            lambda: read_image(data, name, where),
            lambda: read_image(data, name),
            lambda: read_values(data, name, where, by_colour=frame is None),
            lambda: count_frames(data, name, where.axis),
            lambda: count_volumes(data, name),
            lambda: picture_size(data, name, where),
        )
    )


def _pixels(channels: int = 0, kind: Any = np.uint8) -> NDArray[Any]:
    rng = np.random.default_rng(4)
    shape = (_SIDE, _SIDE, channels) if channels else (_SIDE, _SIDE)
    if kind is np.float32:
        return rng.random(shape, dtype=np.float32)
    return rng.integers(0, np.iinfo(kind).max, shape, dtype=kind)


@lru_cache(maxsize=1)
def _pictures() -> Sequence[bytes]:
    grey, colour = Image.fromarray(_pixels()), Image.fromarray(_pixels(3))
    with_opacity = Image.fromarray(_pixels(4))
    deep, floats = Image.fromarray(_pixels(kind=np.uint16)), Image.fromarray(_pixels(0, np.float32))
    kinds: list[tuple[Image.Image, str, dict[str, Any]]] = [
        *((one, "PNG", {}) for one in (grey, colour, with_opacity, deep, colour.convert("P"))),
        (grey.convert("1"), "PNG", {}),
        *((one, kind, {}) for one in (grey, colour) for kind in ("JPEG", "BMP", "PCX", "SGI")),
        *((one, kind, {}) for one in (grey, colour) for kind in ("PPM", "WEBP", "JPEG2000")),
        (colour, "JPEG", {"progressive": True, "exif": _turned()}),
        (colour.convert("CMYK"), "JPEG", {}),
        (colour, "GIF", {"save_all": True, "append_images": [grey.convert("RGB")] * 2}),
        *((one, "TIFF", {"compression": kind}) for one in (grey, colour, deep, floats)
          for kind in ("raw", "tiff_lzw", "tiff_deflate", "packbits")),
        (grey, "TIFF", {"save_all": True, "append_images": [grey, grey]}),
        (colour, "TIFF", {"compression": "jpeg"}),
        (grey.convert("1"), "TIFF", {"compression": "group4"}),
    ]  # fmt: skip
    return [_written(*one) for one in kinds]


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _written(image: Image.Image, kind: str, more: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **more)
    return buffer.getvalue()


@lru_cache(maxsize=1)
def _niftis() -> Sequence[bytes]:
    import nibabel

    kinds: tuple[Any, ...] = (nibabel.Nifti1Image, nibabel.Nifti2Image)
    colours = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    made = []
    for kind in kinds:
        for values in (
            np.arange(18**3, dtype=np.int16).reshape(18, 18, 18),
            np.ones((20, 20, 17), np.float32),
            np.ones((18, 18, 17, 2), np.uint8),
            np.ones((30, 20), np.uint8),
            np.zeros((17, 18, 19), colours),
        ):
            made.append(kind(values, np.diag([2.0, 2, 3, 1])).to_bytes())
    return made


# Where NIfTI-1 and 2 have sides, kind of number, offset, scale and affine: place and bytes.
_FIELDS: Final = (
    *((40 + 2 * side, 2) for side in range(8)), (70, 2), (72, 2), (108, 4), (112, 4), (116, 4),
    (252, 2), (254, 2), (344, 4), *((16 + 8 * side, 8) for side in range(8)), (12, 2), (14, 2),
    (168, 8), (176, 8), (184, 8), (344, 4), (348, 4),
)  # fmt: skip


def _nifti(rng: Random) -> bytes:
    data = bytearray(rng.choice(_niftis()))
    kind = rng.random()
    if kind < 0.1:
        # No direction at all: the rows of the affine are zeros.
        data[280:328] = bytes(48)
        data[400:496] = bytes(96)
    elif kind < 0.6:
        for _ in range(rng.randint(1, 3)):
            place, count = rng.choice(_FIELDS)
            odd = rng.choice((rng.choice(NUMBERS), rng.randrange(1 << 12).to_bytes(2, "little")))
            data[place : place + count] = (odd + bytes(8))[:count]
    else:
        data = bytearray(damaged_bytes(rng, bytes(data)))
    if rng.random() < 0.3:
        del data[rng.choice((4, 100, 348, 352, 400, 540, 544, len(data) // 2)) :]
    if rng.random() < 0.3:
        packed = gzip.compress(bytes(data), 1)
        return damaged_bytes(rng, packed) if rng.random() < 0.3 else packed
    return bytes(data)


@lru_cache(maxsize=1)
def _dicoms() -> Sequence[bytes]:
    grey = {"PhotometricInterpretation": "MONOCHROME2", "SamplesPerPixel": 1}
    colour = {"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3, "PlanarConfiguration": 0}
    window = {"WindowCenter": "90", "WindowWidth": "50", "RescaleSlope": "2"}
    return [
        _dicom(_pixels(), grey),
        _dicom(_pixels(kind=np.uint16), grey | window),
        _dicom(np.stack([_pixels(kind=np.uint16)] * 3), grey | {"NumberOfFrames": 3}),
        _dicom(_pixels(3), colour),
        _dicom(_pixels(), grey, "1.2.840.10008.1.2.4.50", _written(_grey(), "JPEG", {})),
        _dicom(_pixels(), grey, "1.2.840.10008.1.2.4.90", _written(_grey(), "JPEG2000", {})),
        _dicom(
            _pixels(), grey, "1.2.840.10008.1.2.5", b"\x01\0\0\0" + bytes(60) + _pixels().tobytes()
        ),
    ]


def _grey() -> Image.Image:
    return Image.fromarray(_pixels())


def _dicom(
    pixels: NDArray[Any],
    more: dict[str, Any],
    syntax: str = "1.2.840.10008.1.2.1",
    stream: bytes = b"",
) -> bytes:
    import pydicom
    from pydicom.encaps import encapsulate

    header: Any = pydicom.Dataset()
    header.file_meta = pydicom.dataset.FileMetaDataset()
    header.file_meta.TransferSyntaxUID = syntax
    header.SOPClassUID, header.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    header.Rows, header.Columns = _SIDE, _SIDE
    bits = 8 * pixels.dtype.itemsize
    header.BitsAllocated, header.BitsStored, header.HighBit = bits, bits, bits - 1
    header.PixelRepresentation = 0
    header.ImagePositionPatient, header.PixelSpacing = [0, 0, 1], [1, 1]
    header.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    for name, value in more.items():
        setattr(header, name, value)
    header.PixelData = encapsulate([stream]) if stream else pixels.tobytes()
    header["PixelData"].VR = "OB" if stream else "OW"
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header, enforce_file_format=True)
    return buffer.getvalue()


@lru_cache(maxsize=1)
def _matlabs() -> Sequence[bytes]:
    from scipy.io import savemat

    made = []
    for more in ({}, {"do_compression": True}, {"format": "4"}):
        buffer = io.BytesIO()
        savemat(buffer, {"more": "x", "mask": _pixels()}, **more)
        made.append(buffer.getvalue())
    return made
