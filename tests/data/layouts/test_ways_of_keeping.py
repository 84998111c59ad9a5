"""More ways in which people keep their data: what is right of each, or what is told."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asma_core.data.finding import Finding
from asma_core.data.importing import take_in, unpack_upload
from asma_core.data.layouts.detection import recognise
from asma_core.data.preview import Preview, first_look, preview
from asma_core.errors import AsmaError, InputError
from tests.data.formats.test_volumes import dicom, nifti
from tests.data.layouts.test_pairing import N, number_of, pairs
from tests.data.publish import SIZE, Files, binary, disc, encoded, lay_out, nested, picture

JUNK: Files = {
    "Thumbs.db": b"x", ".DS_Store": b"x", "desktop.ini": b"x", "notes.xlsx": b"PK\3\4",
    "README.md": b"about", "__MACOSX/images/._0.png": b"\0\5\x16\7",
    "images/._0.png": b"\0\5\x16\7", "images/.ipynb_checkpoints/0-checkpoint.png": picture(0),
}  # fmt: skip
ROWS = {
    "names alone": "{n}.png,{n}.png",
    "numbers alone": "{n},{n}",
    "paths of another machine": "/home/me/set/imgs/{n}.png,C:\\\\set\\msk\\{n}.png",
    "paths from elsewhere": "set/imgs/{n}.png,set/msk/{n}.png",
}


def table(row: str) -> Files:
    files = pairs("imgs/{n}.png", "msk/{n}.png")
    lines = ["image,mask", *(row.format(n=n) for n in N)]
    return files | {"train.csv": "\n".join(lines).encode()}


def scans() -> Files:
    """Slices as DICOM with two counters in their names, masks with one of their own."""
    files: Files = {}
    for n in N:
        folder, place = f"CT/{n // 2}", n % 2
        pixels = np.random.default_rng(n).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
        files[f"{folder}/DICOM_anon/i{place:04d},{place:04d}b.dcm"] = dicom(pixels, "RGB")
        files[f"{folder}/Ground/liver_GT_{place:03d}.png"] = binary(n)
    return files


WAYS: dict[str, Files] = {
    "what systems leave behind": pairs("images/{n}.png", "masks/{n}.png") | JUNK,
    "a word of masks in a folder above all": pairs(
        "Set_with_GT/benign/benign ({n}).png", "Set_with_GT/benign/benign ({n})_mask.png"
    ),
    "counters of their own in folders a patient": scans(),
    "German": pairs("Bilder/Fall {n}.png", "Masken/Fall {n}.png"),
    "two endings": pairs("images/{n}.jpg.png", "masks/{n}.jpg.mask.png"),
    "test images without masks": pairs("train/images/{n}.png", "train/masks/{n}.png")
    | {f"test/images/t{n}.png": picture(9 + n) for n in range(9)},
    **{f"a table of {name}": table(row) for name, row in ROWS.items()},
}


def findings(found: Preview) -> dict[str, Finding]:
    return {one.kind: one for one in first_look(found).findings}


@pytest.mark.parametrize("way", WAYS)
def test_each_image_has_its_own_mask(home: Path, tmp_path: Path, way: str) -> None:
    found = preview(lay_out(tmp_path / "set", WAYS[way]))
    dataset = found.dataset
    assert sorted(number_of(dataset, one) for one in dataset.samples) == list(N)
    for sample in dataset.samples:
        assert (dataset.mask(sample).labels == disc(number_of(dataset, sample))).all()
    assert "pairing" not in findings(found)
    assert len(found.found.left_out) == (9 if way.startswith("test images") else 0)


def test_a_table_that_could_mean_several_is_told(tmp_path: Path) -> None:
    files = {f"{folder}/{n}.png": picture(n) for n in N for folder in "ab"}
    files["t.csv"] = b"image,mask\n0,1\n"
    with pytest.raises(InputError, match=r"t\.csv, line 2: 0 could be several pictures in the"):
        recognise(lay_out(tmp_path, files))


CONTRASTS: dict[str, Callable[[int], Files]] = {
    "words": lambda n: (
        {
            f"c{n}/c{n}_{name}.png": picture(4 * n + k)
            for k, name in enumerate(("flair", "t1", "t2"))
        }
        | {f"c{n}/c{n}_seg.png": binary(n)}
    ),
    "numbers of channels": lambda n: (
        {f"imagesTr/c{n:03d}_{k:04d}.png": picture(4 * n + k) for k in range(3)}
        | {f"labelsTr/c{n:03d}.png": binary(n)}
    ),
    "a folder a case": lambda n: (
        {
            f"case {n}/{name}.png": picture(4 * n + k)
            for k, name in enumerate(("dwi", "adc", "flair"))
        }
        | {f"case {n}/mask.png": binary(n)}
    ),
}


@pytest.mark.parametrize("way", CONTRASTS)
def test_contrasts_of_a_case_share_its_mask_and_it_is_told(
    home: Path, tmp_path: Path, way: str
) -> None:
    files: Files = {}
    for n in N:
        files |= CONTRASTS[way](n)
    found = preview(lay_out(tmp_path, files))
    assert len(found.dataset.samples) == 3 * len(N) and not found.found.left_out
    for place, sample in enumerate(found.dataset.samples):
        assert (found.dataset.mask(sample).labels == disc(place // 3)).all()
    assert findings(found)["pairing"].message.startswith("Each mask is that of 3 images (")


def test_copies_and_pictures_for_the_eye_share_no_mask(tmp_path: Path) -> None:
    files = pairs("images/a{n}.png", "masks/a{n}.png")
    files |= {f"images/a{n} (1).png": picture(n) for n in N}
    files |= {f"images/a{n}_overlay.png": picture(n) for n in N}
    with pytest.raises(InputError, match="no mask for 8 of 12 images"):
        recognise(lay_out(tmp_path, files))


def test_numbers_from_another_start_are_told(home: Path, tmp_path: Path) -> None:
    files = {f"images/img{n + 1}.png": picture(n) for n in N}
    files |= {f"masks/{n}.png": binary(n) for n in N}
    message = findings(preview(lay_out(tmp_path, files)))["pairing"].message
    assert message.startswith("Images are numbered from 1 and masks from 0")


def few(n: int) -> bytes:
    """A line drawing: an image of two values."""
    values = np.random.default_rng(n).integers(0, 2, (SIZE, SIZE), dtype=np.uint8)
    return encoded(values * 255)


def soft(n: int) -> bytes:
    """A mask of many greys, such as a network's probabilities."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    far = np.hypot(rows - 30 - n, columns - 34)
    return encoded(np.clip(255 * (24 - far) / 8, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("mask", [binary, soft])
def test_images_of_few_values_are_images_where_names_say_so(
    home: Path, tmp_path: Path, mask: Callable[[int], bytes]
) -> None:
    files = {f"images/{n}.png": few(n) for n in N} | {f"masks/{n}.png": mask(n) for n in N}
    found = preview(lay_out(tmp_path, files))
    assert all(one.image.parent.name == "images" for one in found.dataset.samples)
    labels = found.dataset.mask(found.dataset.samples[2]).labels
    assert (labels == disc(2)).mean() > 0.99
    assert findings(found)["pairing"].message.startswith("The images hold few values")


def test_exchanged_words_are_asked_about(home: Path, tmp_path: Path) -> None:
    found = preview(lay_out(tmp_path, pairs("masks/{n}.png", "images/{n}.png")))
    assert findings(found)["pairing"].message.endswith("so they are exchanged. Is it so?")


MHA = {f"images/{n}.mha": b"ObjectType = Image" for n in N}
REFUSED: dict[str, tuple[Files, str]] = {
    "two folders of masks": (
        {f"{folder}/{n}.png": binary(n) for n in N for folder in "ab"},
        r"no mask for 8 of 8 images, the first is 0.png \(all look like masks\)",
    ),
    "masks by their words": (
        {f"{folder}/{n}.png": binary(n) for n in N for folder in ("masks", "labels")},
        "holds no images, as all of its 8 pictures are called masks",
    ),
    "images alone": ({f"x/{n}.png": picture(n) for n in N}, "no mask for 4 of 4 images"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_what_to_do(tmp_path: Path, name: str) -> None:
    files, message = REFUSED[name]
    with pytest.raises(InputError, match=message) as caught:
        recognise(lay_out(tmp_path, files))
    assert "by the two patterns (Images are, Masks are; --images, --masks)" in str(caught.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (MHA, "no images that can be read but 4 files .mha; convert them to NIfTI, DICOM"),
        ({"a.zip": b"PK"}, r"no images but archives \(.zip, 1\); unpack them first"),
        ({"notes.txt": b"x"}, "holds no images; it needs images/ and masks/"),
    ],
)
def test_files_of_other_programs_are_named(tmp_path: Path, files: Files, message: str) -> None:
    with pytest.raises(InputError, match=message):
        recognise(lay_out(tmp_path, files))


def test_two_patterns_put_masks_alone_right(home: Path, tmp_path: Path) -> None:
    folder = lay_out(tmp_path, REFUSED["two folders of masks"][0])
    found = preview(folder, images="a/*", masks="b/*")
    assert [one.image.parent.name for one in found.dataset.samples] == ["a"] * 4


def smoothed(n: int, finer: int) -> bytes:
    """A mask that was made larger and smaller again."""
    made = Image.fromarray(np.where(disc(n), 255, 0).astype(np.uint8))
    made = made.resize((finer * SIZE, finer * SIZE), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    made.resize((SIZE, SIZE), Image.Resampling.BILINEAR).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("finer", [2, 3, 4])
def test_smoothed_borders_are_no_classes(home: Path, tmp_path: Path, finer: int) -> None:
    files = {f"images/{n}.png": picture(n) for n in N}
    found = preview(lay_out(tmp_path, files | {f"masks/{n}.png": smoothed(n, finer) for n in N}))
    assert found.dataset.classes == ("background", "class 1")
    for n, sample in enumerate(found.dataset.samples):
        assert (found.dataset.mask(sample).labels == disc(n)).mean() > 0.99
    assert "objects" not in findings(found)


def test_jpeg_masks_are_no_single_objects(home: Path, tmp_path: Path) -> None:
    found = preview(lay_out(tmp_path, pairs("i/{n}.jpg", "masks/{n}.jpg", "JPEG", "JPEG")))
    assert "objects" not in findings(found)
    assert found.dataset.classes == ("background", "class 1")


def test_codes_of_classes_that_lie_near_stay_apart(home: Path, tmp_path: Path) -> None:
    """As in CholecSeg8k: 50 around, 11 and 12 within, and a second mask of another kind."""
    files: Files = {}
    for n in N:
        files[f"v/frame_{n}_endo.png"] = picture(n)
        files[f"v/frame_{n}_endo_mask.png"] = encoded(nested(n, 50, 11, 12))
        files[f"v/frame_{n}_endo_watershed_mask.png"] = encoded(nested(n, 3, 1, 2))
    found = preview(lay_out(tmp_path, files))
    assert any("other masks of class numbers, left out: 4" in why for why in found.found.reasons)
    assert len(found.dataset.classes) == 3
    for n, sample in enumerate(found.dataset.samples):
        assert (found.dataset.mask(sample).labels == nested(n, 2, 0, 1)).all()


def test_a_mask_of_a_row_more_is_resized_by_choice(home: Path, tmp_path: Path) -> None:
    files = {f"images/{n}.png": picture(n) for n in N}
    more = np.zeros((SIZE + 1, SIZE), np.uint8)
    for n in N:
        more[:SIZE] = disc(n) * 255
        files[f"masks/{n}.png"] = encoded(more)
    found = preview(lay_out(tmp_path, files))
    assert findings(found)["sizes"].choices[0][0] == "refuse"
    dataset = take_in(found.chosen("sizes", "resize"), "kept").dataset
    assert (dataset.mask(dataset.samples[1]).labels == disc(1)).mean() > 0.98


def test_a_zip_with_what_systems_add(home: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in WAYS["what systems leave behind"].items():
            archive.writestr(f"Größe (1)/{path}", data)
        archive.writestr("__MACOSX/Größe (1)/._images", b"x")
    buffer.seek(0)
    found = preview(unpack_upload(buffer, "Größe (1).zip"))
    assert len(take_in(found, "mine").dataset.samples) == 4


@pytest.mark.parametrize("seed", range(50))
def test_damaged_folders_are_read_or_told(home: Path, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ways = [*WAYS.values(), *(files for files, _ in REFUSED.values())]
    ways += [{"a/i.nii.gz": nifti(np.ones((20, 20, 3), np.int16)), "a/m.nii.gz": b""}]
    files = dict(ways[int(rng.integers(len(ways)))])
    for path in list(files):
        kind = int(rng.integers(12))
        if kind == 0:
            del files[path]
        elif kind == 1:
            files[path] = files[path][: int(rng.integers(len(files[path]) + 1))]
        elif kind == 2:
            files[f"{path.rpartition('.')[0]} (1).{path.rpartition('.')[2]}"] = files[path]
        elif kind == 3:
            data = bytearray(files[path] or b"x")
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
            files[path] = bytes(data)
        elif kind == 4:
            files[path.rpartition("/")[2]] = files.pop(path)
    try:
        first_look(preview(lay_out(tmp_path / "set", files)))
    except AsmaError as error:
        assert str(error) and "\n" not in str(error)
