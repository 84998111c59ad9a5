"""How quick the pages are: `python -m benchmarks.pages --json`.

A server of its own with a data folder of its own, driven by a real Chromium:
first page of a started server; reruns of each page while no attack runs, and while one runs on the
same cores; from pressing Run to the first live figure with a warm worker; clicks and seconds from
the first page to the first saved verdict.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page

from asma_core.data.datasets import open_dataset
from asma_core.files import to_json
from benchmarks.browser import APP, STATE, chromium, served, settled
from benchmarks.first_verdict import first_verdicts
from benchmarks.machine import machine

RERUNS = 7
PAGES = ("", "datasets", "attack", "compare", "runs")
# A click on the page's own name in the navigation runs its script again. A run that begins and ends
# between two drawings of the browser is not seen, and asked for again.
RERUN = f"""name => new Promise((resolve, reject) => {{
    const app = document.querySelector("{APP}");
    const link = [...document.querySelectorAll("nav a, a[data-testid=stTopNavLink]")]
        .find(found => found.innerText.trim().endsWith(name));
    if (!link) return reject(new Error("no link called " + name));
    let begin, ran;
    const ask = () => {{ begin = performance.now(); ran = false; link.click(); }};
    const watch = new MutationObserver(() => {{
        const state = app.getAttribute("{STATE}");
        ran = ran || state === "running";
        if (ran && state === "notRunning") {{
            watch.disconnect();
            clearInterval(again);
            resolve(performance.now() - begin);
        }}
    }});
    watch.observe(app, {{attributes: true, attributeFilter: ["{STATE}"]}});
    setTimeout(() => reject(new Error("no rerun within 20 s of " + name)), 20000);
    const again = setInterval(() => ran || ask(), 3000);
    ask();
}})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder))
    with chromium() as browser:
        figures["first_saved_verdict"] = first_verdicts(browser)
    print(to_json({"machine": machine(), **figures}))


def measure(home: Path) -> dict[str, Any]:
    """Return seconds."""
    os.environ["ASMA_HOME"] = str(home)
    for name in ("demo-fundus", "demo-lesion"):
        open_dataset(name)
    with served(home) as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        first = _first_page(page, url)
        page.goto(f"{url}/attack")
        settled(page)
        live = _first_live_figure(page)
        page.wait_for_selector("text=Change the target", timeout=300_000)
        idle = {name or "home": _reruns(page, f"{url}/{name}") for name in PAGES}
        _start_long_run(page, url)
        busy = {name or "home": _reruns(page, f"{url}/{name}") for name in PAGES}
    return {
        "first_page_seconds": first,
        "first_live_figure_seconds": live,
        "rerun_seconds_idle": idle,
        "rerun_seconds_while_an_attack_runs": busy,
    }


def _first_page(page: Page, url: str) -> float:
    started = time.perf_counter()
    page.goto(url)
    page.wait_for_selector("text=Run a demo attack")
    return time.perf_counter() - started


def _first_live_figure(page: Page) -> float:
    """Press Run twice: the first time warms the worker."""
    _run(page)
    page.wait_for_selector("text=Change the target", timeout=300_000)
    page.click("text=Change the target")
    settled(page)
    started = _run(page)
    page.wait_for_selector("text=/Step \\d+ of|Change the target/", timeout=60_000)
    return time.perf_counter() - started


def _run(page: Page) -> float:
    button = page.get_by_role("button", name="Run the attack")
    button.wait_for()
    started = time.perf_counter()
    button.click()
    return started


def _start_long_run(page: Page, url: str) -> None:
    page.goto(f"{url}/attack")
    settled(page)
    page.get_by_role("radio", name="paper").or_(page.get_by_role("button", name="paper")).click()
    settled(page)
    _run(page)
    page.wait_for_selector("text=/Step \\d+ of/", timeout=60_000)


def _reruns(page: Page, address: str) -> float:
    page.goto(address)
    settled(page)
    page.wait_for_timeout(1500)
    name = (urlsplit(address).path.strip("/") or "home").capitalize()
    page.evaluate(RERUN, name)
    times = [float(page.evaluate(RERUN, name)) for _ in range(RERUNS)]
    return statistics.median(times) / 1000


if __name__ == "__main__":
    main()
