"""Several people on one server: what is one's own stays so until it is shared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from asma_core.data.formats.images import encode_png
from asma_core.jobs.queue import stop
from asma_core.runs.store import RunStore
from tests.browser.conftest import APP, Serve, separate, watched
from tests.browser.test_journey import FIGURES, from_home, rerun, settle
from ui.common.shell import icon

pytestmark = pytest.mark.browser

CONFIG = """
sign_in = "proxy"
trusted_proxy_header = "X-Remote-User"
engineers = ["ann", "bo"]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    (folder / "config.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def url(serve: Serve, home: Path) -> str:
    return serve(APP, {"ASMA_HOME": str(home)})


@contextmanager
def person(browser: Browser, name: str) -> Iterator[Page]:
    """Open a browser whose proxy says who it is."""
    with (
        separate(browser, extra_http_headers={"X-Remote-User": name}) as context,
        watched(context) as tab,
    ):
        yield tab


def run_on_own_image(page: Page, url: str, name: str) -> str:
    """Upload an image and attack it; return the run's id."""
    from_home(page, url, "Attack")
    page.get_by_text("Own image", exact=True).click()
    settle(page)
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    file = {"name": name, "mimeType": "image/png", "buffer": encode_png(picture)}
    page.locator("input[type=file]").first.set_input_files(file)  # type: ignore[arg-type]
    expect(page.get_by_text(FIGURES)).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Run the attack").click()
    page.wait_for_url(re.compile("run=[0-9a-f]{8}"))
    found = re.search("run=([0-9a-f]{8})", page.url)
    assert found is not None
    return found[1]


def test_a_run_on_an_own_image_is_seen_by_others_when_it_is_shared(
    browser: Browser, url: str, home: Path
) -> None:
    with person(browser, "ann") as ann, person(browser, "bo") as bo:
        run_id = run_on_own_image(ann, url, "eye.png")
        stop(RunStore(home), run_id)
        expect(ann.get_by_text("only you see it")).to_be_visible()
        bo.goto(f"{url}/attack?run={run_id}")
        expect(bo.get_by_text(f"No run is called '{run_id}'")).to_be_visible()
        from_home(bo, url, "Runs")
        expect(bo.get_by_text("No runs yet")).to_be_visible()
        settle(ann)
        with rerun(ann):
            ann.get_by_role("button", name="Share with the team").click()
        expect(ann.get_by_text("only you see it")).to_have_count(0)
        bo.goto(f"{url}/attack?run={run_id}")
        expect(bo.get_by_text("by ann")).to_be_visible()
        settle(bo)


def test_an_own_image_is_deleted_where_it_is_shown(browser: Browser, url: str, home: Path) -> None:
    with person(browser, "bo") as page:
        run_id = run_on_own_image(page, url, "mine.png")
        stop(RunStore(home), run_id)
        expect(page.get_by_role("button", name="Repeat")).to_be_visible()
        settle(page)
        page.get_by_role("link", name="Account").click()
        expect(page.get_by_text("mine.png")).to_be_visible()
        settle(page)
        page.get_by_role("link", name="Attack", exact=True).click()
        settle(page)
        with rerun(page):
            page.get_by_role("button", name="Delete this image").click()
        expect(page.get_by_text("Upload an image to see")).to_be_visible()
        settle(page)
        page.get_by_role("link", name="Account").click()
        expect(page.get_by_text("You have none.")).to_have_count(2)
        expect(page.get_by_text("mine.png")).to_have_count(0)
        settle(page)


def test_who_comes_past_the_proxy_gets_no_picture_of_a_page(browser: Browser, url: str) -> None:
    with person(browser, "ann") as page, separate(browser) as nobody:
        from_home(page, url, "Datasets")
        picture = page.locator("img[src*='/media/']").first
        expect(picture).to_be_visible()
        address = picture.evaluate("one => one.src")
        settle(page)
        assert page.request.get(address).headers["content-type"] == "image/jpeg"
        refused = nobody.request.get(address)
        assert refused.status == 403 and "sign in" in refused.text()
        stranger = {"X-Remote-User": ""}
        assert nobody.request.get(address, headers=stranger).status == 403


def test_who_comes_past_the_proxy_is_not_let_in(browser: Browser, url: str) -> None:
    with separate(browser) as context, watched(context) as page:
        page.goto(f"{url}/runs")
        expect(page.get_by_text("The proxy does not say who you are")).to_be_visible()
        expect(page.get_by_role("link", name="Runs")).to_have_count(0)
        expect(page.locator("link[rel*=icon]").first).to_have_attribute("href", icon())
        settle(page)
