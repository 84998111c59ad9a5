"""CIEDE2000 against the published pairs, and the figures of pictures worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asma_core.metrics.colour import ciede2000, srgb_to_lab
from asma_core.metrics.visibility import delta_e, mean_delta_e, sampled, visibility

# Sharma, Wu and Dalal, Color Research and Application 30(1), 2005, table 1.
PAIRS = """
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.0200 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1.0000
50 -1.1848 -84.8006 50 0 -82.7485 1.0000
50 -0.9009 -85.5211 50 0 -82.7485 1.0000
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.49 -0.001 50 -2.49 0.0009 7.1792
50 2.49 -0.001 50 -2.49 0.0010 7.1792
50 2.49 -0.001 50 -2.49 0.0011 7.2195
50 2.49 -0.001 50 -2.49 0.0012 7.2195
50 -0.001 2.49 50 0.0009 -2.49 4.8045
50 -0.001 2.49 50 0.0010 -2.49 4.8045
50 -0.001 2.49 50 0.0011 -2.49 4.7461
50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492
50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.9030
50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 0.5854 1.0000
50 2.5 0 50 3.2972 0 1.0000
50 2.5 0 50 1.8634 0.5757 1.0000
50 2.5 0 50 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
"""
TABLE = np.array([line.split() for line in PAIRS.split("\n") if line], dtype=float)


@pytest.mark.parametrize("pair", TABLE, ids=[str(place) for place in range(1, len(TABLE) + 1)])
def test_ciede2000_of_the_published_pairs_both_ways(pair: np.ndarray) -> None:
    one, other, expected = pair[:3], pair[3:6], pair[6]
    # Four digits are published, and each pair as seen from both sides.
    assert float(ciede2000(one, other)) == pytest.approx(expected, abs=5.1e-5)
    assert float(ciede2000(other, one)) == pytest.approx(expected, abs=5.1e-5)


def test_known_colours_in_cielab() -> None:
    colours = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [119, 119, 119]], np.uint8)
    expected = [[100, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [50.03, 0, 0]]
    np.testing.assert_allclose(srgb_to_lab(colours), expected, atol=0.02)


levels = st.lists(st.integers(0, 255), min_size=6, max_size=6)


@given(values=levels)
def test_ciede2000_is_symmetric_and_zero_for_the_same(values: list[int]) -> None:
    one, other = srgb_to_lab(np.array(values, np.uint8).reshape(2, 3))
    assert float(ciede2000(one, other)) == pytest.approx(float(ciede2000(other, one)), abs=1e-9)
    assert float(ciede2000(one, one)) == 0.0
    assert math.isfinite(float(ciede2000(one, other)))


def test_the_figures_by_hand() -> None:
    original = np.full((20, 20, 3), 100, np.uint8)
    changed = original.copy()
    changed[:2] += 3  # a tenth of the pixels, by more than two grey levels
    changed[2:4, :, 0] += 2  # and as many by two
    found = visibility(original, changed)
    assert found.changed == pytest.approx(0.1)
    assert found.linf == pytest.approx(3 / 255, abs=1e-6)
    square = (40 * 3 * 9 + 40 * 4) / 255**2
    assert found.l2 == pytest.approx(math.sqrt(square), abs=1e-5)
    assert found.psnr == pytest.approx(-10 * math.log10(square / 1200), abs=1e-3)
    apart = delta_e(original, changed)
    assert (apart[4:] == 0).all() and (apart[:4] > 0).all()
    assert found.delta_e_mean == pytest.approx(float(apart.mean()))
    assert found.delta_e_99 == pytest.approx(float(apart[2, 0]) if apart[2, 0] > apart[0, 0]
                                             else float(apart[0, 0]))  # fmt: skip


def test_what_is_asked_for_twice_can_not_be_changed_in_between() -> None:
    original, changed = np.zeros((4, 4), np.uint8), np.full((4, 4), 9, np.uint8)
    first = delta_e(original, changed)
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 0.0
    # The pictures may be changed, and are others then.
    changed[0, 0] = 0
    assert delta_e(original, changed)[0, 0] == 0.0 < first[0, 0]


def test_a_grey_picture_is_one_of_three_alike_channels() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    other = np.roll(grey, 1, axis=0)
    coloured = [np.stack([each] * 3, axis=-1) for each in (grey, other)]
    np.testing.assert_array_equal(delta_e(grey, other), delta_e(coloured[0], coloured[1]))


def test_a_large_picture_is_looked_at_on_an_even_grid() -> None:
    pixels = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert sampled(pixels, most=100) is pixels
    assert sampled(pixels, most=25).tolist() == pixels[::2, ::2].tolist()
    assert sampled(pixels, most=24).size <= 24


def test_the_mean_difference_is_of_grey_and_rgb_pictures_only() -> None:
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    other = grey + np.uint8(2)
    seen = float(delta_e(grey, other).mean())
    assert seen > 0
    assert mean_delta_e(grey, other) == pytest.approx(seen)
    assert math.isnan(mean_delta_e(np.stack([grey] * 4, axis=-1), np.stack([other] * 4, axis=-1)))


def test_no_change_is_not_visible() -> None:
    flat = np.full((12, 12), 90, np.uint8)
    found = visibility(flat, flat)
    assert (found.delta_e_mean, found.delta_e_99, found.changed, found.l2) == (0, 0, 0, 0)
    assert found.ssim == pytest.approx(1.0) and math.isnan(found.psnr)
