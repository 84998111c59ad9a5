"""Clicks and seconds from the first page to the first verdict that is saved, by real clicks."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page

from asma_core.runs.store import RunStore
from benchmarks.browser import served, settled

PATIENCE = 300.0
VERDICT = "convincing"
MOST_CLICKS = {"demo": 4, "own_choice": 7}


@dataclass
class Person:
    """Somebody who clicks; each click is counted."""

    page: Page
    clicks: int = 0

    def click(self, what: Locator) -> None:
        """Click and count."""
        self.clicks += 1
        what.click(timeout=PATIENCE * 1000)

    def press(self, button: str) -> None:
        """Click a button, as soon as it is there."""
        self.click(self.page.get_by_role("button", name=button))

    def follow(self, link: str | re.Pattern[str]) -> None:
        """Click the first link of a name."""
        self.click(self.page.get_by_role("link", name=link).first)


def first_verdicts(browser: Browser) -> dict[str, Any]:
    """Measure both ways, each on a new server with an empty data folder.

    Raises:
        RuntimeError: A way is longer than it may be.
    """
    ways = {"demo": _demo, "own_choice": _own_choice}
    return {name: _measured(browser, name, way) for name, way in ways.items()}


def _measured(browser: Browser, name: str, way: Callable[[Person], None]) -> dict[str, Any]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as url:
        started = time.perf_counter()
        page.goto(url)
        person = Person(page)
        way(person)
        person.press(VERDICT.capitalize())
        _wait_for_verdict(Path(folder))
        seconds = time.perf_counter() - started
        settled(page)
        page.close()
    if person.clicks > MOST_CLICKS[name]:
        raise RuntimeError(f"expected at most {MOST_CLICKS[name]} clicks, got {person.clicks}")
    return {"clicks": person.clicks, "seconds": seconds}


def _demo(person: Person) -> None:
    person.press("Run a demo attack")


def _own_choice(person: Person) -> None:
    person.follow("Datasets")
    person.follow(re.compile(r"^\d{4}$"))
    person.press("Attack this image")
    person.press("Run the attack")


def _wait_for_verdict(home: Path) -> None:
    end = time.monotonic() + PATIENCE
    while [run.verdict for run in RunStore(home).newest()] != [VERDICT]:
        if time.monotonic() > end:
            raise RuntimeError("the verdict was not saved")
        time.sleep(0.05)  # between two looks
