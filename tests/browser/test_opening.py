"""A data set that takes time to open shows its own place, not the images of the one before."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from asma_core.data.masks.label_maps import encode_mask
from tests.browser.conftest import PROJECT, Serve
from tests.browser.test_journey import settle
from tests.pages.made_runs import disc
from tests.pages.small_house import picture


def ready(home: Path) -> None:
    """Put three images where the first demo set would be drawn."""
    folder = home / "datasets" / "demo-fundus"
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for name in ("mine1", "mine2", "mine3"):
        labels = disc(32, 0.5, 0.5, 0.3)
        (folder / "images" / f"{name}.png").write_bytes(picture(60 + 40 * labels))
        (folder / "masks" / f"{name}.png").write_bytes(encode_mask(labels))
    card = {"title": "Three", "classes": ["background", "disc rim", "cup"]}
    (folder / "dataset.json").write_text(json.dumps(card))


def test_the_first_opening_of_a_data_set(page: Page, serve: Serve, tmp_path: Path) -> None:
    ready(tmp_path)
    page.goto(serve(PROJECT / "serve.py", {"ASMA_HOME": str(tmp_path)}, drawn=False))
    settle(page)
    page.get_by_role("link", name="Datasets").click()
    expect(page.get_by_role("img", name="mine2")).to_be_visible()
    settle(page)
    page.get_by_role("combobox", name="Data set").click()
    page.get_by_role("option", name="demo-lesion").click()
    expect(page.get_by_text("Opening the data set")).to_be_visible()
    expect(page.get_by_role("img", name="mine2")).to_have_count(0)
    expect(page.get_by_test_id("stSkeletonElement").first).to_be_visible()
    expect(page.get_by_text("64 images", exact=True)).to_be_visible()
    settle(page)
    expect(page.get_by_role("img", name="0001")).to_be_visible()
