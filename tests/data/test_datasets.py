"""Folders of images and masks are found by their layout, or told what they lack."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from asma_core.data.datasets import Dataset, Item, Sample, dataset_names, open_dataset
from asma_core.data.formats.images import encode_png
from asma_core.data.formats.slices import Slice
from asma_core.data.masks.label_maps import encode_mask
from asma_core.errors import InputError, NoSuchItemError, StoreError, UnknownNameError


def picture() -> bytes:
    return encode_png(np.full((20, 24, 3), 7, np.uint8))


def mask(*values: int) -> bytes:
    return encode_mask(np.resize(np.array(values or (0, 1)), (20, 24)))


def folder_of(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def names(dataset: Dataset) -> list[str]:
    return [sample.name for sample in dataset.samples]


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "count", "shape"),
    [("glaucoma", 2, (3, 569, 428)), ("membrane", 30, (1, 512, 512)), ("lungs", 4, (1, 512, 512))],
)
def test_the_real_folders_open(real: Path, name: str, count: int, shape: tuple[int, ...]) -> None:
    dataset = open_dataset(str(real / name))
    assert len(dataset.samples) == count
    assert dataset.classes == ("background", "class 1")
    assert not dataset.synthetic
    for sample in (dataset.samples[0], dataset.samples[-1]):
        assert dataset.image(sample).shape == shape
        read = dataset.mask(sample)
        assert read.labels.shape == shape[1:]
        assert read.valid.all()
        assert 0.005 < read.labels.mean() < 0.95


@pytest.mark.real
def test_the_real_names_are_in_the_order_of_their_numbers(real: Path) -> None:
    assert names(open_dataset(str(real / "membrane"))) == [str(number) for number in range(30)]
    assert names(open_dataset(str(real / "lungs"))) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(
    "files",
    [
        ("images/a.png", "masks/a.png"),
        ("Images/a.JPG", "Labels/a.tif"),
        ("image_samples/a.png", "mask_samples/a_mask.png"),
        ("img/a.bmp", "annotations/a_segmentation.png"),
        ("a.png", "a-mask.png"),
        ("a.tiff", "a_MASK.png"),
        ("images/a_label.png", "masks/a_label.png"),
    ],
)
def test_layouts(tmp_path: Path, files: tuple[str, str]) -> None:
    beside = {f"{Path(files[0]).parent}/{name}": b"" for name in ("._a.png", "notes.txt")}
    folder_of(tmp_path, {files[0]: picture(), files[1]: mask()} | beside)
    (sample,) = open_dataset(str(tmp_path)).samples
    assert sample.image == tmp_path / files[0]
    assert sample.mask == tmp_path / files[1]


def test_samples_are_found_by_name_then_by_index(tmp_path: Path) -> None:
    files = {f"images/{name}.png": picture() for name in ("10", "2", "b 😀", "<i>")}
    files |= {name.replace("images", "masks"): mask() for name in files}
    dataset = open_dataset(str(folder_of(tmp_path, files)))
    assert names(dataset) == ["2", "10", "<i>", "b 😀"]
    assert dataset.find("2").name == "2"
    assert dataset.find(2).name == "<i>"
    assert dataset.find("0").name == "2"
    assert dataset.find("b 😀").name == "b 😀"
    for key in ("4", 4, -1, "-1", "", "../2", "9" * 5000, "٢"):
        with pytest.raises(UnknownNameError, match="there is: 0 to 3, 2, 10"):
            dataset.find(key)


def test_classes_are_counted_in_the_masks(tmp_path: Path) -> None:
    files = {"images/a.png": picture(), "masks/a.png": mask(0, 1, 2, 255)}
    dataset = open_dataset(str(folder_of(tmp_path, files)))
    assert dataset.classes == ("background", "class 1", "class 2")
    assert not dataset.mask(dataset.samples[0]).valid.all()


def test_a_folder_s_card_names_it(home: Path) -> None:
    card = {
        "title": "Mine",
        "description": "Of my own.",
        "synthetic": True,
        "classes": ["skin", "mole"],
        "split": {"train": ["a"], "test": ["b"]},
    }
    files = {"dataset.json": json.dumps(card).encode()}
    for name in "ab":
        files |= {f"images/{name}.png": picture(), f"masks/{name}.png": mask()}
    folder_of(home / "datasets" / "my set", files)
    dataset = open_dataset("my set")
    assert (dataset.title, dataset.synthetic, dataset.classes) == ("Mine", True, ("skin", "mole"))
    assert [sample.name for sample in dataset.split("test")] == ["b"]
    assert dataset.split("validation") == dataset.samples


@pytest.mark.parametrize(
    "card", [[], {"classes": "ab"}, {"classes": ["one"]}, {"split": ["a"]}, {"split": {"a": "b"}}]
)
def test_a_card_that_is_none_is_told(tmp_path: Path, card: object) -> None:
    files = {"dataset.json": json.dumps(card).encode(), "a.png": picture(), "a-mask.png": mask()}
    with pytest.raises(InputError, match=r"dataset\.json is not the card of a data set"):
        open_dataset(str(folder_of(tmp_path, files)))
    (tmp_path / "dataset.json").write_bytes(b"{")
    with pytest.raises(StoreError, match="is not JSON"):
        open_dataset(str(tmp_path))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"notes.txt": b""}, "holds no images; it needs images/ and masks/"),
        ({"images/readme.md": b""}, "holds no images"),
        ({"a-mask.png": b""}, "holds no images"),
        ({"images/a.png": b""}, "has no mask for 1 of 1 images, the first is a.png"),
        (
            {"images/a.png": b"", "images/b.jpg": b"", "masks/a.png": b""},
            "has no mask for 1 of 2 images, the first is b.jpg; add its mask",
        ),
        ({"a.png": b"", "b.png": b"", "b_mask.png": b""}, "has no mask for 1 of 2"),
        ({"images/a.png": b"", "images/a.jpg": b""}, "has no mask for 1 of 1 images"),
    ],
)
def test_what_a_folder_lacks_is_told(
    tmp_path: Path, files: dict[str, bytes], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        open_dataset(str(folder_of(tmp_path, files)))


@pytest.mark.parametrize(
    "name", ["nothing", "", " ", "../nothing", "~nobody-at-all/x", "x" * 5000, "a\0b", "😀", "<b>"]
)
def test_an_unknown_name_is_told_with_what_there_is(name: str) -> None:
    with pytest.raises(UnknownNameError, match="there is: demo-fundus, demo-lesion"):
        open_dataset(name)


def test_names_are_the_demo_sets_the_own_and_the_listed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine", ".aside", "demo-lesion"):
        (home / "datasets" / name).mkdir(parents=True)
    (home / "datasets" / "a file").write_bytes(b"")
    monkeypatch.setenv("ASMA_DATASETS", f"{tmp_path}::{tmp_path / 'more'}")
    expected = ["demo-fundus", "demo-lesion", "mine", str(tmp_path), str(tmp_path / "more")]
    assert dataset_names() == expected
    with pytest.raises(UnknownNameError):
        open_dataset(".aside")


def test_a_broken_mask_is_told_by_its_name(tmp_path: Path) -> None:
    files = {"images/a.png": picture(), "masks/a.png": b"no picture"}
    with pytest.raises(InputError, match=r"a.png is not a PNG"):
        open_dataset(str(folder_of(tmp_path, files)))


def test_a_fingerprint_has_all_that_reading_hangs_on(tmp_path: Path) -> None:
    files = {"images/a.png": picture(), "masks/a.png": mask(), "masks/b.png": mask()}
    folder = folder_of(tmp_path, files | {"images/b.png": picture()})
    dataset = open_dataset(str(folder))
    first, second = dataset.samples
    before, of_second = dataset.fingerprint(), dataset.fingerprint(second)
    assert before == open_dataset(str(folder)).fingerprint()
    others = {
        **{"image": second.image, "mask": second.mask, "split": "test", "name": "c"},
        **{"layers": ((1, first.mask),), "field_mask": second.mask, "where": Slice(2)},
        **{"crop": "left half", "resized": True, "by_colour": True, "places": "stored"},
    }
    assert set(others) == {field.name for field in fields(Sample)}
    for name, value in others.items():
        changed = replace(first, **{name: value})
        assert changed.fingerprint() != first.fingerprint(), name
        assert replace(dataset, samples=(changed, second)).fingerprint() != before, name
    renamed = replace(dataset, classes=("background", "lesion", "void"))
    assert renamed.fingerprint(second) != of_second
    second.mask.write_bytes(mask(1, 1, 0))
    assert dataset.fingerprint(second) != of_second and dataset.fingerprint() != before
    first.image.unlink()
    assert len({dataset.fingerprint(first), dataset.fingerprint(second), of_second}) == 3


def test_a_data_set_is_a_sequence_of_its_images(tmp_path: Path) -> None:
    files = {f"{part}/{name}.png": picture() if part == "images" else mask(index % 2, 1)
             for part in ("images", "masks")
             for index, name in enumerate(("7", "8", "9"))}  # fmt: skip
    dataset = open_dataset(str(folder_of(tmp_path / "three", files)))
    assert isinstance(dataset, Sequence) and len(dataset) == 3
    assert [item.name for item in dataset] == ["7", "8", "9"]
    assert (
        dataset[0]
        == dataset[-3]
        == dataset["7"]
        == dataset["0"]
        == Item(dataset, dataset.samples[0])
    )
    assert [item.name for item in dataset[1:]] == ["8", "9"]
    assert dataset.index(dataset[2]) == 2 and dataset[1] in dataset
    assert repr(dataset[1]) == f"Item({dataset.name!r}, '8')" and len({*dataset}) == 3
    with pytest.raises(ValueError):
        dataset.index(3)
    assert np.array_equal(dataset[1].image, dataset.image(dataset.samples[1]))
    assert np.array_equal(dataset[1].mask.labels, dataset.mask(dataset.samples[1]).labels)


@pytest.mark.parametrize("key", [3, -4, "10", "none"])
def test_what_a_data_set_has_not_is_told_with_what_it_has(tmp_path: Path, key: int | str) -> None:
    files = {"images/a.png": picture(), "masks/a.png": mask()}
    dataset = open_dataset(str(folder_of(tmp_path / "one", files)))
    with pytest.raises(NoSuchItemError, match="there is: 0 to 0, a") as caught:
        dataset[key]
    assert isinstance(caught.value, IndexError)
    assert isinstance(copy.copy(caught.value), NoSuchItemError)
