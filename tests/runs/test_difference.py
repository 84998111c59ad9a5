"""The picture of a difference: colours worked out by hand, and nothing that cancels."""

from __future__ import annotations

import numpy as np
import pytest

from asma_core.metrics.visibility import delta_e
from asma_core.runs.difference import (
    ABSOLUTE,
    FACTORS,
    GAIN,
    KINDS,
    PERCEPTUAL,
    SIGNED,
    amounts,
    automatic_factor,
    automatic_factors,
    difference_picture,
    largest_change,
    scale_end,
)

WHITE = [255, 255, 255]
PAPER = [0x14, 0x18, 0x1B]
NOISE = np.random.default_rng(3).integers(0, 256, (2, 24, 20, 3)).astype(np.uint8)


def test_no_change_is_white_and_the_ends_are_dark_blue_and_dark_red() -> None:
    original = np.array([[100, 100, 100, 100]], np.uint8)
    changed = np.array([[100, 87, 113, 255]], np.uint8)
    found = difference_picture(original, changed)
    assert found.dtype == np.uint8
    assert found.tolist() == [[WHITE, [0x08, 0x30, 0x6B], [0x67, 0, 0x0D], [0x67, 0, 0x0D]]]


def test_a_change_is_amplified_twenty_times() -> None:
    # 3 of 255 is 0.235 of the range: 0.588 of the way from white to #FB6A4A, which stands at 0.4.
    original = np.array([[100]], np.uint8)
    found = difference_picture(original, original + 3)
    expected = 255 + (3 * 20 / 255 / 0.4) * (np.array([0xFB, 0x6A, 0x4A]) - 255)
    np.testing.assert_allclose(found[0, 0], expected, atol=0.5)


def test_the_channel_that_changed_most_is_shown_so_that_nothing_cancels() -> None:
    original = np.full((1, 4, 3), 100, np.uint8)
    change = np.array([[[6, 0, -6], [-1, 2, -3], [0, 0, 0], [5, 5, 5]]])
    changed = (original + change).astype(np.uint8)
    assert largest_change(original, changed).tolist() == [[6, -3, 0, 5]]
    unchanged = (difference_picture(original, changed) == WHITE).all(axis=-1)
    assert unchanged.tolist() == [[False, False, True, False]]


def test_up_and_down_have_opposite_colours() -> None:
    original = np.full((1, 1), 100, np.uint8)
    red, _, blue = difference_picture(original, original + 4)[0, 0].tolist()
    assert red > blue
    red, _, blue = difference_picture(original, original - 4)[0, 0].tolist()
    assert blue > red


def test_on_a_dark_page_the_zero_is_its_background_and_the_ends_are_light() -> None:
    original = np.array([[100, 100, 100]], np.uint8)
    changed = np.array([[100, 87, 113]], np.uint8)
    found = difference_picture(original, changed, dark=True)
    assert found.tolist() == [[PAPER, [0xC6, 0xDB, 0xEF], [0xFC, 0xBB, 0xA1]]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dark", [False, True])
def test_more_is_stronger_in_both_themes(kind: str, dark: bool) -> None:
    original = np.full((1, 60, 3), 40, np.uint8)
    changed = (original + np.arange(60)[None, :, None]).astype(np.uint8)
    found = difference_picture(original, changed, dark, kind, factor=1).astype(float)
    apart = np.abs(found - found[0, 0]).sum(axis=-1)[0]
    assert apart[0] == 0 and (np.diff(apart) >= 0).all() and apart[-1] > 30


def test_one_channel_and_the_absolute_by_hand() -> None:
    original = np.full((1, 1, 3), 100, np.uint8)
    changed = (original + np.array([6, -9, 1])).astype(np.uint8)
    assert amounts(original, changed).item() == -9
    assert amounts(original, changed, ABSOLUTE).item() == 9
    assert amounts(original, changed, SIGNED, "red").item() == 6
    assert amounts(original, changed, ABSOLUTE, "green").item() == 9
    assert amounts(original[..., 0], changed[..., 0], SIGNED, "blue").item() == 6  # grey has one


def test_the_perceptual_difference_is_ciede2000() -> None:
    np.testing.assert_array_equal(amounts(*NOISE, PERCEPTUAL), delta_e(*NOISE))


def test_the_automatic_factor_brings_all_but_half_a_percent_into_the_scale() -> None:
    changes = np.zeros((20, 50))
    changes[0] = 10.0
    assert automatic_factor(changes) == 25  # 255 / 25 is 10.2; at 30 ten is beyond
    changes[1, :3] = 200.0  # three of a thousand
    assert automatic_factor(changes) == 25
    changes[1] = 200.0
    assert automatic_factor(changes) == 1
    assert automatic_factor(np.full((4, 4), 0.4), PERCEPTUAL) == 100
    assert automatic_factor(np.full((4, 4), 4.0), PERCEPTUAL) == 25


def test_a_change_of_a_few_pixels_is_still_seen_and_none_has_the_usual_factor() -> None:
    changes = np.zeros((100, 100))
    assert automatic_factor(changes) == GAIN
    changes[0, 0] = 5.0
    assert automatic_factor(changes) == 50


def test_several_pictures_have_one_factor() -> None:
    original = np.full((8, 8, 3), 100, np.uint8)
    both = automatic_factors(original, [original + np.uint8(2), original + np.uint8(20)])
    assert both == automatic_factors(original, [original + np.uint8(20)])
    assert both["largest"] == both["red"] == 12 and both["perceptual"] in FACTORS


def test_the_end_of_the_scale_is_told_with_the_digits_that_mean_something() -> None:
    assert [scale_end(SIGNED, factor) for factor in (1, 6, 20, 100)] == ["255", "43", "13", "2.5"]
    assert scale_end(PERCEPTUAL, 20) == "5.0"
