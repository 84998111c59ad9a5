"""From two networks to the matrix of who fools whom, in a real Chromium."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import tiny
from tests.browser.conftest import Serve
from tests.browser.looking import look
from tests.browser.test_journey import settle
from tests.browser.test_own import at_home, choose, fill

pytestmark = pytest.mark.browser


def test_from_the_form_to_the_matrix_and_a_run(page: Page, serve: Serve, tmp_path: Path) -> None:
    at_home(page, serve, tmp_path)
    models = tmp_path / "models"
    (models / "twin.toml").write_text(
        (models / f"{tiny.MODEL}.toml")
        .read_text()
        .replace(f'name = "{tiny.MODEL}"', 'name = "twin"')
        .replace(f"{tiny.MODEL}.safetensors", "twin.safetensors")
    )
    shutil.copy(models / f"{tiny.MODEL}.safetensors", models / "twin.safetensors")
    (models / f"{tiny.NAN}.toml").unlink()
    page.get_by_role("link", name="Defences", exact=True).click()
    page.get_by_text("Does another network's attack work?").click()
    page.wait_for_url(re.compile("room=transfer"))
    settle(page)
    choose(page, "Data set", tiny.DATASET)
    fill(page, "Target IoU", "0.8")
    fill(page, "Steps", "5")
    look(page, "transfer-form")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile("plan="))
    expect(page.get_by_text(re.compile("^PGD reaches its goal"))).to_be_visible()
    settle(page)
    # Twins: what fools one fools the other, so that all four cells are alike.
    cells = page.get_by_role("tabpanel").first.get_by_text(re.compile(r"^\d of \d$"))
    expect(cells).to_have_count(4)
    assert len(set(cells.all_text_contents())) == 1
    look(page, "transfer-matrix")
    cells.nth(1).click(force=True)
    expect(page.get_by_text("made on tiny-unet, shown to twin")).to_be_visible()
    settle(page)
    look(page, "transfer-cell")
    page.get_by_role("link", name="Run 1", exact=True).click()
    page.wait_for_url(re.compile("run="))
    settle(page)
    page.go_back()
    page.wait_for_url(re.compile("plan="))
    settle(page)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.wait_for_url(re.compile(r"defences\?room=transfer$"))
    expect(page.get_by_role("heading", name="Defences", exact=True)).to_be_visible()
