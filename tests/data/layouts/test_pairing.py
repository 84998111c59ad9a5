"""Images and masks are told apart and paired, whatever people call them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asma_core.data.datasets import Dataset, Sample
from asma_core.data.layouts.contents import looks_like_mask
from asma_core.data.layouts.detection import recognise
from asma_core.data.layouts.names import words_of
from asma_core.data.preview import preview
from asma_core.errors import InputError
from tests.data.publish import SIZE, Files, binary, disc, encoded, lay_out, nested, picture

N = range(4)
HASH = [f"{(n + 3) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}" for n in range(40)]


def cell(index: int, place: int) -> bytes:
    """One of several objects of an image, none over another; together they are two squares."""
    values = np.zeros((SIZE, SIZE), dtype=np.uint8)
    values[8 + 24 * place : 24 + 24 * place, 4 + index : 20 + index] = 255
    return encoded(values)


def field() -> bytes:
    return encoded(np.where(disc(0, 31), 255, 0).astype(np.uint8))


def pairs(image: str, mask: str, kind: str = "PNG", masks: str = "PNG") -> Files:
    """Images and masks whose paths have the number of each at "{n}"."""
    images = {image.format(n=n): picture(n, kind) for n in N}
    return images | {mask.format(n=n): binary(n, masks) for n in N}


def others(path: str, kind: str = "PNG") -> Files:
    return {path.format(n=n): binary(n, kind, radius=6) for n in N}


NAMES = ["Größe", "naïve", "patient_é", "Łódź"]
WAYS: dict[str, Files] = {
    "the ending alone": pairs("{n:03d}.bmp", "{n:03d}.png", "BMP"),
    "img_ and mask_": pairs("img_{n}.png", "mask_{n}.png"),
    "img_ and mask_ in folders": pairs("images/img_{n}.png", "masks/mask_{n}.png"),
    "no mark between": pairs("data/image{n}.png", "data/label{n}.png"),
    "capitals": pairs("A{n}.JPG", "a{n}.PNG", "JPEG"),
    "a folder a patient": pairs("P{n}/image.png", "P{n}/mask.png"),
    "a folder a patient, own words": pairs("P{n}/scan.png", "P{n}/outlined.png"),
    "a folder a patient, deep": pairs("set/{n}/img/x.png", "set/{n}/msk_gt/x.png"),
    "folders that say nothing": pairs("x/{n}.png", "y/{n}.png"),
    "words that say nothing": pairs("slide{n}.png", "outline{n}.png"),
    "other words in other folders": pairs("frames/frame{n:04d}.jpg", "lbl/l{n:04d}.png", "JPEG"),
    "leading zeros": pairs("images/{n}.png", "masks/{n:03d}.png"),
    "exchanged words": pairs("masks/{n}.png", "images/{n}.png"),
    "an ending each": pairs("{n}_sat.jpg", "{n}_gt.png", "JPEG"),
    "an ending nobody knows": pairs("train_{n}.bmp", "train_{n}_anno.bmp", "BMP", "BMP"),
    "dots": pairs("imgs/a.{n}.image.png", "lab/a.{n}.label.png"),
    "spaces and copies": pairs("My Images/Scan {n}.png", "My Masks/Scan {n} copy.png"),
    "brackets": pairs("benign/benign ({n}).png", "benign/benign ({n})_mask.png"),
    "hashes": pairs("train/{n:012x}_07.jpg", "train_masks/{n:012x}_07_mask.gif", "JPEG", "GIF"),
    "two masks' formats": pairs("i/IMD{n:03d}.bmp", "m/IMD{n:03d}_lesion.bmp", "BMP", "BMP")
    | others("m/IMD{n:03d}_lesion.jpg", "JPEG"),
    "two images' formats": pairs("images/{n}.png", "masks/{n}.png")
    | {f"images/{n}.jpg": picture(n, "JPEG") for n in N},
    "VOC": pairs("JPEGImages/2007_{n:06d}.jpg", "SegmentationClass/2007_{n:06d}.png", "JPEG")
    | others("SegmentationObject/2007_{n:06d}.png"),
    "Cityscapes": pairs(
        "leftImg8bit/train/ulm/ulm_{n:06d}_000019_leftImg8bit.png",
        "gtFine/train/ulm/ulm_{n:06d}_000019_gtFine_labelIds.png",
    )
    | others("gtFine/train/ulm/ulm_{n:06d}_000019_gtFine_instanceIds.png")
    | others("gtFine/train/ulm/ulm_{n:06d}_000019_gtFine_color.png"),
    "STARE": pairs("stare-images/im{n:04d}.ppm", "labels-ah/im{n:04d}.ah.ppm", "PPM", "PPM"),
    "HRF": pairs("images/{n:02d}_h.jpg", "manual1/{n:02d}_h.tif", "JPEG", "TIFF")
    | {f"mask/{n:02d}_h_mask.tif": field() for n in N},
    "sequences": {
        f"seq_{n // 2}/left_frames/frame{n % 2:03d}.png": picture(n) for n in N
    }
    | {f"seq_{n // 2}/labels/frame{n % 2:03d}.png": binary(n) for n in N},
    "decomposed Unicode": {f"images/{name}.png": picture(n) for n, name in enumerate(NAMES)}
    | {
        f"masks/{unicodedata.normalize('NFD', name)}.png": binary(n)
        for n, name in enumerate(NAMES)
    },
    "nnU-Net": pairs("imagesTr/case_{n:03d}_0000.png", "labelsTr/case_{n:03d}.png"),
    "names that begin alike": {
        f"images/{name}.png": picture(n) for n, name in enumerate(["1", "11", "111", "1_1"])
    }
    | {f"masks/{name}_mask.png": binary(n) for n, name in enumerate(["1", "11", "111", "1_1"])},
    "splits below": {
        f"{kind}/{('train', 'val')[n % 2]}/{n}.png": make(n)
        for n in N
        for kind, make in (("image", picture), ("label", binary))
    },
    "MONAI Label": pairs("scan_{n}.png", "labels/final/scan_{n}.png")
    | others("labels/original/scan_{n}.png"),
    "FiftyOne": pairs("data/{n:06d}.jpg", "labels/{n:06d}.png", "JPEG"),
    "a thumbnail each": pairs("images/{n}.png", "masks/{n}.png") | others("thumbs/{n}_thumb.png"),
}  # fmt: skip


def number_of(dataset: Dataset, sample: Sample) -> int:
    """Return which of the pictures a sample's image is."""
    image = dataset.image(sample)
    apart = []
    for n in N:
        pixels = np.random.default_rng(n).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
        apart.append(float(np.abs(image - pixels.transpose(2, 0, 1) / 255).mean()))
    return int(np.argmin(apart))


@pytest.mark.parametrize("way", WAYS)
def test_each_image_has_its_own_mask(tmp_path: Path, way: str) -> None:
    found = preview(lay_out(tmp_path / "set", WAYS[way]))
    dataset = found.dataset
    assert sorted(number_of(dataset, sample) for sample in dataset.samples) == list(N)
    assert dataset.classes == ("background", "class 1")
    assert found.found.left_out == ()
    for sample in dataset.samples:
        labels = dataset.mask(sample).labels
        assert (labels == disc(number_of(dataset, sample))).all(), sample.name


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("the ending alone", "images told from masks by what they hold"),
        ("leading zeros", "paired by the number in the name"),
        ("exchanged words", "so they are exchanged"),
        ("two masks' formats", ".jpg copies of .bmp masks, left out: 4"),
        ("two images' formats", ".jpg copies of .png images, left out: 4"),
        ("VOC", "pictures of masks, left out: 4, such as SegmentationObject/2007_000000.png"),
        ("HRF", "masks of other folders, left out: 4, such as mask/00_h_mask.tif"),
        ("a folder a patient", "paired by the folder"),
    ],
)
def test_the_reasons_are_told(tmp_path: Path, way: str, reason: str) -> None:
    reasons = recognise(lay_out(tmp_path, WAYS[way]))[0].reasons
    assert any(reason in told for told in reasons), reasons


SEVERAL: dict[str, tuple[Callable[[], Files], tuple[str, ...]]] = {
    "IDRiD": (
        lambda: (
            {f"1. Original Images/IDRiD_{n:02d}.jpg": picture(n, "JPEG") for n in N}
            | {
                f"2. Groundtruths/{place}. {name}/IDRiD_{n:02d}_{short}.tif": binary(
                    n, "TIFF", size
                )
                for n in N
                for place, name, short, size in ((1, "Cup", "CU", 9), (2, "Optic Disc", "OD", 20))
            }
        ),
        ("background", "optic disc", "cup"),
    ),
    "a word each": (
        lambda: (
            {f"{n}.png": picture(n) for n in N}
            | {f"{n}_disc.png": binary(n) for n in N}
            | {f"{n}_cup.png": binary(n, radius=9) for n in N}
        ),
        ("background", "disc", "cup"),
    ),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_a_mask_for_each_class(tmp_path: Path, name: str) -> None:
    make, classes = SEVERAL[name]
    dataset = preview(lay_out(tmp_path / "set", make())).dataset
    assert dataset.classes == classes and len(dataset.samples) == len(N)
    for sample in dataset.samples:
        labels = dataset.mask(sample).labels
        assert (labels == nested(number_of(dataset, sample), 0, 1, 2)).all()


def test_single_objects_are_taken_together(tmp_path: Path) -> None:
    """As in the Data Science Bowl of 2018: a folder an image, a mask an object."""
    files = {f"{HASH[n]}/images/{HASH[n]}.png": picture(n) for n in N}
    for n in N:
        files |= {f"{HASH[n]}/masks/{HASH[10 + 5 * n + k]}.png": cell(n, k) for k in range(2)}
    found = preview(lay_out(tmp_path / "set", files))
    assert "up to 2 masks for one image, taken together as one structure" in found.found.reasons
    assert found.dataset.classes == ("background", "structure")
    for sample in found.dataset.samples:
        labels = found.dataset.mask(sample).labels
        n = number_of(found.dataset, sample)
        assert labels.sum() == 2 * 16 * 16
        assert labels[8:24, 4 + n : 20 + n].all() and labels[32:48, 4 + n : 20 + n].all()


def test_what_agrees_are_votes(tmp_path: Path) -> None:
    files = {f"images/{n}.png": picture(n) for n in N}
    for reader, radius in enumerate((20, 20, 10)):
        files |= {f"masks/{n}_reader{reader}.png": binary(n, radius=radius) for n in N}
    found = preview(lay_out(tmp_path, files))
    assert "up to 3 masks for one image, taken as annotators' votes" in found.found.reasons
    for sample in found.dataset.samples:
        labels = found.dataset.mask(sample).labels
        assert (labels == disc(number_of(found.dataset, sample))).all()


def test_images_without_a_mask_are_left_out(tmp_path: Path) -> None:
    files = WAYS["img_ and mask_"] | {"img_9.png": picture(9)}
    assert recognise(lay_out(tmp_path, files))[0].left_out == ("img_9.png",)


def test_what_is_part_of_no_pair_is_told(tmp_path: Path) -> None:
    files = WAYS["img_ and mask_ in folders"] | {"masks/mask_9.png": binary(0)}
    files |= {f"mr/{n}.png": picture(n) for n in N}
    reasons = recognise(lay_out(tmp_path, files))[0].reasons
    assert "masks without an image, left out: 1, such as masks/mask_9.png" in reasons
    assert "pictures that are neither, left out: 4, such as mr/0.png" in reasons


def test_masks_alone_are_told(tmp_path: Path) -> None:
    files = {f"{folder}/{n}.png": binary(n) for n in N for folder in "ab"}
    with pytest.raises(InputError, match="no mask for 8 of 8 images"):
        recognise(lay_out(tmp_path, files))


def test_a_number_shared_by_chance_pairs_nothing(tmp_path: Path) -> None:
    files = {f"images/{n}.png": picture(n) for n in N} | {"masks/scan 2 of May 12.png": binary(0)}
    with pytest.raises(InputError, match="no mask for"):
        recognise(lay_out(tmp_path, files))


def test_words_of_names() -> None:
    words = ("left", "img", "8", "bit", "imd", "001", "mask", "2")
    assert words_of("leftImg8bit_IMD001-Mask 2") == words
    assert words_of("SegmentationClass") == ("segmentation", "class")
    assert words_of("JPEGImages") == ("jpeg", "images")
    assert words_of(unicodedata.normalize("NFD", "Größe")) == words_of("Größe")


def test_a_mask_is_told_by_what_it_holds(tmp_path: Path) -> None:
    made = {
        "picture.png": picture(0), "picture.jpg": picture(0, "JPEG"), "mask.png": binary(),
        "mask.jpg": binary(kind="JPEG"), "classes.png": encoded(nested(0, 0, 1, 2)),
        "empty.png": encoded(np.zeros((SIZE, SIZE), dtype=np.uint8)),
    }  # fmt: skip
    folder = lay_out(tmp_path, made)
    told = {name: looks_like_mask(folder / name) for name in made}
    assert told == {name: not name.startswith("picture") for name in made}
    (folder / "broken.png").write_bytes(b"x")
    assert looks_like_mask(folder / "broken.png") is None


def coloured(index: int) -> bytes:
    """A mask in colours, as CVAT writes it: black, green the disc, red the cup."""
    colours = np.array([(0, 0, 0), (0, 200, 0), (250, 10, 0)], dtype=np.uint8)
    return encoded(colours[nested(index, 0, 1, 2)])


VALUES = {f"images/{n}.png": picture(n) for n in N} | {
    f"masks/{n}.png": encoded(nested(n, 0, 1, 2)) for n in N
}
LISTS: dict[str, tuple[Files, tuple[str, ...]]] = {
    "nnU-Net": (
        {"dataset.json": b'{"labels": {"background": 0, "rim": 1, "cup": 2, "rest": 3}}'},
        ("background", "rim", "cup", "rest"),
    ),
    "Decathlon": (
        {"dataset.json": b'{"labels": {"0": "background", "1": "rim", "2": "cup"}}'},
        ("background", "rim", "cup"),
    ),
    "labelme": (
        {"class_names.txt": b"__ignore__\n_background_\nrim\ncup\n"},
        ("background", "rim", "cup"),
    ),
    "names alone": ({"classes.txt": b"rim\ncup\n"}, ("background", "rim", "cup")),
    "regions": (
        {"dataset.json": b'{"labels": {"background": 0, "whole": [1, 2], "cup": [2]}}'},
        ("background", "class 1", "class 2"),
    ),
    "damaged": ({"dataset.json": b'{"labels": {"0": 1, "1'}, ("background", "class 1", "class 2")),
}


@pytest.mark.parametrize("name", LISTS)
def test_classes_are_named_by_what_lies_beside(tmp_path: Path, name: str) -> None:
    files, classes = LISTS[name]
    if name == "damaged":
        found = recognise(lay_out(tmp_path, VALUES | files))[0]
        assert found.classes == ()
        return
    dataset = preview(lay_out(tmp_path, VALUES | files)).dataset
    assert dataset.classes == classes
    assert np.unique(dataset.mask(dataset.samples[0]).labels).tolist() == [0, 1, 2]


def test_cvat_s_colours_have_their_names(tmp_path: Path) -> None:
    files = {f"JPEGImages/{n}.png": picture(n) for n in N}
    files |= {f"SegmentationClass/{n}.png": coloured(n) for n in N}
    text = "# label:color_rgb:parts:actions\ncup:250,10,0::\nbackground:0,0,0::\ndisc:0,200,0::\n"
    dataset = preview(lay_out(tmp_path, files | {"labelmap.txt": text.encode()})).dataset
    assert dataset.classes == ("background", "cup", "disc")
    for sample in dataset.samples:
        right = nested(number_of(dataset, sample), 0, 2, 1)
        assert (dataset.mask(sample).labels == right).all()


def test_splits_are_listed(tmp_path: Path) -> None:
    lists = {"ImageSets/Segmentation/train.txt": b"2007_000000\n2007_000002\n"}
    lists |= {"ImageSets/Segmentation/val.txt": b"2007_000001\n2007_000003 1\n"}
    entries = recognise(lay_out(tmp_path, WAYS["VOC"] | lists))[0].entries
    assert [entry.split for entry in entries] == ["train", "validation"] * 2
