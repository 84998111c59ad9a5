"""What is drawn by hand becomes the mask, within half a pixel of the image, and is never lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser.conftest import separate, watched
from tests.browser.test_journey import settle
from tests.waiting import until

pytestmark = pytest.mark.browser

PAGE = Path(__file__).with_name("editor_page.py")
SIZES = ["428x569", "256x256", "1500x1000"]
HALF = 0.5
Point = tuple[float, float]


class Canvas:
    """The editor in the page; positions are shares of the image's width and height."""

    def __init__(self, page: Page, path: Path, size: str) -> None:
        self.page, self.path = page, path
        self.width, self.height = (int(part) for part in size.split("x"))
        self.editor = page.locator(".editor")
        expect(self.editor).to_have_attribute("data-ready", "first")
        self.stage = self.editor.locator(".stage")

    def said(self, name: str) -> str:
        return self.editor.get_attribute(f"data-{name}") or ""

    def _placement(self) -> tuple[float, float, float]:
        """Return the screen's pixels for one of the image, and where the image's corner is."""
        self.stage.scroll_into_view_if_needed()
        self.stage.hover(trial=True)
        box = self.stage.bounding_box()
        assert box is not None
        zoom = float(self.said("zoom"))
        x, y = (float(part) for part in self.said("centre").split(","))
        scale = min(box["width"] / self.width, box["height"] / self.height) * zoom
        left = box["x"] + box["width"] / 2 - x * self.width * scale
        return scale, left, box["y"] + box["height"] / 2 - y * self.height * scale

    def at(self, point: Point) -> Point:
        """Return where a point of the image is on the screen, in whole pixels as of a mouse."""
        scale, left, top = self._placement()
        x, y = point[0] * self.width * scale + left, point[1] * self.height * scale + top
        return round(x), round(y)

    def image_point(self, point: Point) -> np.ndarray:
        """Return where in the image the mouse is, worked out from the screen."""
        scale, left, top = self._placement()
        x, y = self.at(point)
        return np.array([(x - left) / scale, (y - top) / scale])

    def choose(self, name: str) -> None:
        button = self.editor.locator(f"[data-tool={name}]")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")

    def press_key(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def drag(self, *points: Point) -> None:
        mouse, places = self.page.mouse, [self.at(point) for point in points]
        mouse.move(*places[0])
        mouse.down()
        for place in places[1:]:
            mouse.move(*place, steps=12)
        mouse.up()

    def click(self, *points: Point) -> None:
        for point in points:
            self.page.mouse.click(*self.at(point))

    def expect_shapes(self, count: int) -> None:
        """Wait until browser and server have that many shapes."""
        expect(self.editor).to_have_attribute("data-shapes", str(count))
        words = f"{self.said('ready')}, from .*, {count} shapes"
        expect(self.page.get_by_text(re.compile(words))).to_be_visible()

    def _read(self, name: str) -> np.ndarray:
        with np.load(self.path) as file:
            return file[name]

    def mask(self) -> np.ndarray:
        return self._read("mask")

    def region(self) -> np.ndarray:
        return self._read("region")

    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.mgrid[: self.height, : self.width] + 0.5
        return x, y


@contextmanager
def _opened(page: Page, url: str, size: str, folder: Path) -> Iterator[Canvas]:
    name = uuid4().hex
    page.goto(f"{url}/?size={size}&name={name}")
    expect(page.locator(".editor[data-ready]")).to_be_visible()
    # What the page still draws moves the stage, between the press and the release of a mouse too.
    settle(page)
    yield Canvas(page, folder / f"{name}.npz", size)


@pytest.fixture
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.getbasetemp()


@pytest.fixture
def url(serve: Callable, folder: Path) -> str:
    return serve(PAGE, {"ASMA_CANVAS_MASKS": str(folder)})


@pytest.fixture(params=SIZES)
def canvas(request, page: Page, url: str, folder: Path) -> Iterator[Canvas]:
    page.set_viewport_size({"width": 1280, "height": 900})
    with _opened(page, url, request.param, folder) as opened:
        yield opened


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


def assert_within_half_a_pixel(region: np.ndarray, distance: np.ndarray) -> None:
    """Check a region against the signed distance from the border of what was drawn."""
    assert region.any()
    off = np.abs(distance)[region != (distance < 0)]
    assert off.max(initial=0) <= HALF + 1e-3


def brush_width(canvas: Canvas) -> int:
    return round(max(canvas.width, canvas.height) / 20)


def corners_of(canvas: Canvas, press: Point, release: Point) -> list[np.ndarray]:
    ends = np.sort([canvas.image_point(p) for p in (press, release)], axis=0)
    (left, top), (right, bottom) = ends
    return [np.array(c) for c in ((left, top), (right, top), (right, bottom), (left, bottom))]


def check_rectangle(canvas: Canvas, press: Point, release: Point) -> None:
    canvas.choose("rectangle")
    canvas.drag(press, release)
    canvas.expect_shapes(1)
    corners = corners_of(canvas, press, release)
    assert_within_half_a_pixel(canvas.mask() == 1, to_border(canvas, corners))


def check_polygon(canvas: Canvas, corners: list[Point]) -> None:
    canvas.choose("polygon")
    canvas.click(*corners, corners[0])
    canvas.expect_shapes(1)
    distance = to_border(canvas, [canvas.image_point(corner) for corner in corners])
    assert_within_half_a_pixel(canvas.mask() == 1, distance)


def check_circle(canvas: Canvas, press: Point, release: Point) -> None:
    canvas.choose("circle")
    canvas.press_key("2")
    canvas.drag(press, release)
    canvas.expect_shapes(1)
    start, end = canvas.image_point(press), canvas.image_point(release)
    x, y = canvas.centres()
    middle, radius = (start + end) / 2, np.hypot(*(end - start)) / 2
    distance = np.hypot(x - middle[0], y - middle[1]) - radius
    assert_within_half_a_pixel(canvas.mask() == 2, distance)


def empty(canvas: Canvas) -> None:
    canvas.editor.get_by_role("button", name="clear").click()
    canvas.expect_shapes(0)


def test_closed_shapes(canvas: Canvas) -> None:
    check_rectangle(canvas, (0.21, 0.33), (0.57, 0.71))
    empty(canvas)
    check_polygon(canvas, [(0.2, 0.25), (0.7, 0.2), (0.8, 0.6), (0.45, 0.8)])
    empty(canvas)
    check_circle(canvas, (0.3, 0.4), (0.62, 0.58))


@only("1500x1000")
def test_a_rectangle_drawn_backwards(canvas: Canvas) -> None:
    check_rectangle(canvas, (0.8, 0.62), (0.43, 0.17))


def test_a_brush_stroke_and_an_eraser_stroke_across_it(canvas: Canvas) -> None:
    canvas.drag((0.2, 0.3), (0.7, 0.65))
    canvas.expect_shapes(1)
    radius = brush_width(canvas) / 2
    stroke = to_segment(canvas, canvas.image_point((0.2, 0.3)), canvas.image_point((0.7, 0.65)))
    # A mouse goes from one whole pixel of the screen to the next, beside the straight line.
    aside = 0.71 * canvas.width / canvas.stage.bounding_box()["width"]
    off = np.abs(stroke - radius)[(canvas.mask() == 1) != (stroke < radius)]
    assert off.max(initial=0) <= HALF + aside
    canvas.choose("eraser")
    canvas.page.keyboard.down("Shift")
    canvas.drag((0.7, 0.25), (0.2, 0.7))
    canvas.page.keyboard.up("Shift")
    canvas.expect_shapes(2)
    eraser = to_segment(canvas, canvas.image_point((0.7, 0.25)), canvas.image_point((0.2, 0.7)))
    assert not canvas.mask()[eraser < radius - HALF].any()
    left = (stroke < radius - HALF - aside) & (eraser > radius + HALF)
    assert (canvas.mask()[left] == 1).all()


@only("256x256")
@pytest.mark.parametrize("ratio", [1, 1.5, 2])
def test_zoomed_in_it_is_as_exact_on_any_screen(
    canvas: Canvas, browser: Browser, url: str, folder: Path, ratio: float
) -> None:
    screen = separate(browser, device_scale_factor=ratio, viewport={"width": 1100, "height": 800})
    with screen as context, watched(context) as page, _opened(page, url, "256x256", folder) as near:
        page.keyboard.down("Control")
        page.mouse.move(*near.at((0.4, 0.6)))
        for _ in range(4):
            page.mouse.wheel(0, -300)
        page.keyboard.up("Control")
        expect(near.editor).not_to_have_attribute("data-zoom", "1.000000")
        near.choose("rectangle")
        near.drag((0.36, 0.55), (0.44, 0.63))
        near.expect_shapes(1)
        corners = corners_of(near, (0.36, 0.55), (0.44, 0.63))
        assert_within_half_a_pixel(near.mask() == 1, to_border(near, corners))
        assert int(near.said("area")) == np.count_nonzero(near.mask()), "the outline is the mask"


@only("256x256")
def test_the_wheel_zooms_only_once_the_picture_was_clicked(canvas: Canvas) -> None:
    canvas.page.mouse.move(*canvas.at((0.5, 0.5)))
    canvas.page.mouse.wheel(0, -300)
    canvas.page.mouse.wheel(0, 300)
    canvas.choose("pick")
    canvas.click((0.5, 0.5))
    expect(canvas.editor).to_have_attribute("data-zoom", "1.000000")
    canvas.page.mouse.wheel(0, -300)
    expect(canvas.editor).not_to_have_attribute("data-zoom", "1.000000")
    zoom = canvas.said("zoom")
    canvas.press_key("Escape")
    canvas.page.mouse.wheel(0, -300)
    canvas.press_key("+")
    expect(canvas.editor).to_have_attribute("data-zoom", f"{float(zoom) * 1.25:.6f}")
    canvas.press_key("0")
    expect(canvas.editor).to_have_attribute("data-zoom", "1.000000")


@only("256x256")
def test_while_drawing_the_picture_can_be_zoomed_and_moved(canvas: Canvas) -> None:
    page, mouse = canvas.page, canvas.page.mouse
    mouse.move(*canvas.at((0.3, 0.5)))
    mouse.down()
    mouse.move(*canvas.at((0.5, 0.5)), steps=5)
    first = canvas.image_point((0.5, 0.5))
    mouse.wheel(0, -200)
    expect(canvas.editor).not_to_have_attribute("data-zoom", "1.000000")
    mouse.move(*canvas.at((0.6, 0.5)), steps=5)
    mouse.up()
    canvas.expect_shapes(1)
    rows = np.flatnonzero(canvas.mask().any(axis=1))
    assert abs((rows[0] + rows[-1] + 1) / 2 - first[1]) <= 1, "one straight stroke"
    centre = canvas.said("centre")
    page.keyboard.down(" ")
    canvas.drag((0.5, 0.5), (0.5, 0.45))
    page.keyboard.up(" ")
    expect(canvas.editor).not_to_have_attribute("data-centre", centre)
    canvas.expect_shapes(1)


@only("256x256")
def test_a_polygon_by_its_keys(canvas: Canvas) -> None:
    canvas.press_key("p")
    canvas.click((0.2, 0.2), (0.6, 0.2), (0.9, 0.9), (0.6, 0.6))
    canvas.press_key("Backspace")
    expect(canvas.editor).to_have_attribute("data-corners", "3")
    canvas.press_key("Backspace")
    canvas.click((0.6, 0.6))
    canvas.press_key("Enter")
    canvas.expect_shapes(1)
    corners = [canvas.image_point(p) for p in ((0.2, 0.2), (0.6, 0.2), (0.6, 0.6))]
    assert_within_half_a_pixel(canvas.mask() == 1, to_border(canvas, corners))
    canvas.click((0.7, 0.7), (0.9, 0.7))
    canvas.press_key("Escape")
    expect(canvas.editor).to_have_attribute("data-corners", "0")
    canvas.click((0.7, 0.7), (0.9, 0.7))
    canvas.page.mouse.dblclick(*canvas.at((0.9, 0.9)))
    canvas.expect_shapes(2)
    canvas.click((0.1, 0.7), (0.3, 0.7), (0.3, 0.9))
    canvas.press_key("b")
    canvas.expect_shapes(3)
    canvas.press_key("p")
    canvas.click((0.1, 0.9))
    canvas.press_key("b")
    expect(canvas.editor.locator(".hint")).to_contain_text("needs three corners")
    canvas.expect_shapes(3)


@only("256x256")
def test_a_shape_is_picked_moved_reshaped_recoloured_and_deleted(canvas: Canvas) -> None:
    canvas.press_key("r")
    canvas.drag((0.2, 0.2), (0.4, 0.4))
    canvas.expect_shapes(1)
    canvas.press_key("v")
    canvas.drag((0.3, 0.3), (0.5, 0.5))
    expect(canvas.editor).to_have_attribute("data-step", "3/3")
    canvas.press_key("2")
    expect(canvas.editor).to_have_attribute("data-step", "4/4")
    canvas.drag((0.6, 0.6), (0.8, 0.7))
    expect(canvas.editor).to_have_attribute("data-step", "5/5")
    settled(canvas)
    rows, columns = np.nonzero(canvas.mask())
    size = canvas.width
    np.testing.assert_allclose(
        [columns.min() / size, columns.max() / size, rows.min() / size, rows.max() / size],
        [0.4, 0.8, 0.4, 0.7],
        atol=0.02,
    )
    canvas.press_key("Delete")
    canvas.expect_shapes(0)
    canvas.press_key("Control+z", "Control+z", "Control+z", "Control+z")
    canvas.expect_shapes(1)
    # Its area says nothing: it is the same before and after it was moved.
    until(lambda: canvas.mask()[int(0.3 * size), int(0.3 * size)] == 1)
    canvas.press_key("Control+Shift+Z", "Control+Shift+Z", "Control+Shift+Z", "Control+Shift+Z")
    canvas.expect_shapes(0)


def settled(canvas: Canvas) -> None:
    """Wait until the server's mask is the one that is seen."""
    area = canvas.said("area")
    expect(canvas.page.get_by_text(f"area {area}", exact=True)).to_be_visible()


@only("256x256")
def test_brackets_change_the_brush_and_letters_the_tool_but_not_while_typing(
    canvas: Canvas,
) -> None:
    expect(canvas.editor.locator(".size-text")).to_have_text("13 px")
    canvas.press_key("]", "]", "[")
    expect(canvas.editor.locator(".size-text")).not_to_have_text("13 px")
    for key, tool in zip("bprcev", TOOLS, strict=True):
        canvas.press_key(key)
        expect(canvas.editor).to_have_attribute("data-tool", tool)
    box = canvas.page.get_by_label("Some text")
    box.fill("")
    box.press_sequentially("brec1")
    expect(box).to_have_value("brec1")
    expect(canvas.editor).to_have_attribute("data-tool", "pick")


TOOLS = ("brush", "polygon", "rectangle", "circle", "eraser", "pick")


@only("428x569")
def test_a_drag_over_the_edge_is_cut_off_there(canvas: Canvas) -> None:
    canvas.press_key("r")
    canvas.drag((0.7, 0.8), (1.3, 1.02))
    canvas.expect_shapes(1)
    left, top = canvas.image_point((0.7, 0.8))
    corners = [(left, top), (canvas.width, top), (canvas.width, canvas.height)]
    corners.append((left, canvas.height))
    # Beyond the image nothing is compared: the border on the edge is no border.
    distance = to_border(canvas, [np.array(corner) for corner in corners])
    assert_within_half_a_pixel(canvas.mask() == 1, distance)


@only("256x256")
def test_start_shapes_and_image_share_a_history_and_nothing_is_lost(canvas: Canvas) -> None:
    page = canvas.page
    canvas.press_key("r")
    canvas.drag((0.5, 0.5), (0.7, 0.7))
    canvas.expect_shapes(1)
    page.get_by_role("radio", name="a block").click()
    expect(page.get_by_text("first, from a block, 1 shapes")).to_be_visible()
    expect(canvas.editor).to_have_attribute("data-step", "3/3")
    canvas.drag((0.1, 0.7), (0.3, 0.9))
    canvas.expect_shapes(2)
    page.get_by_role("radio", name="second").click()
    expect(canvas.editor).to_have_attribute("data-ready", "second")
    canvas.expect_shapes(0)
    canvas.drag((0.2, 0.2), (0.4, 0.4))
    canvas.expect_shapes(1)
    page.get_by_role("radio", name="first").click()
    expect(canvas.editor).to_have_attribute("data-ready", "first")
    canvas.expect_shapes(2)
    canvas.press_key("Control+z", "Control+z")
    expect(page.get_by_text("first, from nothing, 1 shapes")).to_be_visible()
    expect(page.get_by_role("radio", name="nothing")).to_be_checked()
    assert not canvas.mask()[:60, :60].any()
    canvas.press_key("Control+Shift+Z")
    expect(page.get_by_text("first, from a block, 1 shapes")).to_be_visible()
    canvas.press_key("Control+y")
    expect(page.get_by_text("first, from a block, 2 shapes")).to_be_visible()


@only("256x256")
def test_after_another_page_the_drawing_and_its_history_go_on(canvas: Canvas) -> None:
    page = canvas.page
    canvas.press_key("r")
    canvas.drag((0.2, 0.2), (0.5, 0.5))
    canvas.expect_shapes(1)
    first = canvas.mask()
    canvas.press_key("p")
    canvas.click((0.6, 0.6), (0.9, 0.6))
    expect(canvas.editor).to_have_attribute("data-corners", "2")
    page.get_by_role("link", name="Elsewhere").click()
    expect(page.get_by_text("nothing to draw here")).to_be_visible()
    page.get_by_role("link", name="Drawing").click()
    expect(canvas.editor).to_have_attribute("data-corners", "2")
    canvas.expect_shapes(1)
    np.testing.assert_array_equal(canvas.mask(), first)
    canvas.click((0.9, 0.9))
    canvas.press_key("Enter")
    canvas.expect_shapes(2)
    canvas.press_key("Control+z", "Control+z")
    canvas.expect_shapes(0)


@contextmanager
def losing(page: Page, word: bytes) -> Iterator[list[bytes]]:
    """Lose the first message to the server that has a word in it, as Streamlit may at a link.

    Call it before the page is opened. The list has it once it is lost.
    """
    lost: list[bytes] = []

    def carry(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def send(message: str | bytes) -> None:
            if isinstance(message, bytes) and word in message and not lost:
                lost.append(message)
            else:
                server.send(message)

        socket.on_message(send)

    page.route_web_socket(re.compile("_stcore/stream"), carry)
    yield lost


@pytest.mark.parametrize("stays", [True, False])
def test_a_drawing_that_was_not_heard_is_said_again(
    page: Page, url: str, folder: Path, stays: bool
) -> None:
    with losing(page, b"rectangle") as lost, _opened(page, url, "256x256", folder) as canvas:
        canvas.press_key("r")
        canvas.drag((0.2, 0.2), (0.5, 0.5))
        until(lambda: page.wait_for_timeout(20) or lost)
        if not stays:
            page.get_by_role("link", name="Elsewhere").click()
            expect(page.get_by_text("nothing to draw here")).to_be_visible()
            page.get_by_role("link", name="Drawing").click()
        canvas.expect_shapes(1)
        assert canvas.mask()[90, 90] == 1


@only("256x256")
def test_where_the_image_may_change_is_drawn_with_the_same_tools(canvas: Canvas) -> None:
    canvas.press_key("l", "r")
    canvas.drag((0.2, 0.2), (0.6, 0.6))
    canvas.expect_shapes(1)
    corners = corners_of(canvas, (0.2, 0.2), (0.6, 0.6))
    assert_within_half_a_pixel(canvas.region(), to_border(canvas, corners))
    assert not canvas.mask().any()
    empty(canvas)
    canvas.press_key("e")
    canvas.drag((0.5, 0.2), (0.5, 0.8))
    canvas.expect_shapes(1)
    assert not canvas.region()[128, 128]
    assert canvas.region()[10, 10]


@only("256x256")
def test_a_click_without_a_drag_draws_nothing(canvas: Canvas) -> None:
    canvas.choose("rectangle")
    canvas.click((0.5, 0.5))
    canvas.drag((0.6, 0.6), (0.8, 0.8))
    canvas.expect_shapes(1)
    assert not canvas.mask()[:140, :140].any()


@only("256x256")
@pytest.mark.parametrize("size", [(800, 900), (1024, 768), (1920, 1080), (3840, 2160)])
def test_the_picture_fills_the_window_and_is_whole(canvas: Canvas, size: tuple[int, int]) -> None:
    canvas.page.set_viewport_size({"width": size[0], "height": size[1]})
    canvas.page.wait_for_function(
        """([width, height]) => {
            const stage = document.querySelector('.editor, [data-testid=stBidiComponentIsolated]');
            return window.innerWidth === width && window.innerHeight === height && stage;
        }""",
        arg=list(size),
    )
    expect(canvas.stage).to_be_in_viewport(ratio=1)
    room = canvas.stage.evaluate(
        """stage => [stage.clientWidth, stage.clientHeight, stage.parentElement.clientWidth,
            window.innerHeight - stage.getBoundingClientRect().top]"""
    )
    width, height, column, below = room
    assert width == column
    assert height >= min(column, below - 80)
