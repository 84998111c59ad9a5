"""Looking at the comparison viewer on its test page: what is where on screen."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Locator, Page, expect

PAGE = Path(__file__).with_name("comparison_page.py")
WHITE = (255, 255, 255)
# What changes is painted in the next frame: after two, all that was asked for so far is there.
PAINTED = "await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"


def opened(page: Page, address: str) -> Locator:
    page.goto(address)
    viewer = page.locator(".viewer[data-ready]")
    viewer.wait_for()
    page.get_by_text(re.compile("^reruns")).wait_for()
    return viewer


def panel(viewer: Locator, kind: str) -> Locator:
    return viewer.locator(f"[data-panel={kind}]")


def colour(viewer: Locator, kind: str, x: float, y: float) -> tuple[int, ...]:
    """Return the colour on screen at a share of a panel's width and height."""
    read = """async (canvas, [x, y]) => { PAINTED; return [...canvas.getContext("2d").getImageData(
        Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data.slice(0, 3)]; }"""
    read = read.replace("PAINTED", PAINTED)
    found = panel(viewer, kind).locator("> canvas").evaluate(read, [x, y])
    return tuple(found)


def row(viewer: Locator, kind: str, y: float) -> NDArray[np.int64]:
    """Return the colours of one row of screen pixels, shape (width, 3)."""
    read = """async (canvas, y) => { PAINTED; return [...canvas.getContext("2d").getImageData(
        0, Math.floor(y * canvas.height), canvas.width, 1).data]; }"""
    read = read.replace("PAINTED", PAINTED)
    found = panel(viewer, kind).locator("> canvas").evaluate(read, y)
    return np.array(found).reshape(-1, 4)[:, :3]


def pixel(viewer: Locator, kind: str, x: int, y: int) -> tuple[int, ...]:
    """Return the colour of a pixel of the square picture while all of it is shown."""
    return colour(viewer, kind, (x + 0.5) / 64, (y + 0.5) / 64)


def view(viewer: Locator) -> tuple[str | None, str | None]:
    return viewer.get_attribute("data-zoom"), viewer.get_attribute("data-centre")


def point(viewer: Locator, kind: str, x: float = 0.5, y: float = 0.5) -> tuple[float, float]:
    """Return where on the page a share of a panel lies."""
    box = panel(viewer, kind).bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def wheel(page: Page, by: int) -> None:
    """Turn the wheel with Ctrl, as it zooms whether the picture was clicked or not."""
    page.keyboard.down("Control")
    page.mouse.wheel(0, by)
    page.keyboard.up("Control")


def zoom_in(page: Page, viewer: Locator, kind: str = "original", at: float = 0.25) -> None:
    before = viewer.get_attribute("data-zoom")
    page.mouse.move(*point(viewer, kind, at, at))
    wheel(page, -400)
    expect(viewer).not_to_have_attribute("data-zoom", str(before))


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def set_range(viewer: Locator, name: str, value: int) -> None:
    viewer.locator(f"input.{name}").fill(str(value))
