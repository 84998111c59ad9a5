"""From a network to it behind a defence, attacked and compared, in a real Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from asma_core.models.sources.cards import find_card, model_cards
from tests import tiny
from tests.browser.conftest import Serve
from tests.browser.looking import look
from tests.browser.test_journey import (
    attack_it,
    settle,
)
from tests.browser.test_own import at_home, choose, fill, open_network

pytestmark = pytest.mark.browser


def test_a_network_is_defended_and_attacked_through_the_defence(
    page: Page, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_home(page, serve, tmp_path)
    open_network(page, tiny.MODEL)
    choose(page, "Stand a defence before it", "Asks at random: Randomized smoothing")
    fill(page, "Sigma", "0.03")
    expect(page.get_by_text("The mask and the prediction behind the defence")).to_be_visible()
    settle(page)
    look(page, "defend")
    page.get_by_role("button", name="Keep this network").click()
    name = f"{tiny.MODEL}-smoothing"
    page.wait_for_url(re.compile(f"model={name}"))
    expect(page.get_by_text("Randomized smoothing (sigma 0.03)").first).to_be_visible()
    settle(page)
    look(page, "defended")
    page.get_by_role("button", name="Certify", exact=True).click()
    expect(page.get_by_text("striped where nothing is certified")).to_be_visible()
    expect(page.get_by_text("IoU at least")).to_be_visible()
    settle(page)
    look(page, "certified")
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    assert find_card(name).base == tiny.MODEL
    page.get_by_role("button", name="Attack it").click()
    expect(page.get_by_text("the attack goes through it")).to_be_visible()
    settle(page)
    page.go_back()
    page.wait_for_url(re.compile(f"model={name}"))
    settle(page)
    attack_it(page)
    expect(page.get_by_text("Over 20 draws of the defence")).to_be_visible()
    look(page, "defended-run")
    # The way to the bare network, as a person goes it.
    open_network(page, name)
    page.get_by_role("link", name=f"{tiny.MODEL}, without it").click()
    page.wait_for_url(re.compile(rf"model={tiny.MODEL}(&|$)"))


def test_from_defences_to_the_report(
    page: Page, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two defences before a tiny network, started, watched, read, opened and forgotten."""
    at_home(page, serve, tmp_path)
    page.get_by_role("link", name="Defences", exact=True).click()
    expect(page.get_by_role("heading", name="Defences", exact=True)).to_be_visible()
    settle(page)
    choose(page, "Data set", tiny.DATASET)
    choose(page, "Network", tiny.MODEL)
    fill(page, "Target IoU", "0.8")
    fill(page, "Steps", "10")
    look(page, "defences-form")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile("plan="))
    expect(page.get_by_text(re.compile("^JPEG .* stops Minimal on"))).to_be_visible()
    settle(page)
    look(page, "defences-result")
    with page.expect_download() as waited:
        page.get_by_role("button", name="Report", exact=True).click()
    text = Path(waited.value.path()).read_text()
    assert "does a defence hold?" in text and text.count("data:image/png;base64,") >= 3
    # The address is the plan's: another visit shows the same.
    page.reload()
    expect(page.get_by_role("button", name="Report", exact=True)).to_be_visible()
    settle(page)
    page.get_by_role("link", name=f"{tiny.MODEL}-jpeg").click()
    page.wait_for_url(re.compile("experiment="))
    settle(page)
    page.go_back()
    page.wait_for_url(re.compile("plan="))
    settle(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="Defences", exact=True)).to_be_visible()
    settle(page)
    expect(page.get_by_text("Earlier", exact=True)).to_have_count(0)
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    assert {f"{tiny.MODEL}-{name}" for name in ("jpeg", "bit-depth", "median")} <= set(
        model_cards()
    )


def test_a_denoiser_learns_from_the_images_before_it_stands_anywhere(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    at_home(page, serve, tmp_path)
    open_network(page, tiny.MODEL)
    choose(page, "Stand a defence before it", "Cleans the image: Denoising autoencoder")
    fill(page, "Steps", "20")
    expect(page.get_by_role("button", name="Keep this network")).to_be_hidden()
    look(page, "denoiser")
    page.get_by_role("button", name="Train it on the images of").click()
    expect(page.get_by_text("The mask and the prediction behind the defence")).to_be_visible()
    settle(page)
    look(page, "denoiser-learnt")
    page.get_by_role("button", name="Keep this network").click()
    page.wait_for_url(re.compile(f"model={tiny.MODEL}-denoiser"))
    expect(page.get_by_text("Denoising autoencoder (sigma 0.1, steps 20").first).to_be_visible()
    settle(page)


def test_from_defences_to_what_detectors_are_worth(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    """Two images of a tiny network, attacked with and without knowing two detectors."""
    at_home(page, serve, tmp_path)
    page.get_by_role("link", name="Defences", exact=True).click()
    page.get_by_text("Would anybody notice, by machine?").click()
    page.wait_for_url(re.compile("room=detection"))
    settle(page)
    choose(page, "Data set", tiny.DATASET)
    choose(page, "Network", tiny.MODEL)
    fill(page, "Target IoU", "0.8")
    fill(page, "Steps", "10")
    fill(page, "Steps of that attack", "20")
    look(page, "detection-form")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile("plan="))
    expect(
        page.get_by_text(re.compile("^Entropy .* is left when the attack knows it"))
    ).to_be_visible()
    expect(page.get_by_role("cell", name="Attacked, knowing it")).to_have_count(3)
    settle(page)
    look(page, "detection-result")
    with page.expect_download() as waited:
        page.get_by_role("button", name="Table as CSV", exact=True).click()
    assert Path(waited.value.path()).read_text().startswith("Detector,Files,Images,AUROC")
    page.get_by_role("link", name="All plans").click()
    expect(page.get_by_text("Earlier", exact=True)).to_be_visible()
    page.wait_for_url(re.compile(r"defences\?room=detection$"))


def test_a_network_is_trained_against_attacks_and_set_beside_itself(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    """From a network's page to the training, its curves, what came of it, and the comparison."""
    at_home(page, serve, tmp_path)
    open_network(page, tiny.MODEL)
    page.get_by_role("link", name="Train it on, such as against attacks").click()
    page.wait_for_url(re.compile("train=1"))
    expect(page.get_by_role("combobox", name="Start from")).to_have_value(tiny.MODEL)
    settle(page)
    choose(page, "Adversarial training", "SegPGD")
    fill(page, "Steps", "60")
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value(
        f"{tiny.MODEL}-robust"
    )
    look(page, "adversarial-form")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"training=[0-9a-f]{8}"))
    expect(page.get_by_text(f"from {tiny.MODEL}, on {tiny.DATASET}")).to_be_visible()
    page.get_by_role("link", name="Look at the network").click()
    page.wait_for_url(re.compile(f"model={tiny.MODEL}-robust"))
    expect(page.get_by_text("Its robustness is measured within that budget")).to_be_visible()
    expect(page.get_by_text("against SegPGD of 40 steps within Linf 4/255")).to_be_visible()
    settle(page)
    look(page, "adversarial-network")
    page.get_by_role("link", name="Defences", exact=True).click()
    settle(page)
    choose(page, "Data set", tiny.DATASET)
    choose(page, "Network", tiny.MODEL)
    choose(page, "Other networks beside it", f"{tiny.MODEL}-robust")
    page.keyboard.press("Escape")
    expect(page.get_by_text(f"and {tiny.MODEL}-robust beside it")).to_be_visible()
    settle(page)
    look(page, "defences-beside")
