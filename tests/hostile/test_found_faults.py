"""Files that once took the server's memory, or ended in a trace: each is told in a sentence."""

from __future__ import annotations

import gzip
import io
import json
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from PIL import Image

from asma_core.data.datasets import open_dataset, open_folder
from asma_core.data.formats.grids import grid_of
from asma_core.data.formats.headers import read_header
from asma_core.data.formats.images import (
    check_image,
    count_frames,
    count_volumes,
    picture_size,
    read_image,
    read_values,
)
from asma_core.data.formats.matlab import matrices
from asma_core.data.formats.outline_files import read_matlab
from asma_core.data.preview import preview
from asma_core.errors import LONGEST, AsmaError, InputError, ModelError
from asma_core.limited.reading import read
from asma_core.models.sources.architectures import arguments_from_text
from asma_core.models.sources.building import MOST_LAYERS, build_network, check_card
from asma_core.models.sources.card_reading import read_card
from asma_core.models.sources.card_text import card_text
from asma_core.models.sources.cards import broken_cards, model_cards, network_hash
from asma_core.models.sources.weights import find_weights
from asma_core.runs.uploads import keep_upload, open_upload, unpack_series
from asma_core.server_config import read_settings, settings
from tests.data.publish import binary, picture

CARD = """name = "mine"
weights = "mine.safetensors"
[architecture]
name = "UNet"
arguments = {spatial_dims = 2, in_channels = 3, out_channels = 2, channels = [4, 8], strides = [2]}
[input]
size = 256
multiple = 16
[[classes]]
name = "skin"
[[classes]]
name = "lesion"
"""


def card(folder: Path, text: str = CARD) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.safetensors").write_bytes(b"weights")
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


# Cards ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", [".".join("a" * 25_000) + " = 1", "[[[[", "a = " + "[" * 40_000, "a = 1\0"]
)
def test_a_card_that_no_reader_should_read_is_refused_and_hides_no_other(
    home: Path, line: str
) -> None:
    path = card(home / "uploads" / "models", f"{line}\n{CARD}")
    with pytest.raises(ModelError, match="can't be read as a model card"):
        read_card(path, trusted=False)
    assert path in broken_cards()
    assert "demo-fundus-unet" in model_cards()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("size = 256", "size = 16384"),
        ("size = 256", "size = [64, 4097]"),
        ("multiple = 16", "multiple = 16384"),
        ("size = 256", "size = 0xffffffffffffffffffff"),
    ],
)
def test_a_size_that_takes_all_memory_is_refused(tmp_path: Path, one: str, other: str) -> None:
    assert one in CARD
    with pytest.raises(ModelError, match=r"which can't be|more than 64 bits"):
        read_card(card(tmp_path, CARD.replace(one, other)))


@pytest.mark.parametrize(
    "arguments",
    [
        {"num_res_units": 100_000},
        {"channels": [4] * 5000, "strides": [1] * 4999},
        {"channels": [4] * 400, "strides": [1] * 399, "num_res_units": 100},
    ],
)
def test_a_network_of_too_many_layers_is_not_built(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    base = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2}
    usual = {"channels": [4, 8], "strides": [2]}
    told = ", ".join(f"{key} = {value}" for key, value in (base | usual | arguments).items())
    before = CARD.partition("arguments")[0]
    after = CARD.partition("]}")[2]
    asked = read_card(card(tmp_path, f"{before}arguments = {{{told}}}{after}"), trusted=False)
    with pytest.raises(ModelError, match=f"more than {MOST_LAYERS:,} layers|can't be built"):
        check_card(asked)
    # The next network is built as ever.
    assert isinstance(build_network("UNet", base | usual), torch.nn.Module)


def test_dates_of_a_card_are_kept_as_texts(tmp_path: Path) -> None:
    told = read_card(card(tmp_path, f"{CARD}[figures]\nmeasured = 2026-11-29\nat = 07:32:00\n"))
    assert told.figures == {"measured": "2026-11-29", "at": "07:32:00"}
    network_hash(told)
    assert read_card(card(tmp_path, card_text(told))).figures == told.figures


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "a\\u0000b"])
def test_weights_of_a_name_that_no_file_has_are_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="not a file beside it"):
        read_card(card(tmp_path, CARD.replace("mine.safetensors", name)))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5000])
def test_arguments_that_lie_too_deep_are_told(text: str) -> None:
    with pytest.raises(InputError, match="the arguments are not"):
        arguments_from_text(text)


# Weights -------------------------------------------------------------------------------------


def test_more_tensors_than_any_network_has_are_refused(tmp_path: Path) -> None:
    told = {
        f"a{place}": {"dtype": "F32", "shape": [1], "data_offsets": [4 * place, 4 * place + 4]}
        for place in range(50_000)
    }
    head = json.dumps(told).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(head)) + head + bytes(4 * len(told)))
    with pytest.raises(ModelError, match="holds 50,000 tensors; the limit is 20,000"):
        find_weights(path)
    torch.save({f"a{place}": torch.zeros(1) for place in range(20_001)}, tmp_path / "a.pt")
    with pytest.raises(ModelError, match="holds 20,001 tensors"):
        find_weights(tmp_path / "a.pt")


# Volumes -------------------------------------------------------------------------------------

ASKED: list[Callable[[bytes, str], object]] = [
    read_image,
    read_values,
    count_frames,
    picture_size,
]


def volume(kind: Any = nibabel.Nifti1Image) -> bytearray:
    return bytearray(kind(np.ones((20, 18, 17), np.int16), np.diag([2.0, 2, 3, 1])).to_bytes())


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_a_cut_volume_is_told(tmp_path: Path, kind: Any, packed: bool) -> None:
    whole = bytes(volume(kind))
    for length in (*range(1, 600, 7), 343, 344, 348, 352, 540, 543, 544, len(whole) - 1):
        data = gzip.compress(whole[:length]) if packed else whole[:length]
        for ask in ASKED:
            with pytest.raises(InputError):
                ask(data, "a.nii")
        with suppress(InputError):
            # What has lost its magic is a picture, of which there is one.
            assert count_volumes(data, "a.nii") == 1
        path = tmp_path / ("a.nii.gz" if packed else "a.nii")
        path.write_bytes(data)
        read_header(path)
        with suppress(InputError):
            # A head alone tells where pixels lie.
            assert grid_of(path).shape == (20, 18, 17)
            assert length > 340


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
def test_an_affine_of_zeros_is_told(tmp_path: Path, kind: Any) -> None:
    data = volume(kind)
    rows = slice(280, 328) if kind is nibabel.Nifti1Image else slice(400, 496)
    data[rows] = bytes(rows.stop - rows.start)
    for ask in ASKED:
        with pytest.raises(InputError, match=r"says no direction|damaged"):
            ask(bytes(data), "a.nii")
    (tmp_path / "a.nii").write_bytes(data)
    assert not grid_of(tmp_path / "a.nii").placed


def test_a_volume_that_becomes_large_is_read_elsewhere_and_refused(home: Path) -> None:
    flat: Any = nibabel.Nifti1Image(np.zeros((5000, 5000, 4), np.uint8), np.eye(4))
    flat.header.set_slope_inter(2.0, 1.0)
    data = gzip.compress(flat.to_bytes(), 1)
    assert len(data) < 1_000_000
    home.mkdir(parents=True)
    (home / "config.toml").write_text("max_reading_mb = 300\n")
    with pytest.raises(InputError, match=r"a\.nii\.gz takes more memory .*max_reading_mb"):
        keep_upload(data, "a.nii.gz")
    assert not list(home.rglob("*.image"))


# Data sets -----------------------------------------------------------------------------------


def pairs(folder: Path) -> Path:
    for part, data in (("images", picture()), ("masks", binary())):
        (folder / part).mkdir(parents=True)
        (folder / part / "a.png").write_bytes(data)
    return folder


@pytest.mark.parametrize("root", [3, 1.5, True, [], {}, "x" * 300, "x" * 5000, "a\0b", "\ud800"])
def test_a_data_sets_card_with_a_wrong_root_is_told(tmp_path: Path, root: object) -> None:
    (pairs(tmp_path) / "dataset.json").write_text(json.dumps({"root": root}))
    with pytest.raises(AsmaError, match=r"is not the card of a data set|not in .* any more"):
        open_folder(tmp_path, "mine")


@pytest.mark.parametrize(
    "window", [{"low": 0, "high": 10**400}, [10**400, 1], {"low": [], "high": {}}, [1, 2, 3]]
)
def test_a_data_sets_card_with_a_wrong_window_is_told(tmp_path: Path, window: object) -> None:
    (pairs(tmp_path) / "dataset.json").write_text(json.dumps({"window": window}))
    with pytest.raises(AsmaError):
        open_folder(tmp_path, "mine")


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "a\0b", "\ud800", "~nobody-of-this-name"])
def test_a_data_set_of_a_name_that_no_folder_has_is_told(name: str) -> None:
    with pytest.raises(InputError, match="no data set or folder is called"):
        open_dataset(name)


COCO = {
    "images": [{"id": 1, "file_name": "a.png", "height": 64, "width": 64}],
    "categories": [{"id": 1, "name": "disc"}],
    "annotations": [{"image_id": 1, "category_id": 1, "segmentation": [[4, 4, 18, 5, 12, 20]]}],
}


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ("images", "id", [1]),
        ("images", "id", {}),
        ("categories", "id", []),
        ("annotations", "category_id", [1]),
        ("annotations", "image_id", {}),
        ("annotations", "segmentation", [[10**400] * 6]),
    ],
)
def test_annotations_of_values_that_make_no_sense_are_told(
    tmp_path: Path, place: str, key: str, value: object
) -> None:
    content = json.loads(json.dumps(COCO))
    content[place][0][key] = value
    (tmp_path / "a.png").write_bytes(picture())
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError):
        preview(tmp_path)


def test_annotations_of_an_image_that_would_take_all_memory_are_told(tmp_path: Path) -> None:
    content = json.loads(json.dumps(COCO))
    content["images"][0] |= {"height": 60_000, "width": 65_000}
    (tmp_path / "a.png").write_bytes(picture())
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="65000 x 60000 pixels; the limit is 50 million"):
        preview(tmp_path)


# MATLAB --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "?"])
@pytest.mark.parametrize("packed", [False, True])
def test_matrices_are_those_of_scipy(kind: str, packed: bool) -> None:
    from scipy.io import savemat

    values = (np.arange(12).reshape(3, 4) % 2).astype(kind)
    more = {"text": "x", "deep": {"a": 1}, "complex": np.ones((2, 2), complex), "list": [1, "b"]}
    buffer = io.BytesIO()
    savemat(buffer, more | {"mask": values, "cube": np.ones((2, 2, 2))}, do_compression=packed)
    found = matrices(buffer.getvalue(), 1_000_000)["mask"]
    assert np.array_equal(found, values)


@pytest.mark.parametrize("version", ["4", "5"])
def test_a_mask_of_matlab_is_read_and_any_cut_of_it_told(tmp_path: Path, version: str) -> None:
    from scipy.io import savemat

    path, values = tmp_path / "a.mat", np.arange(600).reshape(20, 30)
    savemat(path, {"other": np.zeros((2, 2)), "mask": values}, format=version)
    assert np.array_equal(read_matlab(path), values)
    data = path.read_bytes()
    for length in (0, 1, 3, 4, 100, 126, 127, 128, 130, 136, 150, len(data) // 2, len(data) - 700):
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"a\.mat"):
            read_matlab(path)


# Settings, names, sentences ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'data_roots = ["a"]\0',
        "a = " + "[" * 40_000,
        ".".join("a" * 25_000) + " = 1",
        "max_upload_mb = 2026-11-29",
        "max_upload_mb = 0xffffffffffffffffffffffff",
        'x = "\\ud800"',
        "data_roots = [[1]]",
    ],
)
def test_settings_that_no_reader_should_read_are_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"config\.toml"):
        read_settings(path)


@pytest.mark.parametrize("name", ["a\udcff.png", "\ud800", "x" * 300 + ".png"])
def test_an_upload_may_have_any_name(name: str) -> None:
    assert open_upload(keep_upload(picture(), name)).name == name


@pytest.mark.parametrize("name", ["a\udcff.zip", "\ud800.zip", "x" * 300 + ".zip"])
def test_a_zip_of_any_name_is_told_in_words_that_can_be_shown(name: str) -> None:
    with pytest.raises(InputError, match="is not a zip") as told:
        unpack_series(b"no zip", name)
    assert str(told.value).encode()


def test_a_sentence_can_be_shown_and_is_not_endless() -> None:
    assert str(InputError("a\ud800b; mend it")) == "a\\ud800b; mend it"
    long = str(InputError(f"{'x' * 10**6} can't be; write less"))
    assert len(long) < LONGEST + 10
    assert long.endswith("can't be; write less")


def test_a_picture_is_read_elsewhere_within_the_limit_of_the_owner(home: Path) -> None:
    home.mkdir(parents=True)
    (home / "config.toml").write_text("max_reading_mb = 100\n")
    assert settings().max_reading_mb == 100
    flat = io.BytesIO()
    Image.fromarray(np.zeros((6000, 6000, 3), np.uint8)).save(flat, "PNG")
    with pytest.raises(InputError, match="more memory"):
        read("a.png", check_image, flat.getvalue(), "a.png")
    assert read("a.png", check_image, picture(), "a.png") is None
