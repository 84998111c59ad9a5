"""Back leads to where one came from; a setting of what is shown is no step of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PROJECT, Serve
from tests.browser.test_journey import settle


@pytest.fixture(scope="module")
def url(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> str:
    return serve(PROJECT / "serve.py", {"ASMA_HOME": str(tmp_path_factory.mktemp("history"))})


def at(page: Page, path: str, heading: str) -> None:
    """Wait until the address is this and the page shows what it names."""
    page.wait_for_url(re.compile(rf"//[^/]+/{path}$"))
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    settle(page)


def at_grid(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"^\d+ images$"))).to_be_visible()
    settle(page)


def test_a_link_within_a_page_changes_the_address_and_back_undoes_it(page: Page, url: str) -> None:
    page.goto(url)
    settle(page)
    page.get_by_role("link", name="Models").click()
    at(page, "models", "Models")
    page.get_by_role("link", name="demo-lesion-unet").click()
    at(page, r"models\?model=demo-lesion-unet", "demo-lesion-unet")
    expect(page).to_have_title("demo-lesion-unet, ASMA Workbench")
    page.get_by_role("link", name="All networks").click()
    at(page, "models", "Models")
    expect(page).to_have_title("ASMA Workbench")
    page.go_back()
    at(page, r"models\?model=demo-lesion-unet", "demo-lesion-unet")
    page.go_back()
    at(page, "models", "Models")
    page.go_back()
    at(page, "", "ASMA Workbench")
    page.go_forward()
    at(page, "models", "Models")


def test_ten_settings_of_the_grid_are_no_steps_and_an_image_is_one(page: Page, url: str) -> None:
    page.goto(url)
    settle(page)
    page.get_by_role("link", name="Models").click()
    at(page, "models", "Models")
    page.get_by_role("link", name="Datasets").click()
    at_grid(page)
    toggle = page.get_by_text("Show the prediction", exact=True)
    for on in (True, False) * 5:
        toggle.click()
        page.wait_for_function(
            f"() => new URLSearchParams(location.search).has('prediction') === {str(on).lower()}"
        )
        settle(page)
    page.get_by_role("link", name="0001", exact=True).click()
    page.wait_for_url(re.compile(r"sample=0001"))
    expect(page).to_have_title(re.compile(r"^0001, demo-\w+, ASMA Workbench$"))
    settle(page)
    page.get_by_role("button", name="Next").click()
    page.wait_for_url(re.compile(r"sample=0002"))
    settle(page)
    page.go_back()
    page.wait_for_url(re.compile(r"sample=0001"))
    expect(page.get_by_text("0001", exact=True).first).to_be_visible()
    settle(page)
    page.go_back()
    at_grid(page)
    page.go_back()
    at(page, "models", "Models")


def test_an_image_is_attacked_from_where_it_is_looked_at(page: Page, url: str) -> None:
    page.goto(url)
    settle(page)
    page.get_by_role("link", name="Datasets").click()
    at_grid(page)
    page.get_by_role("link", name="0001", exact=True).click()
    # As soon as it is there: what of the grid is still on its way must not lead back.
    page.get_by_role("button", name="Attack this image").click()
    page.wait_for_url(re.compile(r"attack\?.*sample=0001"))
    expect(page.get_by_role("button", name="Run the attack")).to_be_visible()
    settle(page)
    page.go_back()
    page.wait_for_url(re.compile(r"datasets\?.*sample=0001"))
    expect(page.get_by_role("button", name="Attack this image")).to_be_visible()


def test_a_late_word_of_the_view_before_does_not_lead_back(page: Page, url: str) -> None:
    page.goto(url)
    settle(page)
    page.get_by_role("link", name="Datasets").click()
    at_grid(page)
    # Streamlit writes an address like this when a run's word of it arrives after the click.
    page.evaluate(
        """() => setTimeout(() => {
          const before = window.location.href;
          [...document.querySelectorAll("[data-testid=stPageLink] a")]
            .find((link) => link.textContent.includes("0001")).click();
          window.history.pushState({}, "", before);
        })"""
    )
    page.wait_for_url(re.compile(r"sample=0001"))
    expect(page.get_by_role("button", name="Attack this image")).to_be_visible()
    settle(page)
    assert "sample=0001" in page.url


def test_the_menu_leads_to_the_beginning_of_the_page_that_is_open(page: Page, url: str) -> None:
    page.goto(url)
    settle(page)
    menu = page.get_by_role("link", name="Models", exact=True).first
    menu.click()
    page.get_by_role("button", name="Train a network").click()
    expect(page.get_by_role("heading", name="Train a network", exact=True)).to_be_visible()
    settle(page)
    menu.click()
    expect(page.get_by_role("heading", name="Models", exact=True)).to_be_visible()
    page.wait_for_url(f"{url}/models")
    page.go_back()
    expect(page.get_by_role("heading", name="Train a network", exact=True)).to_be_visible()


@pytest.mark.hasty
def test_a_link_just_after_a_button_leads_where_it_says(page: Page, url: str) -> None:
    page.goto(url)
    settle(page)
    for since in (20, 40, 60):
        page.get_by_role("link", name="Models", exact=True).first.click()
        link = page.get_by_role("link", name="demo-lesion-unet", exact=True)
        expect(link).to_be_visible()
        settle(page)
        link.evaluate(
            """(link, since) => {
              const follow = () => setTimeout(() => link.click(), since);
              document.addEventListener("click", follow, { capture: true, once: true });
            }""",
            since,
        )
        page.get_by_role("button", name="Train a network").click()
        page.wait_for_timeout(since + 40)
        settle(page)
        expect(page).to_have_title(re.compile("demo-lesion-unet"))
        expect(page).to_have_url(f"{url}/models?model=demo-lesion-unet")


@pytest.mark.hasty
def test_an_entry_of_the_history_keeps_its_own_address(page: Page, url: str) -> None:
    page.goto(url)
    settle(page)
    page.get_by_role("link", name="Runs", exact=True).first.click()
    settle(page)
    page.get_by_role("link", name="Datasets", exact=True).first.click()
    page.wait_for_url(re.compile("dataset="))
    settle(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
    page.wait_for_url(f"{url}/runs")
    page.go_back()
    expect(page.get_by_role("heading", name="ASMA Workbench", exact=True)).to_be_visible()
    page.wait_for_url(re.compile(f"{url}/?$"))
