"""Objects of the canvas become the shapes that the pointer drew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from asma_core.data.targets.drawing import Ellipse, Polygon, Rectangle, Stroke
from ui.editor.fabric_shapes import to_shapes

CLASSES = {"yellow": 1, "grey": 0}


def item(kind: str, **values: Any) -> dict[str, Any]:
    common = {
        "type": kind, "stroke": "yellow", "strokeWidth": 1, "originX": "left", "originY": "top",
        "scaleX": 1, "scaleY": 1, "angle": 0,
    }  # fmt: skip
    return {**common, **values}


def one(obj: dict[str, Any], scale: tuple[float, float] = (1.0, 1.0)) -> Any:
    (shape,) = to_shapes([obj], scale, CLASSES)
    return shape


def test_a_rectangle_is_what_the_pointer_spanned() -> None:
    shape = one(item("Rect", left=10, top=20, width=30, height=40), scale=(2.0, 4.0))
    assert shape == Rectangle(5, 5, 15, 10, 1)


def test_a_circle_spans_from_the_press_to_the_release() -> None:
    drawn = item(
        "Circle", left=10, top=50, originY="center", width=40, height=40, radius=20, angle=90
    )
    shape = one(drawn)
    assert isinstance(shape, Ellipse)
    assert shape.radii == (20, 20)
    np.testing.assert_allclose(shape.centre, (10, 70), atol=1e-9)


def test_a_polygon_keeps_its_corners_and_its_shift() -> None:
    points = [{"x": 10, "y": 10}, {"x": 50, "y": 10}, {"x": 30, "y": 40}]
    placed = {"points": points, "width": 40, "height": 30, "top": 9.5}
    still = one(item("Polygon", left=9.5, **placed))
    moved = one(item("Polygon", left=19.5, **placed))
    assert still == Polygon(((10, 10), (50, 10), (30, 40)), 1)
    assert moved == Polygon(((20, 10), (60, 10), (40, 40)), 1)


def test_a_stroke_is_as_wide_in_the_image_as_on_the_canvas() -> None:
    path = [["M", 10, 10], ["Q", 10, 10, 20, 10], ["L", 30, 10]]
    drawn = item("Path", path=path, left=7, top=7, width=20, height=0, strokeWidth=6)
    shape = one(drawn, scale=(2.0, 2.0))
    assert isinstance(shape, Stroke)
    assert shape.width == 3
    np.testing.assert_allclose(shape.points[0], (5, 5))
    np.testing.assert_allclose(shape.points[-1], (15, 5))


def test_a_click_without_a_drag_is_no_shape() -> None:
    assert to_shapes([item("Rect", left=3, top=3, width=1, height=1)], (1, 1), CLASSES) == ()


def test_objects_of_unknown_colour_or_kind_are_left_out() -> None:
    unknown = [
        item("Rect", left=0, top=0, width=9, height=9, stroke="red"),
        item("IText", left=0, top=0, width=9, height=9),
    ]
    assert to_shapes(unknown, (1, 1), CLASSES) == ()


def test_the_order_and_the_eraser_are_kept() -> None:
    first = item("Rect", left=0, top=0, width=9, height=9)
    shapes = to_shapes([first, {**first, "stroke": "grey"}], (1, 1), CLASSES)
    assert [shape.class_index for shape in shapes] == [1, 0]


@pytest.mark.parametrize("angle", [30, 90])
def test_a_turned_rectangle_becomes_its_corners(angle: float) -> None:
    shape = one(item("Rect", left=50, top=50, width=20, height=10, angle=angle))
    assert isinstance(shape, Polygon)
    turn = np.deg2rad(angle)
    far = (50 + 20 * np.cos(turn), 50 + 20 * np.sin(turn))
    np.testing.assert_allclose(shape.points[:2], [(50, 50), far], atol=1e-9)
