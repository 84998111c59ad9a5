"""What is drawn and set up on the Attack page stays, for oneself and for who gets the address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import PROJECT, Serve, separate, watched
from tests.browser.test_journey import settle

pytestmark = pytest.mark.browser


@pytest.fixture
def url(serve: Serve) -> str:
    return serve(PROJECT / "serve.py", {})


@pytest.fixture
def editor(page: Page, url: str) -> Locator:
    """The editor, as a person comes to it."""
    page.goto(url)
    settle(page)
    page.get_by_role("link", name="Attack").first.click()
    found = page.locator(".editor[data-ready]")
    expect(found).to_be_visible()
    settle(page)
    return found


@contextmanager
def other_person(browser: Browser, address: str) -> Iterator[Page]:
    with separate(browser) as context, watched(context) as page:
        page.goto(address)
        expect(page.locator(".editor[data-ready]")).to_be_visible()
        settle(page)
        yield page


def rectangle(editor: Locator, *corners: float) -> None:
    """Draw one between two points, as shares of the stage."""
    page, stage = editor.page, editor.locator(".stage")
    page.keyboard.press("r")
    stage.hover(trial=True)
    box = stage.bounding_box()
    assert box is not None
    (left, top, right, bottom) = corners
    page.mouse.move(box["x"] + left * box["width"], box["y"] + top * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + right * box["width"], box["y"] + bottom * box["height"], steps=5)
    page.mouse.up()


def shapes(editor: Locator, count: int) -> None:
    expect(editor).to_have_attribute("data-shapes", str(count))


def to(page: Page, step: str) -> str:
    """Go to the next or the previous image; return which it is."""
    editor = page.locator(".editor")
    before = editor.get_attribute("data-ready") or ""
    page.get_by_role("button", name=f"{step} image").click()
    expect(editor).not_to_have_attribute("data-ready", before)
    settle(page)
    return editor.get_attribute("data-ready") or ""


def test_a_drawing_survives_everything_but_its_own_undo(editor: Locator, browser: Browser) -> None:
    page = editor.page
    first = editor.get_attribute("data-ready") or ""
    rectangle(editor, 0.3, 0.2, 0.4, 0.4)
    shapes(editor, 1)
    page.get_by_role("radio", name="Grow").click()
    expect(editor).to_have_attribute("data-step", "3/3")
    settle(page)
    page.get_by_role("combobox", name="Target starts from").click()
    page.get_by_role("option", name="the truth").click()
    expect(editor).to_have_attribute("data-step", "4/4")
    shapes(editor, 1)
    settle(page)
    to(page, "Next")
    shapes(editor, 0)
    rectangle(editor, 0.5, 0.5, 0.6, 0.6)
    rectangle(editor, 0.6, 0.6, 0.7, 0.7)
    shapes(editor, 2)
    settle(page)
    assert to(page, "Previous") == first
    shapes(editor, 1)
    page.get_by_role("link", name="Runs").click()
    expect(editor).to_have_count(0)
    page.get_by_role("link", name="Attack").first.click()
    shapes(editor, 1)
    settle(page)
    # One history: the start, the scenario, the shape.
    page.keyboard.press("Control+z")
    expect(page.get_by_role("combobox", name="Target starts from")).not_to_have_value("the truth")
    page.keyboard.press("Control+z")
    expect(page.get_by_role("radio", name="Grow")).not_to_be_checked()
    shapes(editor, 1)
    page.keyboard.press("Control+Shift+z")
    expect(page.get_by_role("radio", name="Grow")).to_be_checked()
    settle(page)
    page.reload()
    expect(editor).to_have_attribute("data-ready", first)
    shapes(editor, 1)
    settle(page)
    to(page, "Next")
    shapes(editor, 2)


def test_an_address_shows_another_person_the_same(
    editor: Locator, browser: Browser, url: str
) -> None:
    page = editor.page
    rectangle(editor, 0.3, 0.2, 0.4, 0.4)
    page.keyboard.press("l")
    rectangle(editor, 0.3, 0.3, 0.7, 0.8)
    shapes(editor, 2)
    page.get_by_role("radio", name="strong").click()
    page.wait_for_url(re.compile("preset=strong.*draft=|draft=.*preset=strong"))
    settle(page)
    words = page.get_by_text(re.compile("of the image, overlap with the prediction"))
    with other_person(browser, page.url) as other:
        expect(other.locator(".editor")).to_have_attribute("data-shapes", "2")
        expect(other.get_by_role("radio", name="strong")).to_be_checked()
        area = editor.get_attribute("data-area") or ""
        expect(other.locator(".editor")).to_have_attribute("data-area", area)
        said = other.get_by_text(re.compile("of the image, overlap with the prediction"))
        expect(said).to_have_text(words.inner_text())
        other.keyboard.press("Control+z")
        expect(other.locator(".editor")).to_have_attribute("data-shapes", "0")
        other.wait_for_url(lambda address: address != page.url)
    # What the other one did is theirs.
    page.reload()
    shapes(editor, 2)


def test_the_run_button_is_in_sight_with_everything_folded_out(editor: Locator) -> None:
    page = editor.page
    for name in ("More settings", "Where the image may change"):
        page.get_by_text(name, exact=True).click()
    expect(page.get_by_text("The image may change", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Run the attack")).to_be_in_viewport(ratio=1)


def test_the_run_bar_follows_when_it_turns_dark(editor: Locator) -> None:
    """Nothing is asked of the server when the system turns dark while the page is open."""
    page = editor.page
    read = """() => [".stApp", "[data-testid=stLayoutWrapper]:has(> [class*='-run-bar'])"]
        .map((place) => getComputedStyle(document.querySelector(place)).backgroundColor)"""
    light = page.evaluate(read)
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".stApp")).not_to_have_css("background-color", light[0])
    paper, bar = page.evaluate(read)
    assert light == [light[0], light[0]] and [paper, bar] == [paper, paper] != light
