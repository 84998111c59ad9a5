"""Somebody at a page, who walks at random and remembers what was done."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

from tests.browser.walk_page import Done, view_of


@dataclass
class Walker:
    """Somebody at a page.

    Attributes:
        page: The tab.
        dice: Says what is done next.
        done: What was drawn, typed and judged.
        seen: The page as it was before this step.
        trail: What was done so far.
        runs: How many attacks were started.
        hurry: Whether the next step comes before the page has come to rest.
        leads_to: The address that the step is to lead to, as far as that is known.
    """

    page: Page
    dice: random.Random
    done: Done = field(default_factory=Done)
    seen: dict[str, Any] = field(default_factory=dict)
    trail: list[str] = field(default_factory=list)
    runs: int = 0
    hurry: bool = False
    leads_to: str = ""

    def click(self, selector: str) -> bool:
        """Click one of the elements, if there is one that can be clicked."""
        found = self.page.locator(selector).element_handles()
        if not found:
            return False
        chosen = self.dice.choice(found)
        if not (chosen.is_visible() and chosen.is_enabled()):
            return False
        self.trail[-1] += f" {chosen.inner_text()[:40]!r}"
        chosen.click()
        return True

    def press(self, key: str) -> bool:
        if self.seen["typing"]:
            return False
        self.trail[-1] += f" {key}"
        self.page.keyboard.press(key)
        return True

    @property
    def image(self) -> str:
        """The image of the editor."""
        view = view_of(self.seen["url"])
        return f"{view.dataset} / {view.sample}"

    @property
    def run(self) -> str:
        """The run that is judged."""
        return (self.seen["strip"] or {}).get("run", "")


Step = Callable[[Walker], bool]
