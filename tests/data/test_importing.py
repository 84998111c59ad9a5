"""A folder or an upload becomes a data set under a name, with what the user says of it."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from asma_core.data.class_areas import class_areas_file, kept_class_areas, measure_class_areas
from asma_core.data.datasets import dataset_names, open_dataset
from asma_core.data.importing import (
    check_name,
    forget,
    free_name,
    imports_folder,
    take_in,
    unpack_upload,
)
from asma_core.data.masks.encodings import Encoding
from asma_core.data.masks.label_maps import VOID
from asma_core.data.preview import preview
from asma_core.errors import InputError
from asma_core.server_config import settings
from tests.data.publish import PUBLISHED, binary, disc, encoded, lay_out, nested, picture


def three_greys(folder: Path) -> Path:
    greys = np.array([0, 128, 255], dtype=np.uint8)
    files = {}
    for n in range(3):
        files[f"images/{n}.png"] = picture(n)
        files[f"masks/{n}.png"] = encoded(greys[nested(n, 0, 1, 2)])
    return lay_out(folder, files)


def zipped(files: dict[str, bytes]) -> BytesIO:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    buffer.seek(0)
    return buffer


def test_a_folder_stays_where_it_is(home: Path, tmp_path: Path) -> None:
    folder = three_greys(tmp_path / "mine")
    before = sorted(str(path) for path in folder.rglob("*"))
    imported = take_in(preview(folder), "mine")
    assert sorted(str(path) for path in folder.rglob("*")) == before
    assert "mine" in dataset_names()
    opened = open_dataset("mine")
    assert opened == imported.dataset
    assert opened.samples[0].image == folder / "images" / "0.png"
    assert (opened.mask(opened.samples[1]).labels == nested(1, 0, 1, 2)).all()


def test_a_correction_is_kept(home: Path, tmp_path: Path) -> None:
    found = preview(three_greys(tmp_path / "mine"))
    assert found.card.encoding is not None
    assert found.card.encoding.values == ((0, 0), (128, 1), (255, 2))
    meaning = Encoding(values=((0, 0), (128, VOID), (255, 1)))
    better = found.corrected(["background", "cup"], meaning)
    dataset = take_in(better, "mine").dataset
    assert dataset.classes == ("background", "cup")
    mask = dataset.mask(dataset.samples[0])
    assert (mask.labels == disc(0, 9)).all()
    assert (mask.valid == (nested(0, 0, 1, 2) != 1)).all()


@pytest.mark.parametrize("names", [[], ["one"], ["a", ""], ["a", "a"], ["a", " a "]])
def test_names_that_are_none_are_told(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(InputError, match="name a background and at least one class"):
        preview(three_greys(tmp_path)).corrected(names)


def test_an_upload_becomes_a_data_set_of_its_own(home: Path) -> None:
    files = {f"lesions/{path}": data for path, data in PUBLISHED["ph2"][0]().items()}
    folder = unpack_upload(zipped(files), "my lesions.zip")
    assert folder.is_relative_to(imports_folder())
    imported = take_in(preview(folder), "lesions")
    assert not list(imports_folder().iterdir())
    assert imported.dataset.samples[0].image.is_relative_to(home / "datasets" / "lesions")
    assert len(open_dataset("lesions").samples) == 2
    forget("lesions")
    assert "lesions" not in dataset_names()


def test_removing_an_import_leaves_its_folder(home: Path, tmp_path: Path) -> None:
    folder = three_greys(tmp_path / "mine")
    take_in(preview(folder), "mine")
    forget("mine")
    assert (folder / "images" / "0.png").exists()
    for name in ("mine", "", "..", "demo-fundus", "/etc"):
        with pytest.raises(InputError, match="was not imported here"):
            forget(name)


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 65, "a\nb", "demo-lesion"])
def test_a_name_that_can_t_be_is_told(home: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"can't be the name|is called .* already"):
        check_name(name)


def test_a_free_name_is_found(home: Path, tmp_path: Path) -> None:
    assert free_name("My Set!") == "my-set"
    take_in(preview(three_greys(tmp_path)), "my-set")
    assert free_name("My Set!") == "my-set-2"


@pytest.mark.parametrize(
    ("file", "data", "sentence"),
    [
        ("images/1.png", picture(1)[:900], "1.png is truncated or damaged; export it again"),
        ("masks/2.png", encoded(np.full((64, 64), 60, np.uint8)), ""),
        ("masks/1.png", binary()[:60], "1.png is truncated or damaged"),
        ("masks/1.png", encoded(np.zeros((32, 64), np.uint8)), "1.png is 64 x 32 and its image 64"),
        ("images/1.png", b"<svg/>", "1.png is not a PNG"),
    ],
)
def test_every_file_is_checked_before_it_is_taken_in(
    home: Path, tmp_path: Path, file: str, data: bytes, sentence: str
) -> None:
    folder = three_greys(tmp_path / "mine")
    found = preview(folder)
    (folder / file).write_bytes(data)
    if not sentence:
        # A grey that was not there before counts as the nearest.
        assert take_in(found, "mine").dataset.name == "mine"
        return
    with pytest.raises(InputError, match=sentence):
        take_in(found, "mine")
    assert "mine" not in dataset_names()


def test_how_much_each_class_covers_is_kept_from_the_import(home: Path, tmp_path: Path) -> None:
    dataset = take_in(preview(three_greys(tmp_path)), "mine").dataset
    assert class_areas_file(dataset).exists()
    expected = np.bincount(nested(0, 0, 1, 2).ravel()) / 64**2 * 100
    kept = kept_class_areas(dataset)
    assert kept is not None and kept[0] == pytest.approx(expected, abs=1e-4)
    class_areas_file(dataset).write_bytes(b"damaged")
    assert kept_class_areas(dataset) is None
    assert measure_class_areas(dataset)[0] == pytest.approx(expected, abs=1e-4)
    assert kept_class_areas(dataset) is not None


def test_data_that_are_gone_are_told(home: Path, tmp_path: Path) -> None:
    folder = three_greys(tmp_path / "mine")
    take_in(preview(folder), "mine")
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"the data of mine are not in .* any more; import them"):
        open_dataset("mine")


def test_only_roots_of_the_owner_may_be_read(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "data" / "set"
    inside.mkdir(parents=True)
    assert not settings().may_read(inside)
    home.mkdir()
    (home / "config.toml").write_text(f'data_roots = ["{tmp_path / "data"}"]\nmax_upload_mb = 7\n')
    assert settings().may_read(inside)
    assert settings().max_upload_mb == 7
    assert not settings().may_read(tmp_path)
    assert not settings().may_read(inside / ".." / "..")
    (inside / "out").symlink_to(tmp_path)
    assert not settings().may_read(inside / "out")
    monkeypatch.setenv("ASMA_DATA_ROOTS", str(tmp_path))
    assert settings().may_read(tmp_path)


@pytest.mark.parametrize("text", ["data_roots = 3", "max_upload_mb = 0", "nonsense = 1", "x ="])
def test_settings_that_can_t_be_are_told(home: Path, text: str) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(text)
    with pytest.raises(InputError, match=r"config\.toml"):
        settings()


def test_a_card_with_a_nonsensical_encoding_is_told(home: Path, tmp_path: Path) -> None:
    dataset = take_in(preview(three_greys(tmp_path)), "mine").dataset
    card = home / "datasets" / "mine" / "dataset.json"
    content = json.loads(card.read_text())
    content["encoding"]["values"] = "x"
    card.write_text(json.dumps(content))
    with pytest.raises(InputError, match="has an encoding that can't be"):
        open_dataset(dataset.name)


@pytest.mark.real
@pytest.mark.parametrize(("name", "count"), [("glaucoma", 2), ("membrane", 30), ("lungs", 4)])
def test_the_real_folders_are_taken_in(home: Path, real: Path, name: str, count: int) -> None:
    dataset = take_in(preview(real / name), name).dataset
    assert len(dataset.samples) == count
    assert not (real / name / "dataset.json").exists()
    assert len(dataset.classes) == 2
