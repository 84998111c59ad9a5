"""The open image of a data set is zoomed and moved as the pictures on Compare are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import PROJECT, Serve, separate, watched
from tests.browser.test_journey import settle

pytestmark = pytest.mark.browser
WHOLE = "1.0000"


@pytest.fixture
def picture(page: Page, serve: Serve, three_images: Path) -> Locator:
    page.goto(serve(PROJECT / "serve.py", {"ASMA_HOME": str(three_images)}))
    settle(page)
    page.get_by_role("link", name="Datasets").click()
    page.get_by_role("link", name="b", exact=True).click()
    expect(page.locator(".zoomed")).to_have_attribute("data-zoom", WHOLE)
    settle(page)
    return page.locator(".zoomed")


def zoom(picture: Locator) -> float:
    return float(picture.get_attribute("data-zoom") or 0)


def test_the_wheel_keys_a_drag_and_a_double_click_move_the_image(
    page: Page, picture: Locator
) -> None:
    panel = picture.locator(".panel")
    box = panel.bounding_box()
    assert box is not None and box["y"] + box["height"] <= 900
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 4
    page.mouse.move(x, y)
    page.mouse.wheel(0, -300)
    expect(picture).to_have_attribute("data-zoom", WHOLE)
    page.mouse.click(x, y)
    page.mouse.wheel(0, -300)
    expect(picture).not_to_have_attribute("data-zoom", WHOLE)
    centre = picture.get_attribute("data-centre") or ""
    assert centre < "0.5"

    page.mouse.down()
    page.mouse.move(x - 60, y - 40, steps=3)
    page.mouse.up()
    expect(picture).not_to_have_attribute("data-centre", centre)

    before = zoom(picture)
    page.keyboard.press("+")
    assert zoom(picture) > before
    page.keyboard.press("-")
    assert zoom(picture) == pytest.approx(before, abs=1e-3)
    panel.dblclick()
    expect(picture).to_have_attribute("data-zoom", WHOLE)


def test_what_is_laid_over_the_image_leaves_its_zoom_and_the_next_image_is_whole(
    page: Page, picture: Locator
) -> None:
    """The zoom stays through a rerun, however long it takes."""
    picture.get_by_role("button", name="Zoom in").click()
    expect(picture).to_have_attribute("data-zoom", "1.5000")
    shown = picture.get_by_role("img", name="b")
    before = shown.get_attribute("src") or ""
    page.get_by_text("Fill", exact=True).click()
    expect(shown).not_to_have_attribute("src", before)
    expect(picture).to_have_attribute("data-zoom", "1.5000")
    page.get_by_role("button", name="Next").click()
    expect(picture.get_by_role("img", name="c")).to_be_visible()
    expect(picture).to_have_attribute("data-zoom", WHOLE)
    expect(page.get_by_role("switch", name="Fill")).to_be_checked()


def test_the_address_of_a_zoomed_image_shows_the_same_to_another(
    page: Page, picture: Locator, browser: Browser
) -> None:
    picture.locator(".panel").click(position={"x": 30, "y": 40})
    page.keyboard.press("+")
    page.mouse.wheel(0, -200)
    page.get_by_text("Fill", exact=True).click()
    page.get_by_text("Mask", exact=True).click()
    page.wait_for_url(re.compile(r"overlays=before.*fill=1.*zoom=.*&x="))
    settle(page)
    shown = [picture.get_attribute(name) for name in ("data-zoom", "data-centre")]
    with separate(browser) as elsewhere, watched(elsewhere) as other:
        other.goto(page.url)
        there = other.locator(".zoomed")
        expect(there).to_have_attribute("data-zoom", shown[0] or "")
        expect(there).to_have_attribute("data-centre", shown[1] or "")
        expect(other.get_by_role("switch", name="Fill")).to_be_checked()
        expect(other.get_by_role("switch", name="Mask")).not_to_be_checked()
    page.go_back()
    expect(page.get_by_role("heading", name="Datasets")).to_be_visible()
    expect(page).to_have_url(re.compile(r"datasets\?dataset=[^&]*(&overlays=before)?$"))
