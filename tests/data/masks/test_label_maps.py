"""Masks are read exactly, and what is no mask is told."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from asma_core.data.masks.label_maps import (
    check_labels,
    encode_mask,
    flat_palette,
    mask_values,
    read_mask,
)
from asma_core.data.masks.palette import CLASS_COLOURS
from asma_core.errors import InputError


def grid(*values: int) -> np.ndarray:
    """A 16 x 16 mask in which these values stand in turn."""
    return np.resize(np.array(values), (16, 16))


def file_of(values: np.ndarray, kind: str = "PNG", dtype: object = np.uint8) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values.astype(dtype)).save(buffer, format=kind)
    return buffer.getvalue()


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 256))
def test_a_written_mask_is_read_back_exactly(seed: int, classes: int) -> None:
    labels = np.random.default_rng(seed).integers(0, classes, (18, 21))
    mask = read_mask(encode_mask(labels), classes if classes != 256 else 257)
    valid = (labels != 255) if labels.max() == 255 and classes == 255 else np.ones_like(labels)
    assert mask.labels.dtype == np.int64
    assert np.array_equal(mask.labels, labels)
    assert mask.valid.all() == valid.all()


def test_a_written_mask_is_readable_by_people() -> None:
    picture = Image.open(io.BytesIO(encode_mask(grid(0, 1, 2))))
    assert picture.mode == "P"
    shown = np.asarray(picture.convert("RGB"))
    assert [tuple(shown[0, column]) for column in range(3)] == list(CLASS_COLOURS[:3])
    assert len(flat_palette()) == 768


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("palette", [True, False])
def test_class_numbers_in_grey_and_in_a_palette(kind: str, palette: bool) -> None:
    picture = Image.fromarray(grid(0, 1, 2).astype(np.uint8))
    if palette:
        picture.putpalette([9, 9, 9, 200, 0, 0, 0, 200, 0])
    buffer = io.BytesIO()
    picture.save(buffer, format=kind)
    mask = read_mask(buffer.getvalue(), 3)
    assert np.array_equal(mask.labels, grid(0, 1, 2))
    assert mask.valid.all()


def test_class_numbers_in_equal_colours_and_in_16_bits() -> None:
    values = grid(0, 2, 1)
    colours = np.repeat(values[..., None], 3, axis=2)
    assert np.array_equal(read_mask(file_of(colours), 3).labels, values)
    assert np.array_equal(read_mask(file_of(values, dtype=np.uint16), 3).labels, values)
    assert np.array_equal(read_mask(file_of(values, "TIFF", np.float32), 3).labels, values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (grid(0, 255), grid(0, 1)),
        (grid(255), grid(1)),
        (grid(0), grid(0)),
        (grid(0, 1), grid(0, 1)),
        (grid(1), grid(1)),
        (grid(0, 3, 20, 127, 128, 200, 255), grid(0, 0, 0, 0, 1, 1, 1)),
    ],
)
def test_two_classes_in_greys(values: np.ndarray, expected: np.ndarray) -> None:
    mask = read_mask(file_of(values), 2)
    assert np.array_equal(mask.labels, expected)
    assert mask.valid.all()


@pytest.mark.parametrize("top", [65535, 4095])
def test_two_classes_in_greys_of_more_bits(top: int) -> None:
    mask = read_mask(file_of(grid(0, top, top // 3), dtype=np.uint16), 2)
    assert np.array_equal(mask.labels, grid(0, 1, 0))


def test_one_bit_is_two_classes() -> None:
    assert np.array_equal(read_mask(file_of(grid(0, 1), dtype=bool), 2).labels, grid(0, 1))


def test_a_threshold_splits_where_it_says() -> None:
    mask = read_mask(file_of(grid(0, 20, 21, 255)), 2, threshold=20)
    assert np.array_equal(mask.labels, grid(0, 0, 1, 1))
    with pytest.raises(InputError, match="a threshold makes two classes"):
        read_mask(file_of(grid(0, 1)), 3, threshold=20)


@pytest.mark.parametrize("classes", [2, 3])
def test_255_beside_class_numbers_is_void(classes: int) -> None:
    values = grid(0, classes - 1, 255)
    mask = read_mask(file_of(values), classes)
    assert np.array_equal(mask.valid, values != 255)
    assert np.array_equal(mask.labels, grid(0, classes - 1, 0))


@pytest.mark.parametrize(
    ("values", "classes", "sentence"),
    [
        (grid(0, 1, 2), 2, "me.png holds the value 2, but the classes are 0 to 1"),
        (grid(0, 100), 2, "holds the value 100"),
        (grid(0, 1, 3), 3, "holds the value 3, but the classes are 0 to 2"),
        (grid(0, 255), 3, "holds the value 255"),
        (grid(0, 128, 255), 3, "holds the value 128"),
    ],
)
def test_a_value_that_is_no_class_is_told(values: np.ndarray, classes: int, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_mask(file_of(values), classes, "me.png")


@pytest.mark.parametrize("values", [grid(0, 1) - 1, grid(0, 1) * 70_000, grid(0, 1) * 0.5])
def test_values_that_can_be_no_class_number_are_told(values: np.ndarray) -> None:
    kind = np.float32 if values.dtype == np.float64 else np.int32
    with pytest.raises(InputError, match="no class numbers"):
        read_mask(file_of(values, "TIFF", kind), 2)
    with pytest.raises(InputError, match="no class numbers"):
        read_mask(file_of(np.full((16, 16), np.nan), "TIFF", np.float32), 2)


def test_colours_are_told() -> None:
    colours = np.zeros((16, 16, 3), np.uint8)
    colours[4:, 4:, 0] = 255
    with pytest.raises(InputError, match="a mask in colours; save it as class numbers"):
        read_mask(file_of(colours), 2)


def test_broken_files_are_told_by_their_name(tmp_path: Path) -> None:
    path = tmp_path / "mask 😀.png"
    noise = np.random.default_rng(0).integers(0, 2, (64, 64))
    path.write_bytes(file_of(noise)[:300])
    with pytest.raises(InputError, match=r"mask 😀.png is truncated"):
        read_mask(path, 2)
    with pytest.raises(InputError, match="the mask is empty"):
        read_mask(b"", 2)


def test_values_are_read_as_they_are() -> None:
    assert np.array_equal(mask_values(file_of(grid(0, 7, 255))), grid(0, 7, 255))


def test_another_size_and_other_classes_are_told() -> None:
    check_labels(grid(0, 1), (16, 16), 2, "a target")
    with pytest.raises(InputError, match="a target of 20 x 30 pixels like the image, got 16 x 16"):
        check_labels(grid(0, 1), (30, 20), 2, "a target")
    with pytest.raises(InputError, match="a target holds class 2, but there is only 0 to 1"):
        check_labels(grid(0, 2), (16, 16), 2, "a target")
    with pytest.raises(InputError, match="a target holds class -1"):
        check_labels(grid(0, -1), (16, 16), 2, "a target")


@pytest.mark.parametrize(("top", "middle"), [(65535, 32767), (4095, 2047), (1000, 500)])
def test_the_middle_of_more_bits_is_still_the_lower_class(top: int, middle: int) -> None:
    mask = read_mask(file_of(grid(0, middle, middle + 1, top), dtype=np.uint16), 2)
    assert np.array_equal(mask.labels, grid(0, 0, 1, 1))


@pytest.mark.parametrize(("top", "fits"), [(127, False), (128, True), (255, True), (256, True)])
def test_greys_that_all_are_dark_are_no_mask(top: int, fits: bool) -> None:
    values = file_of(grid(0, 2, top), dtype=np.uint16)
    if fits:
        assert np.array_equal(read_mask(values, 2).labels, grid(0, 0, 1))
    else:
        with pytest.raises(InputError, match="holds the value 2, but the classes are 0 to 1"):
            read_mask(values, 2)


CASES = Path(__file__).resolve().parents[4] / "shared" / "cases"


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("colour", [0, 255, 90])
def test_a_shape_that_only_the_transparency_shows(mode: str, colour: int) -> None:
    shape = 255 * grid(0, 1, 1).astype(np.uint8)
    picture = Image.new("L", (16, 16), colour).convert(mode)
    picture.putalpha(Image.fromarray(shape))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    mask = read_mask(buffer.getvalue(), 2)
    assert np.array_equal(mask.labels, grid(0, 1, 1)) and mask.valid.all()


@pytest.mark.parametrize("opacity", [(0, 255, 255), (0, 0, 0), (255, 255, 255), (9, 255, 255)])
def test_a_shape_that_the_colour_shows_is_read_from_it(opacity: tuple[int, ...]) -> None:
    picture = Image.fromarray(grid(0, 1, 2).astype(np.uint8)).convert("LA")
    picture.putalpha(Image.fromarray(grid(*opacity).astype(np.uint8)))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    assert np.array_equal(read_mask(buffer.getvalue(), 3).labels, grid(0, 1, 2))


@pytest.mark.skipif(not CASES.exists(), reason="../shared/cases is not there")
def test_the_case_of_a_white_shape_on_white() -> None:
    assert read_mask(CASES / "msk" / "alpha_white.png", 2).labels.sum() == 1513
