"""The window of a deep image in a real Chromium: seen, moved, attacked through, kept."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from asma_core.runs.store import RunStore
from tests.browser.conftest import PROJECT, Serve
from tests.browser.looking import look
from tests.browser.test_journey import rerun, settle, start_run, wait_for_end
from tests.data.formats.test_volumes import dicom

pytestmark = pytest.mark.browser

APP = PROJECT / "serve.py"
LOWEST, HIGHEST = 1072, 2832


def lesion() -> np.ndarray:
    """A dark spot on bright skin, with 12 bits of the file's 16."""
    rows, columns = np.mgrid[:128, :128]
    distance = np.hypot(rows - 64, columns - 60) / 22
    noise = np.random.default_rng(0).normal(0, 25, distance.shape)
    values = 2700 - 1400 / (1 + np.exp(12 * (distance - 1))) + noise
    return np.clip(values, LOWEST, HIGHEST).astype(np.uint16)


def test_the_window_of_an_own_image_is_moved_and_kept_with_the_run(
    page: Page, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.set_viewport_size({"width": 1400, "height": 1300})
    home = tmp_path / "home"
    url = serve(APP, {"ASMA_HOME": str(home)})
    deep = io.BytesIO()
    Image.fromarray(lesion()).save(deep, "PNG")
    (tmp_path / "deep.png").write_bytes(deep.getvalue())
    (tmp_path / "IM000001").write_bytes(dicom(lesion()))
    page.goto(f"{url}/attack")
    settle(page)
    with rerun(page):
        page.get_by_text("Own image", exact=True).click()
    page.locator("input[type=file]").set_input_files(tmp_path / "deep.png")
    expect(page.get_by_text("8-bit image through this window")).to_be_visible()
    expect(page.get_by_text("percentiles 0.5 and 99.5")).to_be_visible()
    settle(page)
    look(page, "window-automatic")
    thumbs = page.get_by_role("slider", name="Window")
    expect(thumbs).to_have_count(2)
    with rerun(page):
        thumbs.first.focus()
        for _ in range(5):
            page.keyboard.press("ArrowRight")
    expect(page.get_by_text("(chosen)")).to_be_visible()
    page.wait_for_url(re.compile(r"window="))
    look(page, "window-chosen")
    # Another visit of the address has the same window.
    page.reload()
    expect(page.get_by_text("(chosen)")).to_be_visible()
    settle(page)
    run_id = start_run(page)
    wait_for_end(page)
    expect(page.get_by_text("8-bit image is the file's through the window")).to_be_visible()
    monkeypatch.setenv("ASMA_HOME", str(home))
    window = RunStore().get(run_id).spec.window
    assert window is not None and window.how == "chosen"
    assert LOWEST <= window.low < window.high <= HIGHEST

    page.goto(f"{url}/attack")
    settle(page)
    with rerun(page):
        page.get_by_text("Own image", exact=True).click()
    page.locator("input[type=file]").set_input_files(tmp_path / "IM000001")
    expect(page.get_by_text("IM000001").first).to_be_visible()
    expect(page.get_by_text("8-bit image through this window")).to_be_visible()
    expect(page.get_by_text("can't be read")).to_have_count(0)
