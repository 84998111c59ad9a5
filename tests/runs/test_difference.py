"""The picture of a difference: colours worked out by hand, and nothing that cancels."""

from __future__ import annotations

import numpy as np

from asma_core.runs.difference import difference_picture, largest_change

GREY = [0xD9, 0xD9, 0xD9]


def test_no_change_is_grey_and_the_ends_are_dark_blue_and_dark_red() -> None:
    original = np.array([[100, 100, 100, 100]], np.uint8)
    changed = np.array([[100, 87, 113, 255]], np.uint8)
    found = difference_picture(original, changed)
    assert found.dtype == np.uint8
    assert found.tolist() == [[GREY, [0x08, 0x30, 0x6B], [0x67, 0, 0x0D], [0x67, 0, 0x0D]]]


def test_a_change_is_amplified_twenty_times() -> None:
    # 3 of 255 is 0.235 of the range: 0.588 of the way from grey to #FB6A4A, which stands at 0.4.
    original = np.array([[100]], np.uint8)
    found = difference_picture(original, original + 3)
    expected = 0xD9 + (3 * 20 / 255 / 0.4) * (np.array([0xFB, 0x6A, 0x4A]) - 0xD9)
    np.testing.assert_allclose(found[0, 0], expected, atol=0.5)


def test_the_channel_that_changed_most_is_shown_so_that_nothing_cancels() -> None:
    original = np.full((1, 4, 3), 100, np.uint8)
    change = np.array([[[6, 0, -6], [-1, 2, -3], [0, 0, 0], [5, 5, 5]]])
    changed = (original + change).astype(np.uint8)
    assert largest_change(original, changed).tolist() == [[6, -3, 0, 5]]
    unchanged = (difference_picture(original, changed) == GREY).all(axis=-1)
    assert unchanged.tolist() == [[False, False, True, False]]


def test_up_and_down_have_opposite_colours() -> None:
    original = np.full((1, 1), 100, np.uint8)
    red, _, blue = difference_picture(original, original + 4)[0, 0].tolist()
    assert red > blue
    red, _, blue = difference_picture(original, original - 4)[0, 0].tolist()
    assert blue > red


def test_on_a_dark_page_the_grey_is_dark_and_the_ends_are_light() -> None:
    original = np.array([[100, 100, 100]], np.uint8)
    changed = np.array([[100, 87, 113]], np.uint8)
    found = difference_picture(original, changed, dark=True)
    assert found.tolist() == [[[0x32, 0x38, 0x3C], [0xC6, 0xDB, 0xEF], [0xFC, 0xBB, 0xA1]]]
