"""The layouts of well-known challenges and of anybody else are found, each file with its mask."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from asma_core.data.layouts.detection import layout_names, layout_title, recognise
from asma_core.data.preview import Preview, preview
from asma_core.errors import InputError, UnknownNameError
from tests.data import publish
from tests.data.publish import PUBLISHED, binary, disc, lay_out, outline, picture


def looked_at(folder: Path, layout: str = "") -> Preview:
    return preview(folder, layout)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_challenge_is_recognised(tmp_path: Path, name: str) -> None:
    make, count, classes, splits = PUBLISHED[name]
    found = preview(lay_out(tmp_path / "download", make()))
    assert found.found.layout == name
    assert found.dataset.classes == classes
    assert len(found.dataset.samples) == count
    parts = Counter(sample.split for sample in found.dataset.samples if sample.split)
    assert parts == splits
    for sample in found.dataset.samples:
        image, mask = found.dataset.image(sample), found.dataset.mask(sample)
        assert image.shape[1:] == mask.labels.shape == (publish.SIZE, publish.SIZE)
        present = set(np.unique(mask.labels).tolist())
        assert present == set(range(len(classes))), f"{sample.name} has {present}"


@pytest.mark.parametrize("name", ["drive", "kvasir-seg", "montgomery", "refuge", "cvc-clinicdb"])
def test_a_challenge_is_recognised_without_its_outer_folder(tmp_path: Path, name: str) -> None:
    make, count, _, _ = PUBLISHED[name]
    files = make()
    outer = {path.partition("/")[0] for path in files}
    if len(outer) == 1:
        files = {path.partition("/")[2]: data for path, data in files.items()}
    found = recognise(lay_out(tmp_path, files))[0]
    assert found.layout == name
    assert len(found.entries) == count


def test_the_discs_of_the_challenges_lie_where_they_were_drawn(tmp_path: Path) -> None:
    expected = {
        "drishti-gs": lambda n: disc(n, 20),
        "refuge": lambda n: disc(n, 20),
        "drions-db": lambda n: disc(n, 20),
    }
    for name, shape in expected.items():
        found = preview(lay_out(tmp_path / name, PUBLISHED[name][0]()))
        sample = next(one for one in found.dataset.samples if one.name[0] not in "TV")
        index = int("".join(mark for mark in sample.name if mark.isdecimal()))
        drawn = found.dataset.mask(sample).labels > 0
        overlap = (drawn & shape(index)).sum() / (drawn | shape(index)).sum()
        assert overlap > 0.9, name


def test_outside_of_the_camera_s_field_is_void(tmp_path: Path) -> None:
    found = preview(lay_out(tmp_path, PUBLISHED["drive"][0]()))
    mask = found.dataset.mask(found.dataset.find("21_training"))
    assert (mask.valid == disc(0, 28)).all()
    assert not mask.labels[~mask.valid].any()


def test_images_without_a_mask_are_left_out_and_told(tmp_path: Path) -> None:
    found = preview(lay_out(tmp_path, PUBLISHED["shenzhen"][0]()))
    assert found.found.left_out == ("ChinaSet_AllFiles/CXR_png/CHNCXR_0003_0.png",)


def test_the_masks_of_origa_may_be_matlab_s(tmp_path: Path) -> None:
    found = preview(lay_out(tmp_path, publish.origa("mat")))
    assert found.found.layout == "origa"
    labels = found.dataset.mask(found.dataset.samples[0]).labels
    assert (labels == publish.nested(1, 0, 1, 2)).all()


@pytest.mark.parametrize(
    ("files", "image", "mask"),
    [
        (("images/a.png", "masks/a.png"), "images/a.png", "masks/a.png"),
        (("Imgs/a.JPG", "GroundTruth/a.png"), "Imgs/a.JPG", "GroundTruth/a.png"),
        (("set/img/a.png", "set/gt/a_gt.png"), "set/img/a.png", "set/gt/a_gt.png"),
        (("train_images/a.png", "train_masks/a.png"), "train_images/a.png", "train_masks/a.png"),
        (("a.png", "a_mask.png"), "a.png", "a_mask.png"),
        (("a.png", "a-mask.png"), "a.png", "a-mask.png"),
        (("a.jpg", "a_segmentation.png"), "a.jpg", "a_segmentation.png"),
        (("a.bmp", "a_lesion.bmp"), "a.bmp", "a_lesion.bmp"),
        (("a.tif", "a_label.png"), "a.tif", "a_label.png"),
        (("a.png", "a_manual1.png"), "a.png", "a_manual1.png"),
        (("deep/er/a.png", "deep/er/a_mask.png"), "deep/er/a.png", "deep/er/a_mask.png"),
        (("data/x/images/a.png", "data/x/gt/a.png"), "data/x/images/a.png", "data/x/gt/a.png"),
        (("images/a_image.png", "masks/a_mask.png"), "images/a_image.png", "masks/a_mask.png"),
    ],
)
def test_a_pair_is_found(tmp_path: Path, files: tuple[str, str], image: str, mask: str) -> None:
    made = {files[0]: picture(0), files[1]: binary()}
    (entry,) = recognise(lay_out(tmp_path, made))[0].entries
    assert (entry.image, entry.masks[0].path) == (image, mask)


@pytest.mark.parametrize(
    ("above", "below"), [("train/images", "train/masks"), ("images/train", "masks/train")]
)
def test_splits_are_folders_above_or_below(tmp_path: Path, above: str, below: str) -> None:
    files = {}
    for split in ("train", "val", "test"):
        for folder, make in ((above, picture), (below, binary)):
            files[f"{folder.replace('train', split)}/x{split}.png"] = make(0)
    entries = recognise(lay_out(tmp_path, files))[0].entries
    assert {entry.name: entry.split for entry in entries} == {
        "xtest": "test",
        "xtrain": "train",
        "xval": "validation",
    }


def test_the_same_name_in_two_splits_gets_its_folder(tmp_path: Path) -> None:
    files = {}
    for split in ("train", "test"):
        files[f"{split}/images/1.png"] = picture(0)
        files[f"{split}/masks/1.png"] = binary()
    names = [entry.name for entry in recognise(lay_out(tmp_path, files))[0].entries]
    assert names == ["test/images/1", "train/images/1"]


@pytest.mark.parametrize(
    "masks",
    [
        ("masks/disc/{}.png", "masks/cup/{}.png"),
        ("masks/{}_disc.png", "masks/{}_cup.png"),
        ("masks/{}_mask_disc.png", "masks/{}_mask_cup.png"),
    ],
)
def test_one_mask_per_class(tmp_path: Path, masks: tuple[str, str]) -> None:
    files = {}
    for n in (1, 2):
        files[f"images/a{n}.png"] = picture(n)
        files[masks[0].format(f"a{n}")] = binary(n)
        files[masks[1].format(f"a{n}")] = binary(n, radius=9)
    found = preview(lay_out(tmp_path, files))
    # The larger lies below, whatever the alphabet says.
    assert found.dataset.classes == ("background", "disc", "cup")
    labels = found.dataset.mask(found.dataset.samples[0]).labels
    assert (labels == publish.nested(1, 0, 1, 2)).all()


def test_a_class_that_an_image_does_not_have_needs_no_file(tmp_path: Path) -> None:
    files = {}
    for n in range(3):
        files[f"images/a{n}.png"] = picture(n)
        files[f"masks/disc/a{n}.png"] = binary(n)
    files["masks/ground_glass/a1.png"] = binary(1, radius=9)
    found = preview(lay_out(tmp_path, files))
    assert found.dataset.classes == ("background", "disc", "ground glass")
    assert [int(found.dataset.mask(one).labels.max()) for one in found.dataset.samples] == [1, 2, 1]


def test_several_annotators_vote(tmp_path: Path) -> None:
    files = {"images/a.png": picture(0)}
    for number, radius in ((1, 20), (2, 20), (3, 10)):
        files[f"masks/a_expert{number}.png"] = binary(radius=radius)
    found = preview(lay_out(tmp_path, files))
    assert found.dataset.classes == ("background", "class 1")
    assert (found.dataset.mask(found.dataset.samples[0]).labels == disc(0, 20)).all()


def test_a_table_lists_pairs(tmp_path: Path) -> None:
    table = "Image;Mask;Split\npics/a.png;truth/x.png;train\npics/b.png;truth/y.png;test\n"
    files = {
        "list.csv": table.encode("utf-8-sig"),
        **{f"pics/{name}.png": picture(0) for name in "ab"},
        **{f"truth/{name}.png": binary() for name in "xy"},
    }
    found = recognise(lay_out(tmp_path, files))[0]
    assert found.layout == "table"
    assert [(entry.masks[0].path, entry.split) for entry in found.entries] == [
        ("truth/x.png", "train"),
        ("truth/y.png", "test"),
    ]


def test_a_table_may_name_a_mask_for_each_class(tmp_path: Path) -> None:
    table = "image,mask_disc,mask_cup\na.png,d.png,c.png\n"
    files = {"t.csv": table.encode(), "a.png": picture(0), "d.png": binary()}
    files["c.png"] = binary(radius=9)
    found = preview(lay_out(tmp_path, files))
    assert found.dataset.classes == ("background", "disc", "cup")
    labels = found.dataset.mask(found.dataset.samples[0]).labels
    assert (labels == publish.nested(0, 0, 1, 2)).all()


BROKEN = {
    "nothing": ({"notes.md": b"x"}, "holds no images; it needs images/ and masks/"),
    "only masks": ({"a_mask.png": binary()}, "holds no images"),
    "no masks": ({"images/a.png": picture(0)}, "no mask for 1 of 1 images, the first is a.png"),
    "most without": (
        {"images/a.png": picture(0), "images/b.png": picture(0), "images/c.png": picture(0)}
        | {"masks/a.png": binary()},
        "no mask for 2 of 3 images, the first is b.png; add its mask",
    ),
    "no picture": (
        {"images/a.png": picture(0), "masks/a.png": b"<html>"},
        "a.png is not a PNG, JPEG",
    ),
    "empty": ({"images/a.png": picture(0), "masks/a.png": b""}, "a.png is empty; export it again"),
    "cut": (
        {"images/a.png": picture(0), "masks/a.png": binary()[:70]},
        "a.png is truncated or damaged; export it again",
    ),
    "a line too many": (
        {"l.csv": b"image,mask\na.png,a_mask.png\nb.png,c.png\n", "a.png": picture(0)}
        | {"a_mask.png": binary()},
        "l.csv, line 3: b.png is not a picture in the folder; correct the line",
    ),
    "a way out": (
        {"l.csv": b"image,mask\n../../etc/a.png,a_mask.png\n", "a.png": picture(0)}
        | {"a_mask.png": binary()},
        "l.csv, line 2: ../../etc/a.png is not a picture in the folder",
    ),
    "no outline": (
        {f"images/image_{n:03d}.jpg": picture(n, "JPEG") for n in (1, 2)}
        | {f"anotExpert{e}_{n:03d}.txt": b"no numbers" for e in (1, 2) for n in (1, 2)},
        "anotExpert1_001.txt is no outline; give it at least three lines",
    ),
    "no matrix": (
        {"ORIGA/Images/001.jpg": picture(0, "JPEG"), "ORIGA/Masks/001.mat": b"MATLAB 5.0"},
        "001.mat can't be read as a MATLAB file; save it as PNG",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_ends_in_a_sentence(tmp_path: Path, name: str) -> None:
    files, sentence = BROKEN[name]
    with pytest.raises(InputError) as caught:
        found = preview(lay_out(tmp_path, dict(files)))
        found.dataset.mask(found.dataset.samples[0])
    assert sentence in str(caught.value)


def test_a_layout_may_be_named(tmp_path: Path) -> None:
    files = {"images/a.png": picture(0), "masks/a.png": binary(), "b.png": picture(1)}
    files |= {"b_mask.png": binary(), "list.csv": b"image,mask\nb.png,b_mask.png\n"}
    folder = lay_out(tmp_path, files)
    assert [entry.name for entry in recognise(folder, "table")[0].entries] == ["b"]
    assert [entry.name for entry in recognise(folder, "paired")[0].entries] == ["a"]
    # What a card of before says.
    assert recognise(folder, "folders")[0].layout == "paired"
    with pytest.raises(UnknownNameError, match="layout"):
        recognise(folder, "nonsense")


def test_every_layout_has_a_title() -> None:
    assert all(layout_title(name) for name in layout_names())
    assert len(set(layout_names())) == len(layout_names())


def test_an_outline_is_filled(tmp_path: Path) -> None:
    from asma_core.data.formats.outline_files import read_outline

    (tmp_path / "o.txt").write_bytes(outline(0))
    filled = read_outline(tmp_path / "o.txt", (publish.SIZE, publish.SIZE))
    assert filled.sum() == pytest.approx(np.pi * 20**2, rel=0.05)


def test_links_to_elsewhere_are_not_followed(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "set", {"images/a.png": picture(0), "masks/a.png": binary()})
    (tmp_path / "secret.png").write_bytes(picture(1))
    (folder / "images" / "b.png").symlink_to(tmp_path / "secret.png")
    (folder / "more").symlink_to(tmp_path)
    assert [entry.name for entry in recognise(folder)[0].entries] == ["a"]
