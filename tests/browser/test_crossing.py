"""Two clicks, of which the second comes while the first is carried out: both count."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Serve, socket_of
from tests.browser.test_journey import settle
from tests.waiting import until

pytestmark = pytest.mark.browser

PAGE = Path(__file__).with_name("crossing_page.py")


def test_a_callback_is_carried_out_though_something_newer_is_asked_for(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    page.goto(serve(PAGE, {"ASMA_CROSSING": str(tmp_path)}))
    settle(page)
    page.get_by_role("button", name="Slow").click()
    until((tmp_path / "begun").exists)
    with socket_of(page).expect_event("framesent"):
        page.get_by_role("button", name="Quick").click()
    # The server has to have it before the callback goes on; later it would cross nothing.
    page.wait_for_timeout(300)
    (tmp_path / "go").touch()
    expect(page.get_by_text("slow 1, quick 1", exact=True)).to_be_visible()
