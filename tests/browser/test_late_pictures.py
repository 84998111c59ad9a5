"""A picture that a browser fetches late is still there, though its page runs again meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import PROJECT, Serve, separate, watched
from tests.browser.test_journey import settle
from tests.waiting import until

pytestmark = pytest.mark.browser


def test_who_fetches_a_picture_late_gets_it(browser: Browser, serve: Serve, tmp_path: Path) -> None:
    environment = {"ASMA_LATE": str(tmp_path), "ASMA_HOME": str(tmp_path / "home")}
    url = serve(PROJECT / "tests/browser/late_server.py", environment)
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with (
        separate(browser) as slow,
        separate(browser) as quick,
        watched(slow) as page,
        watched(quick) as other,
    ):
        page.route("**/media/**", hold)
        page.goto(url, wait_until="commit")
        page.get_by_role("button", name="Again").click()
        # The second run has begun, and has not shown the picture yet.
        until((tmp_path / "begun").exists)
        # Somebody else's run ends, at which what no page shows is deleted.
        other.goto(f"{url}?other")
        expect(other.get_by_text("The other page")).to_be_visible()
        settle(other)
        assert held
        for route in held:
            route.continue_()
        picture = page.get_by_role("img")
        page.wait_for_function("one => one.complete", arg=picture.element_handle())
        (tmp_path / "go").touch()
        expect(page.get_by_text("Done again", exact=True)).to_be_visible()
        settle(page)
        assert picture.evaluate("one => one.naturalWidth") == 8
