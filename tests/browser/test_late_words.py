"""What the server says comes late: each entry of the browser's history keeps its own address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from asma_core.jobs.queue import stop
from asma_core.runs.store import RunStore
from tests.browser.conftest import PROJECT, Serve, ends_run, socket_of
from tests.browser.test_history import at
from tests.browser.test_journey import settle
from tests.pages import made_runs

pytestmark = [pytest.mark.browser, pytest.mark.hasty]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("late")


@pytest.fixture(scope="module")
def url(serve: Serve, home: Path) -> str:
    return serve(PROJECT / "serve.py", {"ASMA_HOME": str(home)})


# While `late` is a list, what the server says waits in it; `letGo` passes it on in one go, which a
# busy browser hears like that: nothing is drawn in between.
HOLDING = """
window.late = null;
window.letGo = () => {
  const held = window.late;
  window.late = null;
  for (const pass of held) pass();
};
window.WebSocket = class extends WebSocket {
  addEventListener(type, hear, ...others) {
    const later = (event) => (window.late ? window.late.push(() => hear(event)) : hear(event));
    super.addEventListener(type, type === "message" ? later : hear, ...others);
  }
};
"""


@pytest.fixture
def page(page: Page, url: str) -> Page:
    """A tab at Home in which what the server says can be held."""
    page.add_init_script(HOLDING)
    page.goto(url)
    settle(page)
    return page


@contextmanager
def held(page: Page) -> Iterator[None]:
    """Let the tab hear nothing in the block, and then all at once."""
    page.evaluate("() => { window.late = []; }")
    yield
    assert page.evaluate("() => { const some = window.late.length; window.letGo(); return some; }")


@contextmanager
def run_of(page: Page, path: str) -> Iterator[None]:
    """Wait until what happens in the block has run a page to its end on the server."""
    open_page = ""

    def ends(frame: str | bytes) -> bool:
        nonlocal open_page
        message = ForwardMsg.FromString(frame if isinstance(frame, bytes) else b"")
        if message.WhichOneof("type") == "navigation":
            told = message.navigation
            pages = {each.page_script_hash: each.url_pathname for each in told.app_pages}
            open_page = pages[told.page_script_hash]
        return open_page == path and ends_run(frame)

    with socket_of(page).expect_event("framereceived", ends):
        yield


def menu(page: Page, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).first.click()


def come_to(page: Page, name: str) -> None:
    menu(page, name)
    heading = "ASMA Workbench" if name == "Home" else name
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    settle(page)


def at_home(page: Page) -> None:
    at(page, "", "ASMA Workbench")


def test_a_second_link_before_the_first_has_come_leaves_each_its_entry(page: Page) -> None:
    with held(page), run_of(page, "datasets"):
        menu(page, "Runs")
        menu(page, "Datasets")
    entries_are_their_own(page)


def test_a_second_link_before_the_first_is_drawn_leaves_each_its_entry(page: Page) -> None:
    with held(page):
        with run_of(page, "runs"):
            menu(page, "Runs")
        with run_of(page, "datasets"):
            menu(page, "Datasets")
    entries_are_their_own(page)


def entries_are_their_own(page: Page) -> None:
    at(page, r"datasets\?dataset=demo-fundus", "Datasets")
    page.go_back()
    at(page, "runs", "Runs")
    page.go_back()
    at_home(page)
    page.go_forward()
    at(page, "runs", "Runs")
    page.go_forward()
    at(page, r"datasets\?dataset=demo-fundus", "Datasets")


def test_a_late_choice_of_a_page_is_no_filter_of_the_next(page: Page) -> None:
    with held(page):
        with run_of(page, "datasets"):
            menu(page, "Datasets")
        menu(page, "Runs")
    at(page, "runs", "Runs")
    page.reload()
    at(page, "runs", "Runs")
    page.go_back()
    at(page, r"datasets\?dataset=demo-fundus", "Datasets")
    page.go_back()
    at_home(page)


def test_back_before_a_link_has_come_leads_back(page: Page) -> None:
    come_to(page, "Runs")
    with held(page):
        with run_of(page, "datasets"):
            menu(page, "Datasets")
        page.evaluate("() => history.back()")
    at(page, "runs", "Runs")
    page.go_back()
    at_home(page)


def test_two_steps_back_in_a_row_lead_two_back(page: Page) -> None:
    for name in ("Runs", "Datasets", "Models"):
        come_to(page, name)
    with held(page):
        for path in ("datasets", "runs"):
            with run_of(page, path):
                page.evaluate("() => history.back()")
    at(page, "runs", "Runs")
    page.go_forward()
    at(page, r"datasets\?dataset=demo-fundus", "Datasets")
    page.go_forward()
    at(page, "models", "Models")


def test_where_a_button_leads_from_keeps_its_settings(page: Page, url: str) -> None:
    image = "datasets?dataset=demo-fundus&sample=0001&fill=1&opacity=50"
    page.goto(f"{url}/{image}")
    settle(page)
    # Attack's address names an image as that of Datasets does, and is written behind it first.
    page.get_by_role("button", name="Attack this image").click()
    page.wait_for_url(re.compile(r"attack\?.*preset="))
    expect(page.get_by_role("button", name="Run the attack")).to_be_visible()
    settle(page)
    page.go_back()
    expect(page.get_by_role("button", name="Attack this image")).to_be_visible()
    page.wait_for_url(f"{url}/{image}")
    settle(page)


def test_repeating_a_run_on_compare_is_one_step(page: Page, url: str, home: Path) -> None:
    store = RunStore(home)
    run = made_runs.finished(store, made_runs.Made())
    come_to(page, "Runs")
    page.goto(f"{url}/compare?run={run.id}")
    settle(page)
    # Attack's address names a run as that of Compare does.
    page.get_by_role("button", name="Repeat", exact=True).click()
    page.wait_for_url(re.compile(r"attack\?run="))
    settle(page)
    stop(store, page.url.split("=")[-1])
    page.go_back()
    page.wait_for_url(f"{url}/compare?run={run.id}")
    expect(page.get_by_role("heading", name=re.compile(f"Run {run.id}"))).to_be_visible()
    settle(page)
    page.go_back()
    at(page, "runs", "Runs")


def test_an_embedded_app_stays_one_behind_a_link(page: Page, url: str) -> None:
    page.goto(f"{url}/models?embed=true&embed_options=show_toolbar&embed_options=light_theme")
    settle(page)
    embedded = "embed=true&embed_options=show_toolbar&embed_options=light_theme"
    page.get_by_role("link", name="demo-lesion-unet", exact=True).click()
    at(page, rf"models\?model=demo-lesion-unet&{embedded}", "demo-lesion-unet")
    menu(page, "Runs")
    at(page, rf"runs\?{embedded}", "Runs")
