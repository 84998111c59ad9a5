"""Many people on one server at once, each in a browser of their own: no error, and no mixing.

    python -m scripts.many_people --people 10 --minutes 5 --json

Each person signs in through a proxy's header, walks from page to page, uploads an image of their
own, runs attacks and looks at what came of them, as a seed says. What counts as a fault: an error
in the browser's console, a page that shows an exception, a page that names somebody else as the
person, another person's image or private run in sight.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from benchmarks.browser import served

HEADER: Final = "X-Remote-User"
CONFIG: Final = (
    'sign_in = "proxy"\ntrusted_proxy_header = "X-Remote-User"\ndefault_role = "engineer"\n'
)
PAGES: Final = (
    "Home",
    "Datasets",
    "Models",
    "Attack",
    "Compare",
    "Runs",
    "Experiments",
    "Defences",
)
SIDE: Final = 128
# In milliseconds; longer a page takes only when it hangs.
HANGS: Final = 120_000
_REST: Final = """() => document.querySelector("[data-testid=stApp]")
    ?.getAttribute("data-test-script-state") === "notRunning"
    && !document.querySelector("[data-testid=stSkeleton]")
    && [...document.images].every((image) => image.complete)"""
# What a page looks for at its own root.
_LET_THROUGH: Final = ("_stcore/health", "_stcore/host-config", "/media/")


@dataclass
class Person:
    """One of the people.

    Attributes:
        name: As the proxy says it.
        done: How often each action was done.
        seconds: How long each took.
        faults: What went wrong, in sentences.
    """

    name: str
    done: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def walk(browser: Browser, url: str, person: Person, end: float, seed: int) -> None:
    """Have a person use the workbench until a time is over."""
    chance = random.Random(f"{seed} {person.name}")
    context = await browser.new_context(extra_http_headers={HEADER: person.name})
    context.set_default_timeout(HANGS)
    page = await _tab(context, person)
    await page.goto(url)
    await _rest(page)
    uploaded = False
    while time.monotonic() < end:
        action = chance.choice(("page", "page", "page", "attack", "upload", "account"))
        action = "page" if action == "upload" and uploaded else action
        begin = time.perf_counter()
        try:
            if action == "page":
                await _open(page, chance.choice(PAGES))
            elif action == "attack":
                await _open(page, "Home")
                await page.get_by_role("button", name="Run a demo attack").click()
                await page.wait_for_url("**run=*")
            elif action == "upload":
                await _upload(page, person)
                uploaded = True
            else:
                await _look_at_account(page, person, uploaded)
            await _rest(page)
            await _check(page, person)
        except PlaywrightError as error:
            person.faults.append(f"{action}: {str(error).splitlines()[0]}")
            await page.close()
            page = await _tab(context, person)
            await page.goto(url)
        person.done[action] += 1
        person.seconds.append(time.perf_counter() - begin)
    await context.close()


async def _tab(context: BrowserContext, person: Person) -> Page:
    page = await context.new_page()

    def hear(said: Any) -> None:
        address = said.location.get("url", "")
        if said.type == "error" and not any(part in address for part in _LET_THROUGH):
            person.faults.append(f"console: {said.text} {address}")

    page.on("console", hear)
    page.on("pageerror", lambda error: person.faults.append(f"page: {error}"))
    return page


async def _rest(page: Page) -> None:
    await page.wait_for_function(_REST)


async def _open(page: Page, name: str) -> None:
    await page.get_by_role("link", name=name, exact=True).first.click()


async def _upload(page: Page, person: Person) -> None:
    await _open(page, "Attack")
    await _rest(page)
    await page.get_by_text("Own image", exact=True).click()
    picture = np.random.default_rng(len(person.name)).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    chosen = {"name": f"{person.name}.png", "mimeType": "image/png", "buffer": file.getvalue()}
    await page.locator("input[type=file]").first.set_input_files(chosen)  # type: ignore[arg-type]
    await page.get_by_text("of the image, overlap with the prediction").wait_for()


async def _look_at_account(page: Page, person: Person, uploaded: bool) -> None:
    await _open(page, "Account")
    await page.get_by_role("heading", name=person.name, exact=True).wait_for()
    await _rest(page)
    seen = await page.locator("[data-testid=stMain]").inner_text()
    if uploaded and f"{person.name}.png" not in seen:
        person.faults.append("the own image is not on the account's page")


async def _check(page: Page, person: Person) -> None:
    if await page.get_by_test_id("stException").count():
        person.faults.append(f"an exception on {page.url}")
    seen = await page.locator("[data-testid=stMain]").inner_text()
    others = [f"person-{number:02d}.png" for number in range(100)]
    if found := [name for name in others if name in seen and name != f"{person.name}.png"]:
        person.faults.append(f"{found[0]} is in sight on {page.url}")


async def _all(url: str, people: int, minutes: float, seed: int) -> list[Person]:
    everybody = [Person(f"person-{number:02d}") for number in range(people)]
    chromium = next(
        filter(
            None, map(shutil.which, ("chromium", "chromium-browser", "chromium-headless-shell"))
        ),
        None,
    )
    end = time.monotonic() + 60 * minutes
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        await asyncio.gather(*(walk(browser, url, one, end, seed) for one in everybody))
        await browser.close()
    return everybody


def main() -> int:
    """Serve the workbench to many people; return 1 when anything went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "config.toml").write_text(CONFIG)
        with served(Path(home)) as url:
            people = asyncio.run(_all(url, options.people, options.minutes, options.seed))
    answer = _answer(people)
    print(json.dumps(answer, indent=2) if options.json else "\n".join(_lines(answer)))
    return 1 if answer["faults"] else 0


def _answer(people: list[Person]) -> dict[str, Any]:
    seconds = sorted(value for one in people for value in one.seconds)
    done = sum((one.done for one in people), Counter[str]())
    return {
        "people": len(people),
        "actions": dict(done),
        "median_seconds": float(np.median(seconds)) if seconds else None,
        "longest_seconds": seconds[-1] if seconds else None,
        "faults": [f"{one.name}: {text}" for one in people for text in one.faults],
    }


def _lines(answer: dict[str, Any]) -> list[str]:
    return [f"{name}: {value}" for name, value in answer.items()]


if __name__ == "__main__":
    sys.exit(main())
