"""Odd and damaged DICOM and NIfTI end in a picture or in a sentence, never in a trace."""

from __future__ import annotations

import gzip
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence

from asma_core.data.formats.images import (
    count_frames,
    count_volumes,
    picture_size,
    read_picture,
    read_values,
)
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import Window
from asma_core.errors import AsmaError
from tests.data.formats.compressed import jpeg_2000, jpeg_lossless, jpeg_ls
from tests.data.formats.test_volumes import RAMP, VOLUME, dicom, nifti

ODD: list[Any] = [0, 1, 2, 7, 17, -1, 65535, 2**31 - 1, "", None, "x", "1e400", "nan", [], [3, 4]]
TAGS = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"),
    *("PixelRepresentation", "PhotometricInterpretation", "NumberOfFrames", "PlanarConfiguration"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "RescaleSlope", "RescaleIntercept"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "VOILUTSequence", "ModalityLUTSequence"),
    *("PerFrameFunctionalGroupsSequence", "PaletteColorLookupTableUID"),
)
FIELDS = ("dim", "datatype", "bitpix", "pixdim", "vox_offset", "scl_slope", "scl_inter",
          "sform_code", "qform_code", "srow_x", "srow_y", "magic", "quatern_b")  # fmt: skip


def odd_header(rng: np.random.Generator) -> bytes:
    """A DICOM file that is whole, but says what can't be."""
    header = pydicom.dcmread(io.BytesIO(dicom(RAMP, bits=12, WindowCenter="9", WindowWidth="90")))
    for _ in range(int(rng.integers(1, 4))):
        name = str(rng.choice(TAGS))
        value = ODD[int(rng.integers(len(ODD)))]
        if name.endswith("Sequence"):
            value = Sequence([pydicom.Dataset()] * int(rng.integers(0, 3)))
        try:
            setattr(header, name, value)
        except (ValueError, TypeError, OverflowError):
            continue
    if rng.integers(4) == 0:
        header.file_meta.TransferSyntaxUID = str(rng.choice(["", "1.2.3", "1.2.840.10008.1.2.2"]))
    buffer = io.BytesIO()
    try:
        pydicom.dcmwrite(buffer, header, implicit_vr=False, little_endian=True)
    except Exception:  # noqa: BLE001 - what can't be written can't be read either
        return dicom(RAMP)
    return buffer.getvalue()


def wounded(make: Callable[[], bytes]) -> Callable[[np.random.Generator], bytes]:
    def wound(rng: np.random.Generator) -> bytes:
        data = bytearray(make())
        first = int(rng.integers(2)) * min(len(data) - 1, 400)
        for place in rng.integers(first, len(data), int(rng.integers(1, 30))):
            data[place] = rng.integers(256)
        return bytes(data[: len(data) if rng.integers(3) else int(rng.integers(1, len(data)))])

    return wound


def bare(rng: np.random.Generator) -> bytes:
    return wounded(lambda: dicom(RAMP, bits=12)[132:])(rng)


def odd_nifti(rng: np.random.Generator) -> bytes:
    kind = (nibabel.Nifti1Image, nibabel.Nifti2Image)[int(rng.integers(2))]
    data: bytes = kind(VOLUME, np.eye(4)).to_bytes()
    header = kind.header_class.from_fileobj(io.BytesIO(data), check=False)
    for _ in range(int(rng.integers(1, 4))):
        name = str(rng.choice(FIELDS))
        field = header[name]
        size = int(np.asarray(field).size)
        if name == "magic":
            header[name] = b"n+9"
            continue
        values = rng.choice([0, 1, -1, 2, 3, 7, 20, 128, 1536, 32767, 2], size)
        header[name] = values.reshape(np.asarray(field).shape).astype(np.asarray(field).dtype)
    data = header.binaryblock + data[len(header.binaryblock) :]
    return gzip.compress(data) if rng.integers(2) else data


MAKERS: dict[str, Callable[[np.random.Generator], bytes]] = {
    "odd dicom": odd_header,
    "bare dicom": bare,
    "jpeg-ls": wounded(lambda: jpeg_ls(dicom(RAMP, bits=12))),
    "jpeg 2000": wounded(lambda: jpeg_2000(dicom(RAMP, bits=12))),
    "jpeg lossless": wounded(lambda: jpeg_lossless(dicom(RAMP, bits=12))),
    "frames": wounded(lambda: dicom(np.stack([RAMP] * 3), PixelPaddingValue=0)),
    "odd nifti": odd_nifti,
    "wounded nifti": wounded(lambda: nifti(VOLUME)),
}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", list(MAKERS))
def test_damage_is_read_or_told(kind: str, seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = MAKERS[kind](np.random.default_rng([seed, sorted(MAKERS).index(kind)]))
    for look in (
        lambda: read_picture(data, "it"),
        lambda: read_picture(data, "it", Slice(1, 0, Window(3.0, 9.0), 1)),
        lambda: read_values(data, "it"),
        lambda: count_frames(data, "it"),
        lambda: count_volumes(data, "it"),
        lambda: picture_size(data, "it"),
    ):
        try:
            found = look()
        except AsmaError as error:
            assert "\n" not in str(error)
            continue
        image = getattr(found, "image", None)
        if image is not None:
            assert image.dtype == np.float32 and image.shape[0] in (1, 3)
            assert np.isfinite(image).all() and 0 <= image.min() <= image.max() <= 1


@pytest.mark.parametrize("seed", range(12))
def test_damaged_slices_of_a_series_are_read_or_told(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    make = wounded(lambda: dicom(RAMP, bits=12, SeriesInstanceUID="1.2", InstanceNumber=int(seed)))
    for place in range(5):
        data = make(rng) if place % 2 else dicom(RAMP, SeriesInstanceUID="1.2")
        (tmp_path / f"{place}.dcm").write_bytes(data)
    for place in range(5):
        try:
            read_picture(tmp_path, "it", Slice(place))
        except AsmaError as error:
            assert "\n" not in str(error)
