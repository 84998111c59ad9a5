"""Shapes go to the browser and back; what the browser can't mean is passed over."""

from __future__ import annotations

from typing import Any

import pytest

from asma_core.data.targets.drawing import Ellipse, Polygon, Rectangle, Stroke
from ui.editor.shapes import MOST_SHAPES, checked_items, checked_points, to_items, to_shapes

SHAPES = (
    Stroke(((1.0, 2.0), (3.0, 4.5)), 7.0, 1),
    Polygon(((0.0, 0.0), (9.0, 0.0), (4.0, 5.0)), 2),
    Rectangle(1.0, 2.0, 3.0, 4.0, 1),
    Ellipse((5.0, 6.0), (2.0, 3.0), 0),
)


def test_shapes_come_back_as_they_went() -> None:
    items = checked_items(to_items(SHAPES))
    assert to_shapes(items, "target") == SHAPES
    assert to_shapes(items, "region") == ()


GOOD = to_items(SHAPES)[2]


@pytest.mark.parametrize(
    "bad",
    [
        None,
        {},
        GOOD | {"class": -1},
        GOOD | {"class": True},
        GOOD | {"class": 256},
        GOOD | {"width": 0},
        GOOD | {"left": float("nan")},
        GOOD | {"left": 1e9},
        GOOD | {"left": "1"},
        GOOD | {"kind": "star"},
        GOOD | {"layer": "sky"},
        {"kind": "polygon", "points": [[0, 0], [1, 1]], "class": 1, "layer": "target"},
        {"kind": "stroke", "points": [], "width": 2, "class": 1, "layer": "target"},
        {"kind": "ellipse", "centre": [1], "radii": [1, 1], "class": 1, "layer": "target"},
    ],
)
def test_nonsense_is_left_out(bad: Any) -> None:
    assert checked_items([bad, GOOD]) == [GOOD]


@pytest.mark.parametrize("items", [None, {}, "x", 3])
def test_no_list_is_no_shape(items: Any) -> None:
    assert checked_items(items) == []


def test_there_is_an_end_to_it() -> None:
    assert len(checked_items([GOOD] * (MOST_SHAPES + 5))) == MOST_SHAPES


def test_corners_are_numbers_or_none() -> None:
    assert checked_points([[1, 2], [3, 4]]) == [[1.0, 2.0], [3.0, 4.0]]
    assert checked_points([[1, "x"]]) == []
    assert checked_points(7) == []
