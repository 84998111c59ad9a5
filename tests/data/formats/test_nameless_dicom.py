"""What a DICOM file says of a person does not get into the data folder; its picture does."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from asma_core import paths
from asma_core.data.formats.images import read_image
from asma_core.data.formats.nameless_dicom import without_person
from asma_core.data.formats.slices import Slice
from asma_core.data.importing import clear_uploads, take_in, unpack_upload
from asma_core.data.preview import preview
from asma_core.errors import AsmaError
from asma_core.runs.uploads import keep_series, keep_upload, open_upload, unpack_series
from tests.data.formats.test_volumes import RAMP, dicom

PROJECT = Path(__file__).resolve().parents[3]
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
    folder = unpack_upload(io.BytesIO(packed()), "scans.zip")
    nothing_of_a_person(home)
    found = preview(folder, layout="images")
    nothing_of_a_person(home)
    assert len(take_in(found, "scans").dataset.samples) == 3
    nothing_of_a_person(home)
    assert (paths.home() / "datasets" / "scans").is_dir()


UNPACKING = """
import io, os, signal, sys
from pathlib import Path
from asma_core.data.importing import unpack_upload
from asma_core.runs.uploads import unpack_series
count, writes = int(sys.argv[1]), 0
def watch(event, arguments):
    # Each file that is opened to be written is a moment; so is each renaming.
    global writes
    made = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
    if made or event == "os.rename":
        writes += 1
        if writes == count:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
data = sys.stdin.buffer.read()
unpack_upload(io.BytesIO(data), "scans.zip")
"""


def killed_while_unpacking(data: bytes, before: int) -> bool:
    """Kill a process before it makes or renames its n-th file; tell whether there was one."""
    command = [sys.executable, "-c", UNPACKING, str(before)]
    return subprocess.run(command, input=data, cwd=PROJECT, check=False).returncode != 0


def test_a_killed_import_leaves_nothing_of_a_person_at_any_moment(home: Path) -> None:
    moments, data = 0, packed()
    while killed_while_unpacking(data, moments + 1):
        moments += 1
        for path in home.rglob("*"):
            assert not any(secret in path.name.encode() for secret in SECRETS)
            if path.is_file():
                assert not any(secret in path.read_bytes() for secret in SECRETS), path
    # Three files, and their folder's renaming.
    assert moments >= 4
    nothing_of_a_person(home)
    clear_uploads()
    assert not (home / "imports").exists()


def test_what_is_put_aside_for_another_process_has_no_name_that_a_killed_one_leaves() -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from asma_core.files import put_aside\n"
        "with put_aside(b'Mustermann^Erika') as path:\n"
        "    print(path.read_bytes(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with TemporaryDirectory() as folder:
        told = subprocess.run(
            [sys.executable, "-c", script],
            cwd=PROJECT, env=os.environ | {"TMPDIR": folder}, capture_output=True, check=False,
        )  # fmt: skip
        assert b"Mustermann" in told.stdout
        left = list(Path(folder).iterdir())
        assert left == [] or not Path("/proc/self/fd").is_dir()


def test_dicom_files_without_a_picture_are_passed_over(home: Path) -> None:
    header = pydicom.dcmread(io.BytesIO(with_person()))
    del header.PixelData, header.Rows
    bare = io.BytesIO()
    header.save_as(bare, enforce_file_format=True)
    archive = io.BytesIO(packed())
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("images/report.dcm", bare.getvalue())
    folder = unpack_upload(io.BytesIO(archive.getvalue()), "scans.zip")
    assert sorted(path.name for path in folder.rglob("*.dcm")) == ["0.dcm", "1.dcm", "2.dcm"]
    nothing_of_a_person(home)
    alone = io.BytesIO()
    with zipfile.ZipFile(alone, "w") as file:
        file.writestr("report.dcm", bare.getvalue())
    with pytest.raises(AsmaError, match="holds no pictures"):
        unpack_upload(io.BytesIO(alone.getvalue()), "scans.zip")


def test_one_that_can_not_be_made_nameless_is_named_and_leaves_nothing(home: Path) -> None:
    archive = io.BytesIO(packed())
    with zipfile.ZipFile(archive, "a") as file:
        whole = with_person()
        file.writestr("images/cut.dcm", whole[: len(whole) - 2 * RAMP.size - 50])
    with pytest.raises(AsmaError, match=r"cut\.dcm is a DICOM file without a picture"):
        unpack_upload(io.BytesIO(archive.getvalue()), "scans.zip")
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_one_that_is_larger_than_a_picture_may_be_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    (home / "config.toml").write_text("max_image_mb = 1\n")
    large = with_person(np.random.default_rng(0).integers(0, 4000, (900, 900), dtype=np.uint16))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("large.dcm", large)
    with pytest.raises(AsmaError, match=r"large\.dcm has more than 1 MB"):
        unpack_upload(io.BytesIO(archive.getvalue()), "scans.zip")


def test_what_is_damaged_is_said_in_a_sentence() -> None:
    with pytest.raises((AsmaError, ValueError)):
        without_person(with_person()[:200], "a.dcm")
