"""What would be wrong without a word is told before a data set is kept."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from asma_core.data.datasets import open_dataset
from asma_core.data.finding import Finding
from asma_core.data.importing import take_in
from asma_core.data.preview import Preview, first_look, preview
from asma_core.errors import InputError
from tests.data.publish import SIZE, Files, binary, disc, encoded, lay_out, picture

N = range(4)


def pairs(masks: dict[int, bytes] | None = None) -> Files:
    files = {f"images/{n}.png": picture(n) for n in N}
    return files | {f"masks/{n}.png": (masks or {}).get(n, binary(n)) for n in N}


def findings(found: Preview) -> dict[str, Finding]:
    return {one.kind: one for one in first_look(found).findings}


def numbered(values: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    return encoded(values.astype(np.uint8), kind)


def indexed(index: int, palette: list[int], inside: int) -> bytes:
    values = np.where(disc(index), inside, 1 - inside).astype(np.uint8)
    made = Image.fromarray(values)
    made.putpalette(palette)
    buffer = io.BytesIO()
    made.save(buffer, "PNG")
    return buffer.getvalue()


def turned(index: int, height: int = SIZE) -> bytes:
    rng = np.random.default_rng(index)
    made = Image.fromarray(rng.integers(0, 255, (height, SIZE, 3), dtype=np.uint8))
    exif = made.getexif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    made.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_nothing_is_found_where_nothing_is(home: Path, tmp_path: Path) -> None:
    assert findings(preview(lay_out(tmp_path / "set", pairs()))) == {}


def test_an_orientation_of_images_alone_is_asked_about(home: Path, tmp_path: Path) -> None:
    files = {f"images/{n}.jpg": turned(n) for n in N}
    found = preview(lay_out(tmp_path / "set", files | {f"masks/{n}.png": binary(n) for n in N}))
    finding = findings(found)["turned"]
    assert finding.message.startswith(
        "Images with a tag (EXIF) that turns them, whose masks have none: 4 of 4."
    )
    assert [key for key, _ in finding.choices] == ["upright", "stored"]
    upright = found.dataset.image(found.dataset.samples[0])
    chosen = found.chosen("turned", "stored")
    stored = chosen.dataset.image(chosen.dataset.samples[0])
    assert (np.rot90(stored, -1, (1, 2)) == upright).all() and (stored != upright).any()
    assert [key for key, _ in findings(chosen)["turned"].choices] == ["stored", "upright"]
    take_in(chosen, "kept")
    kept = open_dataset("kept")
    assert (kept.image(kept.samples[0]) == stored).all()


def test_an_orientation_that_the_sizes_tell_is_settled(home: Path, tmp_path: Path) -> None:
    files = {f"images/{n}.jpg": turned(n, 48) for n in N}
    values = np.zeros((48, SIZE), dtype=np.uint8)
    values[10:30, 10:40] = 255
    files |= {f"masks/{n}.png": encoded(values) for n in N}
    found = preview(lay_out(tmp_path / "set", files))
    assert found.dataset.image(found.dataset.samples[0]).shape == (3, 48, SIZE)
    assert findings(found)["turned"].choices[0][0] == "stored"


def test_palettes_that_differ_are_read_by_colour(home: Path, tmp_path: Path) -> None:
    white_last, white_first = [0, 0, 0, 255, 255, 255], [255, 255, 255, 0, 0, 0]
    made = {n: indexed(n, (white_last, white_first)[n % 2], 1 - n % 2) for n in N}
    found = preview(lay_out(tmp_path / "set", pairs(made)))
    for n, sample in enumerate(found.dataset.samples):
        assert (found.dataset.mask(sample).labels == disc(n)).all()
    finding = findings(found)["palettes"]
    assert finding.message.startswith("Masks with another palette than the others")
    by_number = found.chosen("palettes", "numbers")
    labels = [by_number.dataset.mask(sample).labels for sample in by_number.dataset.samples]
    assert (labels[0] == disc(0)).all() and (labels[1] == ~disc(1)).all()
    take_in(found, "kept")
    kept = open_dataset("kept")
    assert (kept.mask(kept.samples[1]).labels == disc(1)).all()


def test_masks_of_another_size_are_resized_by_choice(home: Path, tmp_path: Path) -> None:
    small = {n: encoded(np.where(disc(n)[::2, ::2], 255, 0).astype(np.uint8)) for n in N}
    found = preview(lay_out(tmp_path / "set", pairs(small)))
    finding = findings(found)["sizes"]
    assert finding.message.startswith(
        "Masks of another size than their images, in the same shape: 4 of 4."
    )
    with pytest.raises(InputError, match=r"the mask 0\.png is 32 x 32 and its image 64 x 64"):
        take_in(found, "kept")
    take_in(found.chosen("sizes", "resize"), "kept")
    kept = open_dataset("kept")
    right = np.repeat(np.repeat(disc(2)[::2, ::2], 2, axis=0), 2, axis=1)
    assert (kept.mask(kept.samples[2]).labels == right).all()


def objects(count: int) -> bytes:
    values = np.zeros((SIZE, SIZE), dtype=np.uint8)
    for number in range(count):
        row, column = divmod(number, 6)
        values[10 * row : 10 * row + 6, 10 * column : 10 * column + 6] = number + 1
    return encoded(values)


def test_single_objects_are_asked_about(home: Path, tmp_path: Path) -> None:
    found = preview(lay_out(tmp_path / "set", pairs({n: objects(20 + 3 * n) for n in N})))
    assert found.dataset.classes == ("background", "structure")
    finding = findings(found)["objects"]
    assert "number up to 29 things, taken together as one structure" in finding.message
    labels = found.dataset.mask(found.dataset.samples[0]).labels
    assert labels.sum() == 20 * 36
    classes = found.chosen("objects", "classes")
    assert len(classes.dataset.classes) == 30
    assert classes.dataset.mask(classes.dataset.samples[0]).labels.max() == 20
    assert findings(classes)["objects"].choices[0][0] == "classes"


def test_classes_are_not_taken_for_objects(home: Path, tmp_path: Path) -> None:
    organs = {n: numbered(np.isin(np.arange(SIZE), [1 + n, 7, 9]) * np.arange(SIZE)[:, None] % 10)
              for n in N}  # fmt: skip
    found = preview(lay_out(tmp_path / "set", pairs(organs)))
    assert "objects" not in findings(found) and len(found.dataset.classes) == 10


def test_jpeg_class_numbers_are_told(home: Path, tmp_path: Path) -> None:
    files = {f"images/{n}.png": picture(n) for n in N}
    values = {n: (disc(n) * 2).astype(np.uint8) for n in N}
    files |= {f"masks/{n}.jpg": numbered(values[n], "JPEG") for n in N}
    finding = findings(preview(lay_out(tmp_path / "set", files)))["jpeg class numbers"]
    assert finding.message.startswith("Masks that are JPEG and hold class numbers: 4 of 4.")


def test_empty_full_and_identical_masks_are_told(home: Path, tmp_path: Path) -> None:
    nothing, all_of_it = np.zeros((SIZE, SIZE)), np.full((SIZE, SIZE), 255)
    made = {0: encoded(nothing.astype(np.uint8)), 1: encoded(all_of_it.astype(np.uint8))}
    found = findings(preview(lay_out(tmp_path / "set", pairs(made))))
    assert found["empty"].message == "Masks that hold no structure at all: 1 of 4."
    assert found["empty"].samples == ("0",)
    assert found["full"].message == "Masks that hold no background at all: 1 of 4."
    same = findings(preview(lay_out(tmp_path / "same", pairs({n: binary(0) for n in N}))))
    assert same["identical"].message.startswith("All 4 masks are the same")


def test_a_class_that_no_image_has_is_told(home: Path, tmp_path: Path) -> None:
    lists = {"classes.txt": b"lesion\nvessel\n"}
    made = {n: numbered(disc(n).astype(np.uint8)) for n in N}
    found = preview(lay_out(tmp_path / "set", pairs(made) | lists))
    assert found.dataset.classes == ("background", "lesion", "vessel")
    assert findings(found)["absent class"].message == "vessel is in none of the masks."


def test_a_dark_image_is_told(home: Path, tmp_path: Path) -> None:
    dark = np.random.default_rng(0).integers(100, 115, (SIZE, SIZE), dtype=np.uint8)
    found = preview(lay_out(tmp_path / "set", pairs() | {"images/2.png": encoded(dark)}))
    finding = findings(found)["small range"]
    assert finding.message.startswith("Images that use less than a tenth of the range")
    assert finding.samples == ("2",)


def test_images_in_train_and_test_are_told(home: Path, tmp_path: Path) -> None:
    files: Files = {}
    for split, numbers in (("train", (0, 1, 2)), ("test", (2, 3))):
        for n in numbers:
            files[f"{split}/images/{split}{n}.png"] = picture(n)
            files[f"{split}/masks/{split}{n}.png"] = binary(n)
    finding = findings(preview(lay_out(tmp_path / "set", files)))["in train and test"]
    assert finding.message.startswith(
        "Images of test that are in train as well, byte by byte: 1 of 5."
    )
    assert finding.samples == ("test2",)


def test_masks_the_wrong_way_round_are_asked_about(home: Path, tmp_path: Path) -> None:
    made = {n: encoded(np.where(disc(n), 0, 255).astype(np.uint8)) for n in N}
    found = preview(lay_out(tmp_path / "set", pairs(made)))
    assert "runs along the whole edge of 4 of 4 images" in findings(found)["inverted"].message
    right = found.chosen("inverted", "exchange")
    assert (right.dataset.mask(right.dataset.samples[1]).labels == disc(1)).all()
    assert "inverted" not in findings(right)
    take_in(right, "kept")
    kept = open_dataset("kept")
    assert (kept.mask(kept.samples[3]).labels == disc(3)).all()


def test_a_choice_that_there_is_not_is_told(home: Path, tmp_path: Path) -> None:
    found = preview(lay_out(tmp_path / "set", pairs()))
    with pytest.raises(InputError, match="turned=left can't be chosen; it is one of turned=upr"):
        found.chosen("turned", "left")


def test_patterns_say_what_is_what(home: Path, tmp_path: Path) -> None:
    files = pairs() | {f"other/{n}.png": binary(n, radius=5) for n in N}
    folder = lay_out(tmp_path / "set", files)
    found = preview(folder, images="images/*", masks="other/*.png")
    assert (found.dataset.mask(found.dataset.samples[1]).labels == disc(1, 5)).all()
    take_in(found, "kept")
    kept = open_dataset("kept")
    assert (kept.mask(kept.samples[1]).labels == disc(1, 5)).all()
    with pytest.raises(InputError, match="no mask for"):
        preview(folder, masks="nothing/*")


CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "ds"


@pytest.fixture
def case(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    if not CASES.is_dir():
        pytest.skip("../shared/cases is not there")
    return Path(shutil.copytree(CASES / request.param, tmp_path / request.param))


@pytest.mark.parametrize(
    ("case", "count", "classes"),
    [
        ("palmix", 4, ("background", "class 1")),
        ("nii_same", 10, ("background", "lesion")),
        ("nfd", 3, ("background", "class 1")),
        ("nnunet", 3, ("background", "lesion")),
        ("voc", 4, ("background", "class 1")),
        ("coco", 3, ("background", "lesion")),
        ("prefix", 4, ("background", "class 1")),
        ("csv_latin1", 3, ("background", "class 1")),
    ],
    indirect=["case"],
)
def test_the_cases_are_taken_in(
    home: Path, case: Path, count: int, classes: tuple[str, ...]
) -> None:
    dataset = take_in(preview(case), "kept").dataset
    assert (len(dataset.samples), dataset.classes) == (count, classes)
    shares = [float((dataset.mask(one).labels > 0).mean()) for one in dataset.samples]
    assert all(0 < share < 0.3 for share in shares), shares


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("palmix", "palettes"),
        ("nii_maskeye", "affine"),
        ("exifsq", "turned"),
        ("jpgcls", "jpeg class numbers"),
    ],
    indirect=["case"],
)
def test_the_cases_that_want_a_word_get_it(home: Path, case: Path, kind: str) -> None:
    assert kind in findings(preview(case))
