"""Shapes become the pixels whose centres they hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asma_core.data.targets.drawing import Ellipse, Polygon, Rectangle, Stroke, rasterise
from asma_core.errors import InputError

EMPTY = np.zeros((60, 80), dtype=np.int64)


def by_even_odd(points: list[tuple[float, float]], shape: tuple[int, int]) -> np.ndarray:
    """Count, for every pixel centre, the edges to its right: the oracle for simple polygons."""
    inside = np.zeros(shape, dtype=bool)
    for row in range(shape[0]):
        for column in range(shape[1]):
            x, y = column + 0.5, row + 0.5
            for (x0, y0), (x1, y1) in zip(points, [*points[1:], points[0]], strict=True):
                if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
                    inside[row, column] = not inside[row, column]
    return inside


def distance_to_segment(shape: tuple[int, int], start: np.ndarray, end: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    along = end - start
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / (along @ along)
    share = share.clip(0, 1)
    return np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])


def test_a_rectangle_is_exact() -> None:
    mask = rasterise(EMPTY, [Rectangle(10, 5, 20, 30, 2)])
    expected = EMPTY.copy()
    expected[5:35, 10:30] = 2
    np.testing.assert_array_equal(mask, expected)


def test_a_rectangle_turned_by_a_right_angle_lies_left_of_its_corner() -> None:
    mask = rasterise(EMPTY, [Rectangle(40, 5, 20, 30, 1, angle=90)])
    expected = EMPTY.copy()
    expected[5:25, 10:40] = 1
    assert (mask != expected).sum() <= 30  # one row or column of centres may tie


@pytest.mark.parametrize("radius", [20, 33.3, 150])
def test_a_circle_has_the_area_pi_r_squared(radius: float) -> None:
    side = int(2 * radius) + 10
    mask = rasterise(
        np.zeros((side, side), np.int64), [Ellipse((side / 2 + 0.3, side / 2), (radius, radius), 1)]
    )
    assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.01)


def test_a_turned_ellipse_agrees_with_its_equation() -> None:
    mask = rasterise(EMPTY, [Ellipse((41.2, 28.7), (25, 9), 1, angle=30)])
    y, x = np.mgrid[:60, :80] + 0.5
    along = (x - 41.2) * np.cos(np.pi / 6) + (y - 28.7) * np.sin(np.pi / 6)
    across = -(x - 41.2) * np.sin(np.pi / 6) + (y - 28.7) * np.cos(np.pi / 6)
    np.testing.assert_array_equal(mask == 1, (along / 25) ** 2 + (across / 9) ** 2 <= 1)


def test_a_concave_polygon_agrees_with_even_odd() -> None:
    points = [(5.3, 4.1), (70.2, 12.9), (30.4, 22.2), (66.0, 55.5), (12.0, 40.0), (25.5, 30.1)]
    mask = rasterise(EMPTY, [Polygon(tuple(points), 1)])
    np.testing.assert_array_equal(mask == 1, by_even_odd(points, EMPTY.shape))


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(-20, 100), st.floats(-20, 80)), min_size=3, max_size=3),
)
def test_any_triangle_agrees_with_even_odd(points: list[tuple[float, float]]) -> None:
    mask = rasterise(EMPTY[:30, :30], [Polygon(tuple(points), 1)])
    assert ((mask == 1) != by_even_odd(points, (30, 30))).sum() <= 2


def test_a_polygon_that_crosses_itself_keeps_its_middle() -> None:
    angles = np.arange(5) * 4 * np.pi / 5
    star = tuple((40 + 25 * np.sin(a), 30 - 25 * np.cos(a)) for a in angles)
    assert rasterise(EMPTY, [Polygon(star, 1)])[30, 40] == 1


def test_a_stroke_covers_what_is_within_half_its_width() -> None:
    start, end = np.array([12.3, 14.0]), np.array([60.1, 41.7])
    mask = rasterise(EMPTY, [Stroke((tuple(start), tuple(end)), 9, 1)])
    near = distance_to_segment(EMPTY.shape, start, end) <= 4.5
    assert ((mask == 1) != near).sum() <= 2


def test_a_straight_stroke_is_as_wide_as_its_brush() -> None:
    mask = rasterise(EMPTY, [Stroke(((10, 30), (70, 30)), 12, 1)])
    assert (mask[:, 40] == 1).sum() == 12


def test_a_single_point_makes_a_dot() -> None:
    mask = rasterise(EMPTY, [Stroke(((40, 30),), 20, 1)])
    assert mask.sum() == pytest.approx(np.pi * 100, rel=0.03)


def test_later_shapes_lie_over_earlier_ones_and_class_0_erases() -> None:
    shapes = [Rectangle(0, 0, 40, 40, 1), Rectangle(10, 10, 20, 20, 2), Rectangle(0, 0, 15, 60, 0)]
    mask = rasterise(EMPTY, shapes)
    assert [mask[5, 5], mask[20, 20], mask[35, 35]] == [0, 2, 1]


def test_the_base_is_left_alone() -> None:
    base = np.ones((8, 8), dtype=np.int64)
    rasterise(base, [Rectangle(0, 0, 8, 8, 0)])
    assert base.all()


@pytest.mark.parametrize(
    "shape",
    [
        Rectangle(500, 500, 20, 20, 1),
        Ellipse((-90, -90), (20, 20), 1),
        Ellipse((10, 10), (0, 5), 1),
        Stroke(((-50, -50), (-20, 400)), 6, 1),
        Polygon(((-9, -9), (-5, -9), (-5, -2)), 1),
    ],
)
def test_nothing_is_painted_outside_the_image(shape: object) -> None:
    assert not rasterise(EMPTY, [shape]).any()


@pytest.mark.parametrize(
    "shape",
    [
        Polygon(((0, 0), (1, 1)), 1),
        Stroke(((float("nan"), 0),), 3, 1),
        Stroke(((1, 1),), 0, 1),
        Rectangle(0, 0, 3, 3, -1),
    ],
)
def test_an_unusable_shape_is_refused(shape: object) -> None:
    with pytest.raises(InputError):
        rasterise(EMPTY, [shape])


def test_a_large_image_is_a_small_one_enlarged() -> None:
    def drawn(size: int) -> np.ndarray:
        unit = size / 4096
        points = tuple(
            (unit * (2000 + 1500 * np.cos(a)), unit * (2000 + 1500 * np.sin(a)))
            for a in np.arange(0, 6, 0.02)
        )
        shapes = [
            Polygon(points, 1),
            Stroke(points, 80 * unit, 2),
            Ellipse((2000 * unit, 2000 * unit), (900 * unit, 900 * unit), 0),
        ]
        return rasterise(np.zeros((size, size), dtype=np.int64), shapes)

    large, small = drawn(4096), drawn(256)
    assert (large[8::16, 8::16] != small).mean() < 0.01
    for label, area in ((0, 900**2 * np.pi + 4096**2 - 1540**2 * np.pi), (2, 6 * 1500 * 80)):
        assert (large == label).sum() == pytest.approx(area, rel=0.05)
