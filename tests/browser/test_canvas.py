"""What is drawn with the mouse becomes the mask, to within one pixel of the image."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

PAGE = Path(__file__).with_name("canvas_page.py")
SIZES = ["428x569", "256x256", "1500x1000"]
Point = tuple[float, float]


class Canvas:
    """The canvas in the page: positions are fractions of its width and height."""

    def __init__(self, page: Page, path: Path, size: str) -> None:
        self.page, self.path = page, path
        self.width, self.height = (int(part) for part in size.split("x"))
        self.tool, self.class_name = "Brush", "rim"
        expect(page.get_by_text("ready: Brush, rim", exact=True)).to_be_visible()
        self.surface = page.locator("canvas.upper-canvas").last
        self.measure()

    def measure(self) -> None:
        """Note where the canvas is, once it has stopped moving: widgets above it come in late."""
        self.surface.hover(trial=True)
        self.box = self.surface.bounding_box()
        assert self.box is not None

    def _at(self, point: Point) -> Point:
        # Whole pixels of the screen, as a mouse has them.
        return (
            round(self.box["x"] + point[0] * self.box["width"]),
            round(self.box["y"] + point[1] * self.box["height"]),
        )

    def image_point(self, point: Point) -> np.ndarray:
        """Return where in the image the mouse is, worked out from the screen."""
        x, y = self._at(point)
        share = np.array([(x - self.box["x"]) / self.shown[0], (y - self.box["y"]) / self.shown[1]])
        return share * (self.width, self.height)

    @property
    def shown(self) -> Point:
        scale = 640 / max(self.width, self.height)
        return round(self.width * scale), round(self.height * scale)

    def choose(self, name: str) -> None:
        chosen = self.page.get_by_role("radio", name=name, exact=True)
        chosen.click()
        expect(chosen).to_be_checked()
        expect(self.page.get_by_text(f"ready: {self._state(name)}", exact=True)).to_be_visible()
        self.measure()

    def _state(self, name: str) -> str:
        """Return what the page says once the canvas has got this tool or class."""
        self.class_name = name if name in ("rim", "cup") else self.class_name
        self.tool = self.tool if name in ("rim", "cup") else name
        return f"{self.tool}, {self.class_name}"

    def drag(self, *points: Point) -> None:
        mouse = self.page.mouse
        mouse.move(*self._at(points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self._at(point), steps=12)
        mouse.up()

    def click(self, *points: Point) -> None:
        for point in points:
            self.page.mouse.click(*self._at(point))

    def press(self, name: str) -> None:
        self.page.locator(f".st-key-target-{name} button").first.click()

    def expect_shapes(self, count: int) -> None:
        expect(self.page.get_by_text(re.compile(rf"^shapes {count},"))).to_be_visible()

    def mask(self) -> np.ndarray:
        return np.load(self.path)

    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.mgrid[: self.height, : self.width] + 0.5
        return x, y


@pytest.fixture(params=SIZES)
def canvas(request, page: Page, serve: Callable, tmp_path_factory) -> Canvas:
    folder = tmp_path_factory.getbasetemp()
    url = serve(PAGE, {"ASMA_CANVAS_MASKS": str(folder)})
    name = uuid4().hex
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(f"{url}/?size={request.param}&name={name}")
    return Canvas(page, folder / f"{name}.npy", request.param)


def only(*sizes: str):
    return pytest.mark.parametrize("canvas", sizes, indirect=True)


def to_segment(canvas: Canvas, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the distance of every pixel's centre from a segment, in image pixels."""
    x, y = canvas.centres()
    along = end - start
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / max(along @ along, 1e-9)
    share = share.clip(0, 1)
    return np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])


def to_border(canvas: Canvas, corners: list[np.ndarray]) -> np.ndarray:
    """Return the distance from a convex polygon's border, negative inside it."""
    x, y = canvas.centres()
    sides = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    distance = np.minimum.reduce([to_segment(canvas, a, b) for a, b in sides])
    turns = [(b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) for a, b in sides]
    inside = np.minimum.reduce(turns) > 0
    return np.where(inside, -distance, distance)


def assert_within_one_pixel(region: np.ndarray, distance: np.ndarray) -> None:
    """Check a region against the signed distance from the border of what was drawn."""
    assert region.any()
    off = np.abs(distance)[region != (distance < 0)]
    assert off.max(initial=0) <= 1.0


def brush_width(canvas: Canvas) -> int:
    return max(max(canvas.width, canvas.height) // 20, 1)


def check_rectangle(canvas: Canvas, press: Point, release: Point) -> None:
    canvas.choose("Rectangle")
    canvas.drag(press, release)
    canvas.expect_shapes(1)
    (left, top), (right, bottom) = np.sort(
        [canvas.image_point(p) for p in (press, release)], axis=0
    )
    corners = [np.array(c) for c in ((left, top), (right, top), (right, bottom), (left, bottom))]
    assert_within_one_pixel(canvas.mask() == 1, to_border(canvas, corners))


def check_polygon(canvas: Canvas, corners: list[Point]) -> None:
    canvas.choose("Polygon")
    canvas.click(*corners, corners[0])
    canvas.expect_shapes(1)
    distance = to_border(canvas, [canvas.image_point(corner) for corner in corners])
    assert_within_one_pixel(canvas.mask() == 1, distance)


def check_circle_of_the_second_class(canvas: Canvas, press: Point, release: Point) -> None:
    canvas.choose("Circle")
    canvas.choose("cup")
    canvas.drag(press, release)
    canvas.expect_shapes(1)
    start, end = canvas.image_point(press), canvas.image_point(release)
    x, y = canvas.centres()
    middle, radius = (start + end) / 2, np.hypot(*(end - start)) / 2
    distance = np.hypot(x - middle[0], y - middle[1]) - radius
    assert_within_one_pixel(canvas.mask() == 2, distance)


def test_closed_shapes(canvas: Canvas) -> None:
    check_rectangle(canvas, (0.21, 0.33), (0.57, 0.71))
    canvas.press("clear")
    canvas.expect_shapes(0)
    check_polygon(canvas, [(0.2, 0.25), (0.7, 0.2), (0.8, 0.6), (0.45, 0.8)])
    canvas.press("clear")
    canvas.expect_shapes(0)
    check_circle_of_the_second_class(canvas, (0.3, 0.4), (0.62, 0.58))


@only("1500x1000")
def test_a_rectangle_drawn_backwards(canvas: Canvas) -> None:
    check_rectangle(canvas, (0.8, 0.62), (0.43, 0.17))


def test_a_brush_stroke_and_an_eraser_stroke_across_it(canvas: Canvas) -> None:
    canvas.drag((0.2, 0.3), (0.7, 0.65))
    canvas.expect_shapes(1)
    radius = brush_width(canvas) / 2
    stroke = to_segment(canvas, canvas.image_point((0.2, 0.3)), canvas.image_point((0.7, 0.65)))
    assert_within_one_pixel(canvas.mask() == 1, stroke - radius)
    canvas.choose("Eraser")
    canvas.drag((0.7, 0.25), (0.2, 0.7))
    canvas.expect_shapes(2)
    eraser = to_segment(canvas, canvas.image_point((0.7, 0.25)), canvas.image_point((0.2, 0.7)))
    left = np.maximum(stroke - radius, radius - eraser)
    assert_within_one_pixel(canvas.mask() == 1, left)


@only("428x569")
def test_a_drawing_outlives_a_rerun_and_ends_with_its_image(canvas: Canvas) -> None:
    canvas.choose("Rectangle")
    canvas.drag((0.2, 0.2), (0.5, 0.5))
    canvas.expect_shapes(1)
    drawn = canvas.mask()
    canvas.page.get_by_role("button", name="Run again").click()
    canvas.expect_shapes(1)
    np.testing.assert_array_equal(canvas.mask(), drawn)
    canvas.page.get_by_role("link", name="Elsewhere").click()
    expect(canvas.page.get_by_text("nothing to draw here")).to_be_visible()
    canvas.page.get_by_role("link", name="Drawing").click()
    # The address has lost its size, so this is another image: its drawing begins anew.
    canvas.expect_shapes(0)
    assert canvas.mask().shape == (256, 256)
    assert not canvas.mask().any()


@only("256x256")
def test_after_another_page_the_drawing_can_go_on(canvas: Canvas) -> None:
    canvas.choose("Rectangle")
    canvas.drag((0.2, 0.2), (0.5, 0.5))
    canvas.expect_shapes(1)
    first = canvas.mask()
    canvas.page.get_by_role("link", name="Elsewhere").click()
    expect(canvas.page.get_by_text("nothing to draw here")).to_be_visible()
    canvas.page.get_by_role("link", name="Drawing").click()
    canvas.expect_shapes(1)
    np.testing.assert_array_equal(canvas.mask(), first)
    expect(canvas.page.get_by_text("ready: Rectangle, rim", exact=True)).to_be_visible()
    canvas.measure()
    canvas.drag((0.6, 0.6), (0.8, 0.9))
    canvas.expect_shapes(2)
    assert ((canvas.mask() > 0) > (first > 0)).any()
    assert ((canvas.mask() > 0) >= (first > 0)).all()


@only("256x256")
def test_undo_redo_and_clear(canvas: Canvas) -> None:
    canvas.choose("Rectangle")
    canvas.drag((0.2, 0.2), (0.4, 0.4))
    canvas.expect_shapes(1)
    first = canvas.mask()
    canvas.drag((0.6, 0.6), (0.8, 0.8))
    canvas.expect_shapes(2)
    both = canvas.mask()
    canvas.press("undo")
    canvas.expect_shapes(1)
    np.testing.assert_array_equal(canvas.mask(), first)
    canvas.press("redo")
    canvas.expect_shapes(2)
    np.testing.assert_array_equal(canvas.mask(), both)
    canvas.press("clear")
    canvas.expect_shapes(0)
    assert not canvas.mask().any()
    canvas.press("undo")
    canvas.expect_shapes(2)
    canvas.drag((0.1, 0.6), (0.3, 0.8))
    canvas.expect_shapes(3)


@only("256x256")
def test_undo_of_a_polygon_while_polygons_are_drawn(canvas: Canvas) -> None:
    canvas.choose("Polygon")
    canvas.click((0.2, 0.2), (0.5, 0.2), (0.3, 0.5), (0.2, 0.2))
    canvas.expect_shapes(1)
    canvas.press("undo")
    canvas.expect_shapes(0)
    canvas.click((0.6, 0.6), (0.9, 0.6), (0.7, 0.9), (0.6, 0.6))
    canvas.expect_shapes(1)
    assert not canvas.mask()[:140, :140].any()


@only("256x256")
def test_changing_tool_and_class_keeps_the_shapes(canvas: Canvas) -> None:
    canvas.drag((0.2, 0.2), (0.4, 0.2))
    canvas.expect_shapes(1)
    for name in ("cup", "Polygon", "Circle", "rim", "Eraser"):
        canvas.choose(name)
        canvas.expect_shapes(1)
    assert set(np.unique(canvas.mask())) == {0, 1}


@only("256x256")
def test_a_click_without_a_drag_draws_nothing(canvas: Canvas) -> None:
    canvas.choose("Rectangle")
    canvas.click((0.5, 0.5))
    canvas.drag((0.6, 0.6), (0.8, 0.8))
    canvas.expect_shapes(1)
    assert not canvas.mask()[:140, :140].any()
