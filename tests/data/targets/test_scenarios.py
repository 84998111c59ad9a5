"""The scenarios make the masks that their names promise."""

from __future__ import annotations

import numpy as np
import pytest

from asma_core.data.targets.scenarios import (
    SCENARIOS,
    enlarge_class,
    get_scenario,
    grow,
    hide,
    mirror,
    move,
    shrink,
)
from asma_core.errors import InputError, UnknownNameError

SHAPE = (120, 160)
Y, X = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5


def disc(x: float, y: float, radius: float) -> np.ndarray:
    return np.hypot(X - x, Y - y) <= radius


def eye() -> np.ndarray:
    """A disc of radius 30 about (70, 60), with a cup of radius 15 somewhat to its right."""
    return disc(70, 60, 30).astype(np.int64) + disc(75, 60, 15)


def areas(mask: np.ndarray) -> np.ndarray:
    return np.bincount(mask.ravel(), minlength=3)[1:]


def test_hide_leaves_only_background() -> None:
    assert not hide(eye()).any()


def test_hide_can_take_one_class_away() -> None:
    hidden = hide(eye(), classes=(2,))
    np.testing.assert_array_equal(hidden == 1, eye() == 1)
    assert not (hidden == 2).any()


@pytest.mark.parametrize(("change", "percent", "factor"), [(grow, 50, 1.5), (shrink, 40, 0.6)])
def test_each_class_changes_by_the_share_that_was_asked(change, percent, factor) -> None:
    np.testing.assert_allclose(areas(change(eye(), percent)), factor * areas(eye()), rtol=0.01)


@pytest.mark.parametrize(("change", "percent", "radius"), [(grow, 44, 36), (shrink, 36, 24)])
def test_a_disc_stays_a_disc(change, percent: float, radius: float) -> None:
    changed = change(disc(70, 60, 30).astype(np.int64), percent) > 0
    off = changed != disc(70, 60, radius)
    distance = np.abs(np.hypot(X - 70, Y - 60) - radius)
    assert distance[off].max(initial=0) < 1


def test_grow_and_shrink_keep_what_they_began_with() -> None:
    assert ((grow(eye(), 30) > 0) >= (eye() > 0)).all()
    assert ((shrink(eye(), 30) > 0) <= (eye() > 0)).all()


def test_grow_stops_at_the_border_of_the_image() -> None:
    full = np.ones((10, 10), dtype=np.int64)
    np.testing.assert_array_equal(grow(full, 50), full)


def test_shrink_never_loses_the_structure() -> None:
    dot = np.zeros((9, 9), dtype=np.int64)
    dot[4, 4] = 2
    np.testing.assert_array_equal(shrink(dot, 95), dot)


def test_two_structures_grow_alike() -> None:
    pair = (disc(40, 60, 15) | disc(120, 60, 15)).astype(np.int64)
    grown = grow(pair, 50)
    left, right = grown[:, :80].sum(), grown[:, 80:].sum()
    assert left == pytest.approx(right, rel=0.02)


def test_move_shifts_by_fractions_of_width_and_height() -> None:
    moved = move(eye(), 0.25, -0.1)
    expected = np.zeros_like(eye())
    expected[:-12, 40:] = eye()[12:, :-40]
    np.testing.assert_array_equal(moved, expected)


def test_what_is_moved_out_does_not_come_back_on_the_other_side() -> None:
    moved = move(eye(), 0.5, 0.0)
    assert not moved[:, :80].any()
    assert 0 < moved.astype(bool).sum() < eye().astype(bool).sum()


def test_mirror_swaps_the_sides_of_the_image() -> None:
    np.testing.assert_array_equal(mirror(eye()), eye()[:, ::-1])
    np.testing.assert_array_equal(mirror(eye(), "vertical"), eye()[::-1])


def test_mirror_about_the_structure_keeps_its_outline_and_moves_the_cup() -> None:
    mirrored = mirror(eye(), about="structure")
    np.testing.assert_array_equal(mirrored > 0, eye() > 0)
    assert X[mirrored == 2].mean() == pytest.approx(65, abs=0.6)


def test_the_cup_grows_inside_a_disc_that_stays() -> None:
    larger = enlarge_class(eye(), 80)
    np.testing.assert_array_equal(larger > 0, eye() > 0)
    assert areas(larger)[1] == round(1.8 * areas(eye())[1])
    assert ((larger == 2) >= (eye() == 2)).all()


def test_a_cup_never_outgrows_its_disc() -> None:
    larger = enlarge_class(eye(), 400)
    assert areas(larger)[1] == (eye() > 0).sum()


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_empty_mask_is_refused_in_plain_words(name: str) -> None:
    with pytest.raises(InputError, match=r"the mask (shows|has) no"):
        get_scenario(name).apply(np.zeros(SHAPE, dtype=np.int64))


@pytest.mark.parametrize(
    ("change", "percent"), [(grow, 0), (grow, 401), (shrink, 96), (shrink, -5), (enlarge_class, 0)]
)
def test_a_share_out_of_range_is_refused(change, percent: float) -> None:
    with pytest.raises(InputError, match="expected percent"):
        change(eye(), percent)


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("grow", {"percent": 401.0}, "percent is 401.0; it must be at least 5 and at most 400"),
        ("shrink", {"percent": 96.0}, "at least 5 and at most 95"),
        ("enlarge_class", {"percent": "much"}, "a number"),
        ("move", {"dx": -1.5}, "dx is -1.5; it must be at least -1 and at most 1"),
        ("mirror", {"axis": "diagonal"}, '"horizontal" or "vertical"'),
    ],
)
def test_a_setting_out_of_its_declared_range_is_refused(
    name: str, values: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        get_scenario(name).apply(eye(), values)


@pytest.mark.parametrize("shift", [(1.0, 0.0), (1.2, 0.0)])
def test_a_structure_moved_out_of_the_image_is_refused(shift: tuple[float, float]) -> None:
    with pytest.raises(InputError):
        move(eye(), *shift)


def test_a_class_that_is_absent_is_refused() -> None:
    with pytest.raises(InputError, match="no class 2"):
        enlarge_class(disc(70, 60, 30).astype(np.int64), 50)


@pytest.mark.parametrize("bad", [np.zeros((2, 3, 3), np.int64), np.zeros((3, 3))])
def test_what_is_no_label_mask_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected a label mask"):
        hide(bad)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_works_with_its_defaults(name: str) -> None:
    before = eye()
    changed = get_scenario(name).apply(before)
    assert changed.shape == SHAPE
    assert changed.dtype == np.int64
    assert (changed != before).any()
    np.testing.assert_array_equal(before, eye())


def test_unknown_names_say_what_there_is() -> None:
    with pytest.raises(UnknownNameError, match="hide, grow"):
        get_scenario("explode")
    with pytest.raises(UnknownNameError, match="percent"):
        get_scenario("grow").apply(eye(), {"pixels": 3})
    with pytest.raises(UnknownNameError, match="horizontal"):
        mirror(eye(), "diagonal")  # type: ignore[arg-type]
