"""The picture of a difference on a page: its scale is in its own colours, and it stays true."""

from __future__ import annotations

import numpy as np
import pytest

from asma_core.runs.difference import difference_picture
from ui.pictures.differences import with_scale


@pytest.mark.parametrize("dark", [False, True])
def test_scale_and_frame_stand_on_it(dark: bool) -> None:
    original = np.full((50, 60, 3), 100, np.uint8)
    picture = difference_picture(original, original + np.uint8(9), dark, factor=20)
    drawn = with_scale(picture, (360, 300), 20, dark)
    assert drawn.shape == (300, 360, 3)
    # In the middle it is as it was: no smoothing makes other colours of it.
    assert (drawn[20:200, 20:340] == picture[0, 0]).all()
    zero = difference_picture(original, original, dark)[0, 0]
    bottom = drawn[270:, :200].reshape(-1, 3)
    # The scale goes from the one end over no change to the other.
    for change in (-13, 0, 13):
        colour = difference_picture(
            original, (original.astype(int) + change).astype(np.uint8), dark
        )[0, 0]
        assert (np.abs(bottom.astype(int) - colour).max(axis=1) <= 4).any()
    assert (drawn[0] == drawn[0, 0]).all() and (drawn[0, 0] != zero).any()


def test_half_of_the_pixels_are_never_blended() -> None:
    original = np.full((4, 4, 3), 100, np.uint8)
    changed = original.copy()
    changed[:, 2:] += 13
    picture = difference_picture(original, changed, factor=20)
    drawn = with_scale(picture, (401, 401), 20, dark=False)
    above = drawn[10:300, 10:390].reshape(-1, 3)
    assert len(np.unique(above, axis=0)) == 2
