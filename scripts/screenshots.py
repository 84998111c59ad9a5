"""Makes the README's screenshots from the real app: `python -m scripts.screenshots`."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from asma_core.cli.main import main as command
from asma_core.paths import PROJECT
from benchmarks.browser import chromium, served, settled

ATTACKS = (("demo-lesion", 48, 49), ("demo-lesion", 50, 53), ("demo-fundus", 50, 51))
TABLE = ("--samples", "5", "--target-iou", "0.95", "--distance-weights", "0,1,10,100")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=PROJECT / "docs" / "images")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=860)
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ASMA_HOME"] = folder
        for dataset, sample, target in ATTACKS:
            pair = ["--sample", str(sample), "--target-sample", str(target)]
            command(["attack", "--model", f"{dataset}-unet", "--dataset", dataset, *pair])
        command(["ablation", "--model", "demo-lesion-unet", "--dataset", "demo-lesion", *TABLE])
        with served(Path(folder)) as url, chromium() as browser:
            _take(browser, url, options)


def _take(browser: Browser, url: str, options: argparse.Namespace) -> None:
    page = browser.new_page(
        viewport={"width": options.width, "height": options.height}, color_scheme=options.scheme
    )

    def save(name: str) -> None:
        settled(page)
        page.wait_for_timeout(1500)  # pictures fade in after the script has run
        page.screenshot(path=options.out / f"{name}-{options.scheme}.png")

    for name, address in (
        ("home", ""),
        ("datasets", "datasets?dataset=demo-lesion"),
        ("attack", "attack?dataset=demo-fundus&sample=0050"),
        ("compare", "compare"),
        ("runs", "runs"),
    ):
        page.goto(f"{url}/{address}")
        save(name)
    _experiment(page, url)
    save("experiments")
    page.goto(f"{url}/models?model=demo-fundus-unet&check=1")
    page.get_by_text("Clean IoU").wait_for(timeout=120_000)
    page.get_by_role("button", name="Clean IoU of all images").click()
    page.get_by_text("Worst first").wait_for(timeout=120_000)
    save("models")
    _live(page, url)
    page.screenshot(path=options.out / f"live-{options.scheme}.png")


def _experiment(page: Page, url: str) -> None:
    """Open the experiment that the command line made."""
    page.goto(f"{url}/experiments")
    settled(page)
    page.get_by_role("link", name="demo-lesion-unet on demo-lesion").click()
    page.get_by_text("Click a point").wait_for()


def _live(page: Page, url: str) -> None:
    """Start an attack that lasts, and wait until it shows something."""
    page.goto(f"{url}/attack?dataset=demo-lesion&sample=0052")
    settled(page)
    page.get_by_text("strong", exact=True).click()
    settled(page)
    page.get_by_role("button", name="Run the attack").click()
    page.wait_for_selector("text=/Step [1-9]\\d* of/", timeout=60_000)
    page.wait_for_timeout(4000)


if __name__ == "__main__":
    main()
