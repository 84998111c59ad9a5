"""Pictures of pages for a person to look at, where one asks for them with ASMA_LOOK=folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from tests.browser.test_journey import settle

LOOK: Final = os.environ.get("ASMA_LOOK", "")
WIDTHS: Final = (800, 1024, 1280, 1920)


def look(page: Page, name: str) -> None:
    """Save the page in four widths, and dark; the page is left as it was."""
    size = page.viewport_size
    if not LOOK or size is None:
        return
    Path(LOOK).mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        _save(page, width, f"{name}-{width}")
    page.emulate_media(color_scheme="dark")
    _save(page, 1280, f"{name}-dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(size)
    settle(page)


def _save(page: Page, width: int, name: str) -> None:
    page.set_viewport_size({"width": width, "height": 1600})
    settle(page)
    page.wait_for_timeout(500)  # charts and components follow the new width
    page.screenshot(path=Path(LOOK) / f"{name}.png")
