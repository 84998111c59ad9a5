"""What a DICOM file says of a person does not get into the data folder; its picture does."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from asma_core import paths
from asma_core.data.formats.images import read_image
from asma_core.data.formats.nameless_dicom import without_person
from asma_core.data.formats.slices import Slice
from asma_core.data.importing import take_in, unpack_upload
from asma_core.data.preview import preview
from asma_core.errors import AsmaError
from asma_core.runs.uploads import keep_series, keep_upload, open_upload, unpack_series
from tests.data.formats.test_volumes import RAMP, dicom

NAME = "Mustermann^Erika"
PERSON = {
    "PatientName": NAME,
    "PatientID": "4711-MUSTER",
    "PatientBirthDate": "19640812",
    "InstitutionName": "Klinik MUSTER",
    "StudyDescription": "Kontrolle MUSTER",
    "ImageComments": "MUSTER Kommentar",
    "SeriesInstanceUID": "1.2.276.4711.1",
    "WindowCenter": "800",
    "WindowWidth": "600",
    "WindowCenterWidthExplanation": "MUSTER window",
}
SECRETS = (b"MUSTER", NAME.encode(), b"19640812", b"1.2.276.4711")


def with_person(pixels: np.ndarray = RAMP, **more: object) -> bytes:
    header = pydicom.dcmread(io.BytesIO(dicom(pixels, bits=12, **PERSON, **more)))
    header.add_new(0x00091001, "LO", "MUSTER private")
    item = Dataset()
    item.PatientName = NAME
    item.ImagePositionPatient = [1, 2, 3]
    header.PerFrameFunctionalGroupsSequence = [item]
    header.preamble = b"MUSTER" + bytes(122)
    file = io.BytesIO()
    header.save_as(file, enforce_file_format=True)
    return file.getvalue()


def nothing_of_a_person(home: Path) -> None:
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files
    for path in files:
        found = [secret for secret in SECRETS if secret in path.read_bytes()]
        assert not found, f"{path} has {found}"


def test_the_picture_is_as_it_was_and_the_person_is_gone() -> None:
    data = with_person()
    kept = without_person(data, "a.dcm")
    assert all(secret in data and secret not in kept for secret in SECRETS)
    np.testing.assert_array_equal(read_image(kept), read_image(data))
    assert pydicom.dcmread(io.BytesIO(kept)).PerFrameFunctionalGroupsSequence[
        0
    ].ImagePositionPatient == [1, 2, 3]


@pytest.mark.parametrize("kind", ["RGB", "YBR_FULL", "MONOCHROME1"])
def test_colours_and_frames_stay(kind: str) -> None:
    shape = (20, 24) if kind == "MONOCHROME1" else (20, 24, 3)
    pixels = np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8)
    data = dicom(pixels, kind, PatientName=NAME)
    np.testing.assert_array_equal(read_image(without_person(data, "a.dcm")), read_image(data))


def test_series_stay_apart_and_each_stays_together() -> None:
    def series(data: bytes) -> str:
        return str(pydicom.dcmread(io.BytesIO(without_person(data, "a"))).SeriesInstanceUID)

    one, two = dicom(RAMP, SeriesInstanceUID="1.2.3"), dicom(RAMP + 1, SeriesInstanceUID="1.2.3")
    assert series(one) == series(two) != series(dicom(RAMP, SeriesInstanceUID="1.2.4"))


def test_an_uploaded_file_is_kept_without_the_person(home: Path) -> None:
    data = with_person()
    key = keep_upload(data, "scan.dcm")
    np.testing.assert_array_equal(open_upload(key).image, read_image(data))
    nothing_of_a_person(home)


def packed(count: int = 3) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for place in range(count):
            place_of = {"ImagePositionPatient": [0, 0, place], "InstanceNumber": place + 1}
            file.writestr(f"images/{place}.dcm", with_person(RAMP + place, **place_of))
    return archive.getvalue()


def test_an_uploaded_series_is_kept_without_the_person(home: Path) -> None:
    key = keep_series(unpack_series(packed(), "series.zip"), "series.zip", Slice(1))
    assert open_upload(key).image.shape == (1, 40, 48)
    nothing_of_a_person(home)


def test_an_imported_data_set_is_kept_without_the_person(home: Path) -> None:
    found = preview(unpack_upload(io.BytesIO(packed()), "scans.zip"), layout="images")
    assert len(take_in(found, "scans").dataset.samples) == 3
    nothing_of_a_person(home)
    assert (paths.home() / "datasets" / "scans").is_dir()


def test_what_is_damaged_is_said_in_a_sentence() -> None:
    with pytest.raises((AsmaError, ValueError)):
        without_person(with_person()[:200], "a.dcm")
