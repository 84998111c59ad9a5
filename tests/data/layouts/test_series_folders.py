"""A folder of DICOM slices and a NIfTI file are one image with its mask, pixel by pixel."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.datasets import open_dataset
from asma_core.data.finding import Finding
from asma_core.data.importing import take_in
from asma_core.data.preview import Preview, first_look, preview
from asma_core.errors import AsmaError, InputError
from tests.data.formats.test_volumes import dicom, nifti
from tests.data.publish import Files, encoded, lay_out

SLICES, ROWS, COLUMNS = 17, 18, 22
STEP, ROW, COLUMN = 2.5, 0.7, 0.9
CORNER = np.array([-31.0, 12.0, 40.0])
# Rows, columns and slices run to x, y and z of DICOM.
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
TILTED = (0.8, 0.6, 0.0, -0.6, 0.8, 0.0)
Numbers = NDArray[Any]


def structure() -> Numbers:
    """A mask, uint8 (slices, rows, columns), that no turn and no flip leaves as it is."""
    made = np.zeros((SLICES, ROWS, COLUMNS), np.uint8)
    for place in range(1, 5):
        made[place, 2 : 5 + place, 3 : 6 + 2 * place] = 1
    return made


def series(
    volume: Numbers, ways: tuple[float, ...] = AXIAL, placed: bool = True, first: int = 0
) -> list[bytes]:
    """Slices of a volume as DICOM files, from its first to its last place."""
    normal = np.cross(ways[:3], ways[3:])
    files = []
    for place, plane in enumerate(volume):
        facts: dict[str, Any] = {"SeriesInstanceUID": "1.2.3", "InstanceNumber": first + place}
        if placed:
            facts["ImageOrientationPatient"] = list(ways)
            facts["ImagePositionPatient"] = [round(v, 6) for v in CORNER + place * STEP * normal]
            facts["PixelSpacing"] = [ROW, COLUMN]
        files.append(dicom(np.ascontiguousarray(plane), **facts))
    return files


def affine(ways: tuple[float, ...] = AXIAL) -> Numbers:
    """Of a NIfTI file whose axes are columns, rows and slices of a series, as RAS."""
    made = np.eye(4)
    made[:3, 0] = np.multiply(ways[:3], COLUMN)
    made[:3, 1] = np.multiply(ways[3:], ROW)
    made[:3, 2] = np.cross(ways[:3], ways[3:]) * STEP
    made[:3, 3] = CORNER
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ made


def stored(volume: Numbers, ways: tuple[float, ...], turn: str) -> bytes:
    """A volume as NIfTI that lies where the series lies, its axes stored another way."""
    image = nibabel.Nifti1Image(volume.transpose(2, 1, 0), affine(ways))
    if turn:
        wanted = nibabel.orientations.axcodes2ornt(turn)
        now = nibabel.orientations.io_orientation(image.affine)
        image = image.as_reoriented(nibabel.orientations.ornt_transform(now, wanted))
    return nifti(np.asarray(image.dataobj), affine=image.affine)


def grey() -> Numbers:
    """The structure, seen: int16 (slices, rows, columns), each slice a little brighter."""
    return (structure().astype(np.int16) * 1000 + 10 * np.arange(SLICES)[:, None, None]).astype(
        np.int16
    )


def names(count: int = SLICES) -> list[str]:
    """File names in another order than the places, as those that a scanner writes downwards."""
    return [f"IM{count - place:04d}.dcm" for place in range(count)]


def findings(found: Preview) -> dict[str, Finding]:
    return {one.kind: one for one in first_look(found).findings}


def lies_on_its_image(found: Preview, count: int = SLICES) -> bool:
    """Tell whether in each slice the mask is where the image is bright."""
    dataset = found.dataset
    assert len(dataset.samples) == count
    seen = 0
    for sample in dataset.samples:
        labels = dataset.mask(sample).labels
        greys = dataset.image(sample)[0]
        if labels.shape != greys.shape or ((greys > 0.5) != (labels > 0)).any():
            return False
        seen += int(labels.sum())
    return seen == structure().sum()


def case(
    mask: bytes, folder: str = "case1/dicom", beside: str = "case1/mask.nii.gz", **more: Any
) -> Files:
    slices = dict(zip(names(), series(grey(), **more), strict=True))
    return {f"{folder}/{name}".lstrip("/"): data for name, data in slices.items()} | {beside: mask}


TURNS = ["", "RAS", "LPS", "ASR", "SRP", "PIL", "RPI"]
LYING = list(zip([AXIAL, AXIAL, AXIAL, SAGITTAL, SAGITTAL, TILTED, TILTED], TURNS, strict=True))


@pytest.mark.parametrize(("ways", "turn"), LYING)
def test_a_mask_lies_on_its_series(tmp_path: Path, ways: tuple[float, ...], turn: str) -> None:
    files = case(stored(structure(), ways, turn), ways=ways)
    found = preview(lay_out(tmp_path / "set", files))
    assert lies_on_its_image(found)
    assert findings(found).keys() & {"places", "affine"} == set()


@pytest.mark.parametrize(("ways", "turn"), LYING)
def test_slices_that_are_masks_lie_on_their_volume(
    home: Path, tmp_path: Path, ways: tuple[float, ...], turn: str
) -> None:
    slices = zip(names(), series(structure(), ways), strict=True)
    files = {f"seg/case1/{name}": data for name, data in slices}
    files["images/case1.nii.gz"] = stored(grey(), ways, turn)
    found = preview(lay_out(tmp_path / "set", files))
    assert lies_on_its_image(found)
    assert "places" not in findings(found)
    # Along another axis of the volume as well.
    other = found.corrected(axis=(found.card.axis + 1) % 3, every=True)
    assert lies_on_its_image(other, len(other.dataset.samples))


@pytest.mark.parametrize(
    ("folder", "mask"),
    [
        ("series", "seg.nii"),
        ("", "mask.nii.gz"),
        ("images/case_1", "labels/case_1.nii.gz"),
        ("case 1/1.2.840.1/1.2.840.2", "case 1/Segmentation.nii.gz"),
        ("Fall Ä/Scan.v1", "Fall Ä/Scan.v1_gt.nii"),
        ("p1/T2", "p1/T2_seg.nii.gz"),
    ],
)
def test_wherever_they_lie(home: Path, tmp_path: Path, folder: str, mask: str) -> None:
    packed = stored(structure(), AXIAL, "RAS")
    import gzip

    data = packed if mask.endswith(".gz") else gzip.decompress(packed)
    found = preview(lay_out(tmp_path / "set", case(data, folder, mask)))
    assert lies_on_its_image(found)
    dataset = take_in(found, "kept").dataset
    assert [one.where.frame for one in open_dataset("kept").samples] == list(range(SLICES))
    middle = dataset.samples[2]
    assert (dataset.image(middle)[0] > 0.5).sum() == structure()[2].sum()


def test_cases_each_have_their_own_mask(tmp_path: Path) -> None:
    files: Files = {}
    for number in (1, 2, 10):
        shifted = np.roll(structure(), number, axis=2)
        files |= case(stored(shifted, AXIAL, "RAS"), f"p{number}/ct", f"p{number}/ct_mask.nii.gz")
    found = preview(lay_out(tmp_path / "set", files))
    dataset = found.dataset
    assert [one.name for one in dataset.samples[::SLICES]] == ["p1/ct-00", "p2/ct-00", "p10/ct-00"]
    for place, number in enumerate((1, 2, 10)):
        labels = dataset.mask(dataset.samples[SLICES * place + 3]).labels
        assert (labels == np.roll(structure()[3], number, axis=1)).all()


def test_a_missing_slice_leaves_the_others_where_they_are(tmp_path: Path) -> None:
    files = case(stored(structure(), AXIAL, "RAS"))
    del files[f"case1/dicom/{names()[2]}"]
    found = preview(lay_out(tmp_path / "set", files))
    dataset = found.dataset
    labels = [dataset.mask(sample).labels for sample in dataset.samples]
    assert [one.sum() for one in labels] == [structure()[n].sum() for n in range(SLICES) if n != 2]
    assert "places" not in findings(found)


def test_a_mask_on_another_grid_is_read_by_its_places_and_told(tmp_path: Path) -> None:
    fine = np.repeat(np.repeat(structure(), 2, axis=1), 2, axis=2)
    grid = affine()
    grid[:3, :2] /= 2
    grid[:3, 3] -= affine()[:3, :2].sum(axis=1) / 4
    files = case(nifti(fine.transpose(2, 1, 0), affine=grid))
    found = preview(lay_out(tmp_path / "set", files))
    assert lies_on_its_image(found)
    finding = findings(found)["places"]
    assert finding.message.startswith("Masks that lie on another grid than their images")
    assert "12 of 12. Now each pixel is read at its place" in finding.message


def test_a_mask_whose_origin_was_lost_is_laid_by_its_directions(tmp_path: Path) -> None:
    lost = affine()
    lost[:3, 3] = 0
    files = case(nifti(structure().transpose(2, 1, 0), affine=lost))
    found = preview(lay_out(tmp_path / "set", files))
    assert lies_on_its_image(found)
    finding = findings(found)["places"]
    assert finding.choices[0][0] == "directions"
    assert "position" in dict(finding.choices)
    by_place = found.chosen("places", "position")
    assert all(by_place.dataset.mask(one).labels.sum() == 0 for one in by_place.dataset.samples)
    assert findings(by_place)["places"].choices[0][0] == "position"


@pytest.mark.parametrize(
    ("axes", "back", "way"),
    [
        ((2, 1, 0), False, "stored"),
        ((2, 1, 0), True, "backwards"),
        ((1, 2, 0), False, "transposed"),
        ((0, 1, 2), False, "transposed"),
    ],
)
def test_what_says_no_place_is_asked_about(
    home: Path, tmp_path: Path, axes: tuple[int, ...], back: bool, way: str
) -> None:
    volume = structure()[::-1] if back else structure()
    files = case(nifti(np.ascontiguousarray(volume.transpose(axes))), placed=False, first=7)
    # Such slices have their numbers alone.
    found = preview(lay_out(tmp_path / "set", files))
    finding = findings(found)["places"]
    assert "does not say where in the body it lies: 12 of 12" in finding.message
    # Of sides that differ in length others don't fit.
    assert way in dict(finding.choices) or way == "transposed"
    right = found.chosen("places", way)
    assert lies_on_its_image(right)
    take_in(right, "kept")
    kept = open_dataset("kept")
    assert (kept.mask(kept.samples[3]).labels > 0).sum() == structure()[3].sum()
    if way != "backwards":
        assert found.card.places == way


def test_directions_of_the_nifti_count_where_the_slices_say_nothing(tmp_path: Path) -> None:
    files = case(stored(structure(), AXIAL, "RAS"), placed=False)
    found = preview(lay_out(tmp_path / "set", files))
    assert lies_on_its_image(found) and found.card.places == "directions"
    assert "Now they are laid corner to corner" in findings(found)["places"].message


def test_a_mask_of_another_size_without_places_is_told(home: Path, tmp_path: Path) -> None:
    files = case(nifti(structure()[:3].transpose(2, 1, 0)), placed=False)
    with pytest.raises(InputError, match=r"has 22 x 18 x 3 pixels and its image 22 x 18 x 17"):
        take_in(preview(lay_out(tmp_path / "set", files)), "kept")


def test_two_series_in_a_folder_are_told(tmp_path: Path) -> None:
    files = case(stored(structure(), AXIAL, "RAS"))
    files["case1/dicom/other.dcm"] = dicom(grey()[0], SeriesInstanceUID="9.9")
    with pytest.raises(InputError, match="holds 2 series"):
        preview(lay_out(tmp_path / "set", files))


def test_pictures_of_their_own_masks_stay_apart(tmp_path: Path) -> None:
    """2D DICOM whose masks are 2D NIfTI are images one by one, not a volume."""
    files: Files = {}
    for place in range(SLICES):
        files[f"images/{place}.dcm"] = dicom(grey()[place])
        files[f"labels/{place}.nii.gz"] = nifti(structure()[place].T[..., None])
    found = preview(lay_out(tmp_path / "set", files))
    assert [one.name for one in found.dataset.samples] == [str(n) for n in range(SLICES)]
    for plane, sample in zip(structure(), found.dataset.samples, strict=True):
        assert (found.dataset.mask(sample).labels == plane).all()
    assert "does not say where in the body it lies" in findings(found)["places"].message


def square() -> Numbers:
    """A mask that no turn and no flip leaves as it is, as high as wide."""
    made = np.zeros((24, 24), np.uint8)
    made[2:9, 3:6] = 1
    made[7:9, 3:15] = 1
    return made


# As SimpleITK writes what says no place, and as nibabel what is made of an array of rows.
WRITTEN = {
    "directions": (square().T, np.diag([-0.5, -0.5, 1.0, 1.0])),
    "transposed": (square(), np.eye(4)),
    "stored": (square().T, np.eye(4)),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_pictures_with_nifti_masks_are_asked_about(home: Path, tmp_path: Path, way: str) -> None:
    files: Files = {}
    values, affine_of_it = WRITTEN[way]
    for n in range(4):
        noise = np.random.default_rng(n).integers(0, 90, (24, 24), dtype=np.uint8)
        files[f"images/{n}.png"] = encoded(noise + 150 * square())
        files[f"masks/{n}.nii.gz"] = nifti(values[..., None], affine=affine_of_it)
    found = preview(lay_out(tmp_path / "set", files))
    finding = findings(found)["places"]
    assert finding.choices[0][0] == ("directions" if way == "directions" else "transposed")
    right = found.chosen("places", way)
    for sample in right.dataset.samples:
        assert (right.dataset.mask(sample).labels == square()).all()


@pytest.mark.parametrize("turn", ["RAS", "PIL"])
def test_a_volume_with_a_stack_of_masks(home: Path, tmp_path: Path, turn: str) -> None:
    """A TIFF says no place; of its pages the first is the lowest slice, its rows run back."""
    buffer = io.BytesIO()
    first, *pages = (Image.fromarray(plane * 255) for plane in structure())
    first.save(buffer, "TIFF", save_all=True, append_images=pages)
    files = {"images/a.nii.gz": stored(grey(), AXIAL, turn), "masks/a.tif": buffer.getvalue()}
    found = preview(lay_out(tmp_path / "set", files))
    assert lies_on_its_image(found) and found.card.places == "directions"
    assert "Now they are laid corner to corner" in findings(found)["places"].message


def test_a_pattern_of_slices_means_their_folder(tmp_path: Path) -> None:
    files = case(stored(structure(), AXIAL, "RAS"), "a/x", "b/y.nii.gz")
    found = preview(lay_out(tmp_path / "set", files), images="*.dcm", masks="*.nii.gz")
    assert lies_on_its_image(found)


@pytest.mark.parametrize("seed", range(25))
def test_damage_is_read_or_told(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    files = case(stored(structure(), AXIAL, TURNS[seed % len(TURNS)]))
    for name, data in files.items():
        wounded = bytearray(data)
        for place in rng.integers(0, min(len(data), 1500), int(rng.integers(0, 8))):
            wounded[place] = rng.integers(256)
        cut = len(data) if rng.integers(4) else int(rng.integers(1, len(data)))
        files[name] = bytes(wounded[:cut])
    try:
        found = preview(lay_out(tmp_path / "set", files))
        first_look(found)
    except AsmaError as error:
        assert "\n" not in str(error)
