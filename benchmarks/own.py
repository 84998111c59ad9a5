"""Own data and own networks: `python -m benchmarks.own --json [--part import|large|membrane]`.

import    2,000 images of 512 x 512 taken in, and the page of the set afterwards; 10,000 small
          images opened, and their page.
large     the memory of the server while images of 4096 x 4096 are browsed on Datasets, and while
          they are open on Attack.
membrane  the 30 images of ../shared/real/membrane taken in, a U-Net trained on 24 of them, its
          IoU on the other 6, and those 6 attacked towards another image's mask.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from asma_core.data.datasets import open_dataset
from asma_core.data.importing import take_in
from asma_core.data.preview import preview
from asma_core.files import to_json
from benchmarks.browser import chromium, served, settled
from benchmarks.machine import machine
from benchmarks.zoo.materials import REAL

WARM_MS = 12_000
MEMBRANE = REAL / "membrane"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="the answer always is JSON")
    parser.add_argument("--part", choices=sorted(PARTS), action="append")
    options = parser.parse_args()
    figures: dict[str, Any] = {"machine": machine()}
    for part in options.part or PARTS:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["ASMA_HOME"] = folder
            figures[part] = PARTS[part](Path(folder))
    print(to_json(figures))


def measure_import(home: Path) -> dict[str, Any]:
    """Return seconds of taking in and of opening, and of the page."""
    with tempfile.TemporaryDirectory() as data:
        many, more = Path(data) / "two-thousand", Path(data) / "ten-thousand"
        write_images(many, 2000, 512)
        write_images(more, 10_000, 64)
        figures = {"2000 of 512 x 512": _taken_in(many), "10000 of 64 x 64": _taken_in(more)}
        with served(home) as url, chromium() as browser:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(url)
            settled(page)
            # The server's worker processes import torch meanwhile, which is another figure.
            page.wait_for_timeout(WARM_MS)
            for name, key in (("two-thousand", "2000 of 512 x 512"), ("ten-thousand",
                              "10000 of 64 x 64")):  # fmt: skip
                figures[key] |= _page_seconds(page, f"{url}/datasets?dataset={name}")
    return figures


def _taken_in(folder: Path) -> dict[str, float]:
    begin = time.perf_counter()
    found = preview(folder)
    looked = time.perf_counter()
    take_in(found, folder.name)
    taken = time.perf_counter()
    open_dataset(folder.name)
    opened = time.perf_counter()
    return {
        "preview_seconds": looked - begin,
        "import_seconds": taken - begin,
        "open_seconds": opened - taken,
    }


def _page_seconds(page: Page, address: str) -> dict[str, float]:
    """Return the time of the first visit, of a reload, and of sorting by area."""
    seconds = {}
    for name, where in (
        ("page_first_seconds", address),
        ("page_again_seconds", address),
        ("page_by_area_seconds", f"{address}&sort=largest"),
    ):
        begin = time.perf_counter()
        page.goto(where)
        page.wait_for_selector("text=/[0-9,]+ images/")
        settled(page)
        page.wait_for_function("() => [...document.images].every(image => image.complete)")
        seconds[name] = time.perf_counter() - begin
    return seconds


def write_images(folder: Path, count: int, side: int) -> None:
    """Write JPEG images with PNG masks: a blurred blob on noise, a few kinds repeated."""
    rng = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows, columns = np.mgrid[:side, :side] / side
    for kind in range(20):
        disc = np.hypot(rows - 0.3 - kind / 50, columns - 0.5) < 0.2
        noise = rng.normal(110, 25, (side, side, 3)) + 60 * disc[..., None]
        _save(noise, folder / "images" / f"{kind:05d}.jpg")
        _save(255.0 * disc, folder / "masks" / f"{kind:05d}.png")
    for index in range(20, count):
        for name, ending in (("images", "jpg"), ("masks", "png")):
            source = folder / name / f"{index % 20:05d}.{ending}"
            (folder / name / f"{index:05d}.{ending}").write_bytes(source.read_bytes())


def _save(values: NDArray[np.float64], path: Path) -> None:
    Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).save(path, quality=90)


def measure_large(home: Path) -> dict[str, Any]:
    """Return the server's resident memory in MB before and at most while a large image is open."""
    write_images(home / "datasets" / "large", 2, 4096)
    with served(home) as url, chromium() as browser:
        server = _server(url)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        settled(page)
        figures = {"server_mb_before": _memory(server)}
        for name, addresses in (
            (
                "browsed",
                (
                    "datasets?dataset=large",
                    "datasets?dataset=large&sample=00000",
                    "datasets?dataset=large&sample=00001",
                ),
            ),
            (
                "attack_page",
                ("attack?dataset=large&sample=00000", "attack?dataset=large&sample=00001"),
            ),
        ):
            with _watched(server) as peak:
                for where in addresses:
                    page.goto(f"{url}/{where}")
                    settled(page)
                    page.wait_for_timeout(2000)
            figures[f"{name}_server_mb_at_most"] = peak[0]
            figures[f"{name}_server_and_workers_mb_at_most"] = peak[1]
    return figures


def _server(url: str) -> psutil.Process:
    port = url.rpartition(":")[2]
    found = [
        child
        for child in psutil.Process().children()
        if port in child.cmdline() and "streamlit" in child.cmdline()
    ]
    return found[0]


def _memory(process: psutil.Process) -> float:
    return float(round(process.memory_info().rss / 1e6, 1))


@contextmanager
def _watched(server: psutil.Process) -> Iterator[list[float]]:
    """Keep the largest memory of the server alone, and with its workers, in MB."""
    peak, done = [0.0, 0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            alone = _memory(server)
            workers = sum(_of(child) for child in server.children(recursive=True))
            peak[:] = [max(peak[0], alone), max(peak[1], round(alone + workers, 1))]

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _of(process: psutil.Process) -> float:
    try:
        return _memory(process)
    except psutil.NoSuchProcess:
        return 0.0


def measure_membrane(home: Path) -> dict[str, Any]:
    """Return the training's time and scores, and what the attacks on the test images gave."""
    from asma_core.runs.execute import execute
    from asma_core.runs.execution import Execution
    from asma_core.runs.sources import from_sample, target_from_sample
    from asma_core.runs.store import RunStore
    from asma_core.runs.target_source import SAMPLE, TargetSource
    from asma_core.training.data import material_of, split_samples
    from asma_core.training.plan import TrainingPlan
    from asma_core.training.train import train

    if not MEMBRANE.is_dir():
        return {"skipped": f"{MEMBRANE} is not here"}
    take_in(preview(MEMBRANE).corrected(["membrane", "cell"]), "membrane")
    dataset = open_dataset("membrane")
    begin = time.perf_counter()
    plan = TrainingPlan("membrane", "membrane-unet")
    report = train(material_of(plan), plan, home / "models")
    seconds = time.perf_counter() - begin
    assert report is not None
    split = split_samples(dataset, plan.validation)
    runs, rows = RunStore(), []
    for place, sample in enumerate(split.test):
        source = from_sample(dataset, sample)
        other = split.test[(place + 1) % len(split.test)]
        target = target_from_sample(dataset, other, source.shape)
        origin, on_cpu = TargetSource(SAMPLE, other.name), Execution(device="cpu")
        request = source.request("membrane-unet", "asma", {}, origin, on_cpu)
        run = execute(runs, runs.create(request, source.with_target(target)).id)
        saved = Image.open(runs.folder(run.id) / "adversarial.png").size
        keys = ("success", "iou_8bit", "l2_8bit", "linf_8bit", "steps", "seconds")
        row: dict[str, Any] = {"sample": sample.name, "target": other.name, "saved": saved}
        rows.append(row | {key: run.results.get(key) for key in keys})
    return {
        "trained_on": len(split.train),
        "training_seconds": report.seconds,
        "training_and_scoring_seconds": seconds,
        "steps": report.steps,
        "test_images": report.evaluation.images,
        "iou_of_cell": report.evaluation.iou_per_class[1],
        "iou_of_membrane": report.evaluation.iou_per_class[0],
        "attacks": rows,
    }


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "import": measure_import,
    "large": measure_large,
    "membrane": measure_membrane,
}

if __name__ == "__main__":
    main()
