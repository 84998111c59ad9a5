"""From a network and its images to one change for all of them, in a real Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import tiny
from tests.browser.conftest import Serve
from tests.browser.looking import look
from tests.browser.test_journey import settle
from tests.browser.test_own import at_home, choose, fill

pytestmark = pytest.mark.browser


def test_from_home_to_one_change_for_all(page: Page, serve: Serve, tmp_path: Path) -> None:
    at_home(page, serve, tmp_path)
    (tmp_path / "models" / f"{tiny.NAN}.toml").unlink()
    page.get_by_role("link", name="Defences", exact=True).click()
    page.get_by_text("Does one change fool all images?").click()
    page.wait_for_url(re.compile("room=universal"))
    settle(page)
    choose(page, "Data set", tiny.DATASET)
    fill(page, "Images to learn on", "3")
    fill(page, "Budget", "0.25")
    fill(page, "Steps", "20")
    look(page, "universal-form")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile("plan="))
    sentence = r"One change of at most 0\.25 that was learned on 3 images hides nine tenths"
    expect(page.get_by_text(re.compile(sentence))).to_be_visible()
    # Complete: nothing goes on, and nothing is left to go on with.
    expect(page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Go on", exact=True)).to_have_count(0)
    settle(page)
    expect(page.get_by_alt_text(re.compile("the change$"))).to_have_count(4)
    expect(page.get_by_alt_text("Difference")).to_be_visible()
    look(page, "universal-result")
    with page.expect_download() as download:
        page.get_by_role("button", name="The change as .npy").click()
    assert download.value.suggested_filename.endswith("universal.npy")
    page.get_by_role("link", name="All plans").click()
    page.wait_for_url(re.compile("room=universal"))
    settle(page)
    page.get_by_role("link", name="tiny-unet on tiny-set").click()
    page.wait_for_url(re.compile("plan="))
    expect(page.get_by_text(re.compile(sentence))).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url(re.compile(r"defences\?room=universal$"))
    expect(page.get_by_role("heading", name="Defences", exact=True)).to_be_visible()
    expect(page.get_by_text("Earlier", exact=True)).to_have_count(0)
    stop_and_go_on(page)


def stop_and_go_on(page: Page) -> None:
    """Start one that never ends, stop it, go on with it, come back to it, and give it up."""
    settle(page)
    fill(page, "Steps", "100000")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile("plan="))
    under_way = re.compile(r"of 300000 steps, learning on 1 image, .* left$")
    stopped = re.compile(r"^Stopped at \d+ of 300000 steps$")
    stop = page.get_by_role("button", name="Stop", exact=True)
    expect(page.get_by_text(under_way)).to_be_visible()
    look(page, "universal-running")
    stop.click()
    expect(page.get_by_text(stopped)).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Go on", exact=True).click()
    expect(stop).to_be_visible()
    page.reload()
    expect(page.get_by_text(under_way)).to_be_visible()
    stop.click()
    expect(page.get_by_text(stopped)).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url(re.compile(r"defences\?room=universal$"))
    expect(page.get_by_role("heading", name="Defences", exact=True)).to_be_visible()
