"""A random walk: nothing drawn, typed or judged is lost, a page shows what its address names.

ASMA_WALK is how many steps it takes, ASMA_WALK_SEED which ones.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page

from asma_core.data.synthetic import demo
from asma_core.runs.store import RunStore
from tests.browser.conftest import HANGS, PROJECT, Serve, fault
from tests.browser.walk_page import faults, object_of, page_of, read, same_object, view_of
from tests.browser.walk_steps import take_step
from tests.browser.walker import Walker
from tests.pages import made_runs
from tests.pages.made_runs import Made

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif("ASMA_WALK" not in os.environ, reason="it takes minutes: set ASMA_WALK=500"),
]

STEPS = int(os.environ.get("ASMA_WALK", "150"))
SEED = int(os.environ.get("ASMA_WALK_SEED", "1"))
# Milliseconds in which nobody looks at what came of a click and decides on the next one.
PACE = 100
RUNS = 6
IMAGES = 8
SIDE = 32


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Small data sets for the networks that are shipped, and runs of their images."""
    for name in demo.DEMO_SETS:
        demo.generate(name, tmp_path / "datasets" / name, IMAGES, SIDE)
    store = RunStore(tmp_path)
    for place in range(RUNS):
        made = Made(image_name=f"demo-fundus / 000{place % 4}")
        made_runs.finished(store, made, size=SIDE, seed=place)
    return store


def test_nothing_is_lost_on_a_walk(page: Page, serve: Serve, store: RunStore) -> None:
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        said.extend(fault(message))

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(serve(PROJECT / "serve.py", {"ASMA_HOME": str(store.home)}))
    walker = Walker(page, random.Random(SEED))
    try:
        rest(walker, store, said)
        for _ in range(STEPS):
            before = walker.seen
            take_step(walker)
            if walker.hurry:
                walker.seen = read(page)
                continue
            page.wait_for_timeout(PACE)
            rest(walker, store, said)
            check_history(walker, before)
    except BaseException:
        lines = "\n".join(f"  {line}" for line in walker.trail[-20:])
        print(f"\nseed {SEED}, step {len(walker.trail)} of {STEPS}:\n{lines}\nat {page.url}")
        raise


def rest(walker: Walker, store: RunStore, said: list[str]) -> None:
    """Wait until all is as it should be."""
    end = time.monotonic() + HANGS / 1000
    while True:
        seen = read(walker.page)
        take_over(walker, seen)
        wrong = [*faults(seen, walker.done, store), *said, *astray(walker, seen)]
        if not wrong:
            break
        assert time.monotonic() < end, "\n".join(wrong)
        walker.page.wait_for_timeout(20)  # between two looks; what is seen decides
    walker.seen = seen


def take_over(walker: Walker, seen: dict[str, Any]) -> None:
    """Take over the drawing of a run, of which the address says that it is to be shown."""
    view = view_of(seen["url"])
    if page_of(seen["url"]) == "attack" and view.from_run and seen["editor"]:
        walker.done.shapes[walker_image(view)] = int(seen["editor"].get("shapes", 0))


def walker_image(view: Any) -> str:
    return f"{view.dataset} / {view.sample}"


def astray(walker: Walker, seen: dict[str, Any]) -> list[str]:
    """Check that Back, Forward and the menu lead to where they say."""
    aim = walker.leads_to
    if not aim:
        return []
    there = same_object(aim, seen["url"]) if "//" in aim else f"/{page_of(seen['url'])}" == aim
    return [] if there else [f"it led to {seen['url']}, not to {aim}"]


def check_history(walker: Walker, before: dict[str, Any]) -> None:
    """Check that a setting of what is shown is no step of the browser's history."""
    seen = walker.seen
    if not walker.leads_to and object_of(before["url"]) == object_of(seen["url"]):
        assert seen["step"] == before["step"], "a setting is a step of the history"
