"""DICOM and NIfTI become pictures as a viewer would show them."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from asma_core.data.formats.images import count_frames, picture_size, read_image, read_values
from asma_core.data.formats.slices import Slice
from asma_core.data.formats.windows import Window
from asma_core.data.importing import take_in
from asma_core.data.preview import preview
from asma_core.errors import AsmaError, InputError
from tests.data.publish import disc, lay_out

RAMP = np.linspace(0, 4095, 40 * 48).reshape(40, 48).astype(np.uint16)


def dicom(pixels: np.ndarray, kind: str = "MONOCHROME2", **more: object) -> bytes:
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    header.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    header.SOPClassUID = SecondaryCaptureImageStorage
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID
    colour = kind in ("RGB", "YBR_FULL")
    frames = pixels.ndim == (4 if colour else 3)
    header.Rows, header.Columns = pixels.shape[frames : frames + 2]
    if frames:
        header.NumberOfFrames = len(pixels)
    header.SamplesPerPixel = 3 if colour else 1
    if colour:
        header.PlanarConfiguration = 0
    header.PhotometricInterpretation = kind
    header.BitsAllocated = 8 * pixels.dtype.itemsize
    header.BitsStored = int(more.pop("bits", header.BitsAllocated))
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in more.items():
        setattr(header, name, value)
    header.PixelData = pixels.tobytes()
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, header, enforce_file_format=True)
    return buffer.getvalue()


def nifti(values: np.ndarray, packed: bool = True, affine: np.ndarray | None = None) -> bytes:
    image = nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine)
    data: bytes = image.to_bytes()
    return gzip.compress(data) if packed else data


def test_monochrome_without_a_window_spans_its_range() -> None:
    image = read_image(dicom(RAMP, bits=12))
    assert image.shape == (1, 40, 48)
    assert np.abs(image[0] - RAMP / 4095).max() < 1e-4


def test_monochrome_1_is_turned() -> None:
    image = read_image(dicom(RAMP, "MONOCHROME1", bits=12))
    assert np.abs(image[0] - (1 - RAMP / 4095)).max() < 1e-4


def test_window_and_rescale_as_the_standard_says() -> None:
    data = dicom(
        RAMP, bits=12, RescaleSlope="2", RescaleIntercept="-1000", WindowCenter=["300", "40"],
        WindowWidth=["1001", "400"], RescaleType="HU",
    )  # fmt: skip
    expected = np.clip((2.0 * RAMP - 1000 - 299.5) / 1000 + 0.5, 0, 1)
    assert np.abs(read_image(data)[0] - expected).max() < 1e-5
    wide = read_image(data, where=Slice(window=Window(-1000.0, 3000.0)))
    assert np.abs(wide[0] - np.clip(2.0 * RAMP / 4000, 0, 1)).max() < 1e-5


def test_colours_and_ybr_are_rgb() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (20, 24, 3), dtype=np.uint8)
    assert np.abs(read_image(dicom(pixels, "RGB")) - pixels.transpose(2, 0, 1) / 255).max() < 1e-6
    grey = np.full((20, 24, 3), (90, 128, 128), np.uint8)
    assert np.abs(read_image(dicom(grey, "YBR_FULL")) - 90 / 255).max() < 0.01


def test_one_of_many_frames() -> None:
    frames = np.stack([RAMP, RAMP[::-1], RAMP[:, ::-1]])
    data = dicom(frames, bits=12)
    assert count_frames(data) == 3
    assert picture_size(data) == (40, 48)
    assert np.abs(read_image(data, where=Slice(0))[0] - RAMP / 4095).max() < 1e-4
    assert np.abs(read_image(data)[0] - RAMP[::-1] / 4095).max() < 1e-4
    with pytest.raises(InputError, match="has 3 pictures, 0 to 2; there is no 5"):
        read_image(data, "it", Slice(5))


def test_a_dicom_without_pixels_is_told() -> None:
    header = pydicom.dcmread(io.BytesIO(dicom(RAMP)))
    del header.PixelData
    buffer = io.BytesIO()
    header.save_as(buffer)
    with pytest.raises(InputError, match="without a picture"):
        read_image(buffer.getvalue(), "it")


VOLUME = np.random.default_rng(1).integers(0, 1000, (20, 24, 28)).astype(np.int16)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("axis", "count"), [(0, 20), (1, 24), (2, 28)])
def test_a_slice_along_each_axis(packed: bool, axis: int, count: int) -> None:
    data = nifti(VOLUME, packed)
    assert count_frames(data, axis=axis) == count
    image = read_image(data, where=Slice(3, axis))
    plane = np.rot90(VOLUME.take(3, axis))
    low, high = np.percentile(VOLUME, (0.5, 99.5))
    assert np.abs(image[0] - np.clip((plane - low) / (high - low), 0, 1)).max() < 1e-5
    assert (read_values(data, where=Slice(3, axis)) == plane).all()


def test_a_window_of_a_volume() -> None:
    image = read_image(nifti(VOLUME), where=Slice(0, 2, Window(400.0, 600.0)))
    plane = np.rot90(VOLUME[..., 0])
    assert np.abs(image[0] - np.clip((plane - 400) / 200, 0, 1)).max() < 1e-5


def test_volumes_are_turned_to_one_orientation() -> None:
    flipped = np.diag([-1.0, 1, 1, 1])
    one = read_values(nifti(VOLUME), where=Slice(3))
    other = read_values(nifti(VOLUME[::-1].copy(), affine=flipped), where=Slice(3))
    assert (one == other).all()


def test_volumes_with_their_masks_become_samples(home: Path, tmp_path: Path) -> None:
    shape = np.repeat(disc()[:, :, None], 20, axis=2).astype(np.uint8)
    files = {}
    for name in ("case_1", "case_2"):
        files[f"imagesTr/{name}_0000.nii.gz"] = nifti(shape.astype(np.int16) * 300)
        files[f"labelsTr/{name}.nii.gz"] = nifti(shape)
    found = preview(lay_out(tmp_path / "volumes", files))
    assert len(found.dataset.samples) == 40
    dataset = take_in(found, "volumes").dataset
    assert dataset.samples[3].name == "case_1_0000-03"
    image, mask = dataset.image(dataset.samples[3]), dataset.mask(dataset.samples[3])
    assert (mask.labels == np.rot90(disc())).all()
    assert ((image[0] > 0.5) == np.rot90(disc())).all()
    middle = found.corrected(every=False)
    assert [sample.name for sample in middle.dataset.samples] == ["case_1_0000", "case_2_0000"]


def test_dicoms_beside_masks_of_another_kind(tmp_path: Path) -> None:
    from tests.data.publish import binary

    pixels = np.where(disc(), 3000, 100).astype(np.uint16)
    files = {"images/a.dcm": dicom(pixels, bits=12), "masks/a.png": binary()}
    found = preview(lay_out(tmp_path, files))
    sample = found.dataset.samples[0]
    assert ((found.dataset.image(sample)[0] > 0.5) == disc()).all()
    assert (found.dataset.mask(sample).labels == disc()).all()


def test_dicoms_often_have_no_ending(tmp_path: Path) -> None:
    from tests.data.publish import binary

    pixels = np.where(disc(), 3000, 100).astype(np.uint16)
    files = {
        "images/IM0001": dicom(pixels, bits=12),
        "images/1.2.840.7": dicom(pixels, bits=12),
        "images/b.IMA": dicom(pixels, bits=12),
        "images/c.dicom": dicom(pixels, bits=12)[132:],
        "images/IM0002": dicom(pixels, bits=12)[132:],
        "masks/b.png": binary(),
        "masks/c.png": binary(),
        "masks/IM0002.png": binary(),
        "images/LICENSE": b"text",
        "masks/IM0001.png": binary(),
        "masks/1.2.840.7.png": binary(),
    }
    found = preview(lay_out(tmp_path, files))
    assert [sample.name for sample in found.dataset.samples] == [
        *("1.2.840.7", "IM0001", "IM0002", "b", "c"),
    ]
    assert ((found.dataset.image(found.dataset.samples[0])[0] > 0.5) == disc()).all()


@settings(max_examples=120, derandomize=True)
@given(st.sampled_from(["dicom", "nifti", "packed"]), st.integers(0, 2**32), st.integers(1, 40))
def test_a_damaged_volume_is_read_or_told(kind: str, seed: int, wounds: int) -> None:
    make = {"dicom": dicom(RAMP), "nifti": nifti(VOLUME, False), "packed": nifti(VOLUME)}
    data = bytearray(make[kind])
    rng = np.random.default_rng(seed)
    for place in rng.integers(0, min(len(data), 2000), wounds):
        data[place] = rng.integers(256)
    cut = len(data) if seed % 3 else int(rng.integers(1, len(data)))
    try:
        read_image(bytes(data[:cut]), "it")
        read_values(bytes(data[:cut]), "it")
        count_frames(bytes(data[:cut]), "it")
    except AsmaError:
        pass
