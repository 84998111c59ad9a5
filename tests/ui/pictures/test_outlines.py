"""Outlines lie where the masks end, in their colour and style."""

from __future__ import annotations

import numpy as np
import pytest

from asma_core.data.masks.palette import TARGET
from asma_core.errors import InputError
from ui.pictures.border_tracing import contours
from ui.pictures.outlines import Layer, fit_size, outline, resize

GREY = np.full((80, 120, 3), 90, dtype=np.uint8)


def box(shape: tuple[int, int] = (80, 120)) -> np.ndarray:
    mask = np.zeros(shape, dtype=np.int64)
    mask[shape[0] // 4 : 3 * shape[0] // 4, shape[1] // 4 : 3 * shape[1] // 4] = 1
    return mask


def test_a_single_pixel_has_four_corners() -> None:
    labels = np.zeros((4, 5), dtype=np.int64)
    labels[1, 2] = 1
    (line,) = contours(labels, 1)
    np.testing.assert_array_equal(line, [(2, 1), (3, 1), (3, 2), (2, 2), (2, 1)])


def test_every_border_edge_is_traced_once() -> None:
    labels = np.random.default_rng(3).integers(0, 2, (30, 40))
    padded = np.pad(labels, 1)
    expected = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    lines = contours(labels, 1)
    assert sum(len(line) - 1 for line in lines) == expected
    assert all((line[0] == line[-1]).all() for line in lines)


def test_a_border_between_classes_is_left_to_the_higher_one() -> None:
    labels = np.zeros((10, 10), dtype=np.int64)
    labels[2:8, 2:8] = 1
    labels[4:6, 4:8] = 2  # touches the right side of class 1
    lengths = {k: sum(len(line) - 1 for line in contours(labels, k)) for k in (1, 2)}
    assert lengths == {1: 24 - 2, 2: 12}


def test_the_line_is_two_pixels_wide_with_a_dark_halo() -> None:
    row = outline(GREY, [Layer(box(), TARGET)])[40]
    yellow = (row[:60] == TARGET.rgb).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(yellow), [29, 30])
    assert row[28].max() < 90
    assert row[31].max() < 90
    np.testing.assert_array_equal(row[35:55], GREY[40, 35:55])


def test_a_small_mask_is_stretched_over_a_large_picture() -> None:
    row = outline(GREY, [Layer(box((20, 30)), TARGET)])[40]
    np.testing.assert_array_equal(np.flatnonzero(row[:60, 0] > 200), [27, 28])


def test_a_mask_finer_than_the_picture_lies_at_the_same_place() -> None:
    coarse = outline(GREY, [Layer(box(), TARGET)]).astype(int)
    fine = outline(GREY, [Layer(box((800, 1200)), TARGET)]).astype(int)
    assert np.abs(coarse - fine).mean() < 1


def test_the_second_class_is_dashed() -> None:
    solid = outline(GREY, [Layer(box(), TARGET)])
    dashed = outline(GREY, [Layer(2 * box(), TARGET)])
    share = [(picture[20, 32:88, 0] > 200).mean() for picture in (solid, dashed)]
    assert share[0] == 1
    assert 0.4 < share[1] < 0.9


def test_fill_colours_a_quarter_of_the_inside() -> None:
    filled = outline(GREY, [Layer(box(), TARGET, fill=True)])
    expected = 0.75 * 90 + 0.25 * np.array(TARGET.rgb)
    np.testing.assert_allclose(filled[40, 60], expected, atol=1.5)
    np.testing.assert_array_equal(filled[5, 5], GREY[5, 5])


def test_an_empty_mask_changes_nothing() -> None:
    np.testing.assert_array_equal(outline(GREY, [Layer(0 * box(), TARGET)]), GREY)


def test_a_mask_of_booleans_will_do() -> None:
    as_labels, as_booleans = (outline(GREY, [Layer(m, TARGET)]) for m in (box(), box() > 0))
    np.testing.assert_array_equal(as_labels, as_booleans)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((569, 428), (482, 640)), ((256, 256), (640, 640)), ((10, 999), (640, 6))],
)
def test_a_size_fits_and_keeps_its_proportions(shape: tuple[int, int], expected: tuple) -> None:
    width, height = fit_size(shape, 640, 640)
    assert abs(width - expected[0]) + abs(height - expected[1]) <= 1


def test_a_picture_that_fits_is_the_same() -> None:
    assert resize(GREY, (120, 80)) is GREY


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_what_is_no_picture_is_refused(image: np.ndarray) -> None:
    with pytest.raises(InputError):
        outline(image, [])
