"""The Compare page of the real app: its layout, its runs and its address, by clicking."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from asma_core.defences.detectors.registry import DETECTORS
from asma_core.runs import artefacts
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from asma_core.treatments.registry import TREATMENTS
from tests.browser.conftest import PROJECT, Serve, separate
from tests.browser.looking import look
from tests.browser.test_journey import settle
from tests.pages import made_runs
from tests.pages.made_runs import Made

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="module")
def url(serve: Serve, home: Path) -> str:
    return serve(PROJECT / "serve.py", {"ASMA_HOME": str(home)})


@pytest.fixture(scope="module")
def runs(home: Path) -> list[Run]:
    """Three runs of one image, the newest last."""
    store = RunStore(home)
    return [finished(store, attack) for attack in ("asma", "asm", "pgd")]


def finished(store: RunStore, attack: str) -> Run:
    run = made_runs.finished(store, Made(attack=attack))
    trajectory: dict[str, Any] = {"step": [0, 84], "best_step": 84, "chosen": {}}
    trajectory |= {name: [0.1, 0.9] for name in ("score", "iou", "pixel_accuracy", "l2", "linf")}
    (store.folder(run.id) / artefacts.TRAJECTORY).write_text(json.dumps(trajectory))
    return run


def opened(page: Page, address: str) -> Locator:
    page.goto(address)
    viewer = page.locator(".viewer[data-ready]")
    viewer.wait_for()
    settle(page)
    return viewer


def zoom(page: Page, viewer: Locator) -> str:
    """Click the picture and turn the wheel; return the zoom once the address has it."""
    before = str(viewer.get_attribute("data-zoom"))
    viewer.locator("[data-panel=original]").click()
    page.mouse.wheel(0, -300)
    expect(viewer).not_to_have_attribute("data-zoom", before)
    page.wait_for_url(re.compile("zoom="))
    settle(page)
    return str(viewer.get_attribute("data-zoom"))


def test_the_pictures_begin_high_and_are_large_in_one_row(
    page: Page, url: str, runs: list[Run]
) -> None:
    viewer = opened(page, f"{url}/compare?run={runs[0].id}")
    boxes = [
        viewer.locator(f"[data-panel={kind}]").bounding_box()
        for kind in ("original", "adversarial", "difference")
    ]
    for box in boxes:
        assert box is not None
        assert box["y"] < 200
        assert box["width"] > 400 and box["height"] > 400
    expect(page.get_by_role("heading", name=f"Run {runs[0].id}")).to_be_visible()
    figures = viewer.locator(".figures").bounding_box()
    assert figures is not None and figures["y"] + figures["height"] <= 900


def test_another_run_is_a_step_of_the_history_and_keeps_the_view(
    page: Page, url: str, runs: list[Run]
) -> None:
    first, _, third = runs
    viewer = opened(page, f"{url}/compare?run={first.id}")
    zoomed = zoom(page, viewer)
    page.get_by_role("link", name=third.id).click()
    expect(viewer).to_have_attribute("data-run", third.id)
    expect(viewer).to_have_attribute("data-zoom", zoomed)
    settle(page)
    page.keyboard.press("w")
    page.wait_for_url(re.compile(f"run={third.id}.*mode=slider"))
    settle(page)
    page.go_back()
    expect(viewer).to_have_attribute("data-run", first.id)
    expect(viewer).to_have_attribute("data-mode", "side")
    expect(viewer).to_have_attribute("data-zoom", zoomed)
    settle(page)
    page.go_forward()
    expect(viewer).to_have_attribute("data-run", third.id)
    expect(viewer).to_have_attribute("data-mode", "slider")


def test_runs_beside_stay_in_the_address_for_another_browser(
    page: Page, browser: Browser, url: str, runs: list[Run]
) -> None:
    first, second, third = runs
    viewer = opened(page, f"{url}/compare?run={first.id}")
    page.get_by_role("button", name="Beside").click()
    page.get_by_role("combobox", name="Other runs of this image beside it").click()
    page.get_by_role("option", name=re.compile(second.id)).click()
    beside = viewer.locator("[data-panel=beside]").first
    expect(beside).to_be_visible()
    page.get_by_role("option", name=re.compile(third.id)).click()
    page.wait_for_url(re.compile(f"with={second.id}(,|%2C){third.id}"))
    page.keyboard.press("Escape")
    settle(page)
    viewer.locator("[data-mode-button=blink]").click()
    page.keyboard.press("x")
    expect(viewer).to_have_attribute("data-blinking", "false")
    page.wait_for_url(re.compile("still="))
    settle(page)
    shown = viewer.get_attribute("data-shown")
    with separate(browser) as context:
        other = opened(context.new_page(), page.url)
        expect(other).to_have_attribute("data-mode", "blink")
        expect(other).to_have_attribute("data-shown", str(shown))
        expect(other).to_have_attribute("data-blinking", "false")


def test_a_deleted_run_gets_a_sentence(page: Page, url: str, home: Path, runs: list[Run]) -> None:
    store = RunStore(home)
    gone = finished(store, "asma")
    store.delete(gone.id)
    page.goto(f"{url}/compare?run={gone.id}")
    expect(page.get_by_role("alert")).to_have_count(1)
    expect(page.get_by_role("alert")).to_contain_text(gone.id)
    viewer = opened(page, f"{url}/compare?run={runs[0].id}&with={gone.id}")
    expect(page.get_by_text(f"{gone.id} (deleted, or of another workbench)")).to_be_visible()
    expect(viewer.locator("[data-panel=beside]").first).to_be_hidden()


@pytest.mark.hasty
@pytest.mark.parametrize("since", [0, 120, 250])
def test_who_leaves_just_after_a_change_of_the_view_is_not_brought_back(
    page: Page, url: str, runs: list[Run], since: int
) -> None:
    viewer = opened(page, f"{url}/compare?run={runs[0].id}")
    page.mouse.move(400, 400)
    chosen = viewer.locator("[data-difference][aria-pressed=true]")
    before = str(chosen.get_attribute("data-difference"))
    page.keyboard.press("d")
    expect(chosen).not_to_have_attribute("data-difference", before)
    # The viewer tells of it after a moment, or when the pointer leaves for the menu.
    page.wait_for_timeout(since)
    page.get_by_role("link", name="Models", exact=True).click()
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    settle(page)
    # Longer than the viewer waits before it tells.
    page.wait_for_timeout(600)
    settle(page)
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    assert "/models" in page.url


def test_what_survives_is_asked_for_by_a_press_and_stays(
    page: Page, url: str, runs: list[Run]
) -> None:
    opened(page, f"{url}/compare?run={runs[0].id}")
    expect(page.get_by_role("heading", name="What survives")).to_be_visible()
    page.get_by_role("button", name="See what survives").click()
    row = page.locator(".st-key-survival-row")
    pictures = row.get_by_role("img")
    expect(pictures).to_have_count(1 + len(TREATMENTS))
    for treatment in TREATMENTS.values():
        expect(row.get_by_role("img", name=treatment.title, exact=True)).to_be_visible()
        expect(row.get_by_text(treatment.title, exact=True)).to_be_visible()
    # A picture that the browser could not decode has no width of its own.
    widths = pictures.evaluate_all("all => all.map(one => one.naturalWidth)")
    assert min(widths) > 100
    expect(row.get_by_text(re.compile(r"original \d\.\d{3}, truth"))).to_have_count(len(widths))
    row.scroll_into_view_if_needed()
    look(page, "survival")
    opened(page, page.url)
    expect(pictures).to_have_count(1 + len(TREATMENTS))
    expect(page.get_by_role("button", name="See what survives")).to_have_count(0)


def test_from_home_to_where_a_detector_is_suspicious(page: Page, url: str, runs: list[Run]) -> None:
    page.goto(url)
    page.get_by_role("link", name="Compare", exact=True).click()
    viewer = page.locator(".viewer[data-ready]")
    viewer.wait_for()
    settle(page)
    page.get_by_role("button", name="Ask the detectors").click()
    for entry in DETECTORS.values():
        expect(page.get_by_role("cell", name=re.compile(f"^{entry.title}")).first).to_be_visible()
    settle(page)
    viewer.get_by_label("detector whose maps are shown").select_option("Entropy")
    expect(viewer).to_have_attribute("data-suspicion", "entropy")
    zoomed = zoom(page, viewer)
    expect(viewer).to_have_attribute("data-suspicion", "entropy")
    expect(viewer.locator("[data-panel=original] .scale")).to_be_visible()
    page.wait_for_url(re.compile("suspicion=entropy"))
    look(page, "suspicion")
    page.get_by_role("heading", name="Would a machine notice?").scroll_into_view_if_needed()
    look(page, "suspicion-said")
    # A colleague who is given the address sees the same.
    page.reload()
    expect(viewer).to_have_attribute("data-suspicion", "entropy")
    expect(viewer).to_have_attribute("data-zoom", re.compile(f"^{float(zoomed):g}"))
