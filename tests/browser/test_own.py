"""Own images and an own network in a real Chromium: upload, correct, check, attack, compare."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect
from safetensors.torch import load

from asma_core.data.datasets import open_dataset
from tests import tiny
from tests.browser.conftest import PROJECT, Serve
from tests.browser.looking import look
from tests.browser.test_journey import VIEWER, attack_it, rerun, settle, start_run, wait_for_end

pytestmark = pytest.mark.browser

APP = PROJECT / "serve.py"
# Not in the order of the classes: the cup is the darker grey, as in REFUGE's masks.
GREYS = np.array([255, 128, 0], dtype=np.uint8)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def upload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of images with masks in three greys, and the state dict of a network for them."""
    folder = tmp_path_factory.mktemp("upload")
    with zipfile.ZipFile(folder / "discs.zip", "w") as archive:
        for index in range(tiny.COUNT):
            archive.writestr(f"discs/images/{index}.png", tiny.png(tiny.image_pixels(index)))
            mask = GREYS[tiny.mask_labels(index, 3)]
            archive.writestr(f"discs/masks/{index}.png", tiny.png(mask))
    weights = load(tiny._weights(tiny.THREE, 3))
    buffer = io.BytesIO()
    torch.save({"state_dict": weights, "epoch": 60}, buffer)
    (folder / "discs-net.pt").write_bytes(buffer.getvalue())
    return folder


def at_home(page: Page, serve: Serve, home: Path) -> None:
    """Open Home over a data folder with the tiny networks."""
    page.set_viewport_size({"width": 1280, "height": 1400})
    tiny.furnish(home)
    page.goto(serve(APP, {"ASMA_HOME": str(home)}))
    settle(page)


def open_network(page: Page, name: str) -> None:
    """Go to a network from wherever one is, as a person does."""
    page.get_by_role("link", name="Models", exact=True).click()
    settle(page)
    page.get_by_text(name, exact=True).first.click()
    page.wait_for_url(re.compile(f"model={name}"))
    settle(page)


def choose(page: Page, label: str, option: str) -> None:
    """Choose an option of a select box by its label."""
    with rerun(page):
        page.get_by_role("combobox", name=label, exact=True).click()
        page.get_by_role("option", name=option, exact=True).click()


def fill(page: Page, label: str, text: str) -> None:
    """Write into a box and let it be known."""
    with rerun(page):
        box = page.get_by_label(label, exact=True)
        box.fill(text)
        box.press("Enter")


# What is filled in draws the pictures of an import anew, also those that have not come yet.
@pytest.mark.hasty
def test_a_zip_is_mapped_a_network_checked_and_attacked(
    page: Page, serve: Serve, home: Path, upload: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A list that opens at the window's very edge closes again when the page scrolls to it.
    page.set_viewport_size({"width": 1280, "height": 1400})
    url = serve(APP, {"ASMA_HOME": str(home)})
    page.goto(f"{url}/datasets")
    settle(page)
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("input[type=file]").set_input_files(upload / "discs.zip")
    expect(page.get_by_text("8 images with masks")).to_be_visible()
    settle(page)
    # The guess takes the darkest grey for the background; it is the cup.
    fill(page, "Names, background first", "ground, rim, cup")
    choose(page, "Class of 0", "cup")
    choose(page, "Class of 255", "ground")
    page.get_by_role("button", name="Add this data set").click()
    page.wait_for_url(re.compile(r"dataset=discs"))
    expect(page.get_by_text("8 images", exact=True)).to_be_visible()
    settle(page)
    monkeypatch.setenv("ASMA_HOME", str(home))
    dataset = open_dataset("discs")
    for index, sample in enumerate(dataset.samples):
        assert np.array_equal(dataset.mask(sample).labels, tiny.mask_labels(index, 3))

    page.get_by_role("link", name="Models").click()
    settle(page)
    page.get_by_role("button", name="Add a network").click()
    page.locator("input[type=file]").set_input_files(upload / "discs-net.pt")
    expect(page.get_by_text("What fits them all is filled in")).to_be_visible()
    settle(page)
    fill(page, "Classes, background first", "ground, rim, cup")
    choose(page, "Values", "own figures")
    fill(page, "Mean", str(tiny.MEAN))
    fill(page, "Deviation", str(tiny.STD))
    choose(page, "Trained on", "discs")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text(re.compile(r"Clean IoU (0\.[89]|1\.0)"))).to_be_visible()
    page.get_by_role("button", name="Keep this network").click()
    page.wait_for_url(re.compile(r"model=discs-net"))
    expect(page.get_by_text("uploaded", exact=True)).to_be_visible()
    settle(page)

    page.get_by_role("button", name="Attack it").click()
    page.wait_for_url(re.compile(r"attack"))
    expect(page.locator(".editor[data-ready]")).to_be_visible()
    expect(page.get_by_text("overlap with the prediction")).to_be_visible()
    settle(page)
    start_run(page)
    wait_for_end(page)
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(VIEWER)).to_be_visible()


def test_a_network_is_trained_in_the_browser(
    page: Page, serve: Serve, home: Path, upload: Path
) -> None:
    url = serve(APP, {"ASMA_HOME": str(home)})
    if not (home / "datasets" / "discs").exists():
        tiny.furnish(home)
    page.goto(f"{url}/models?train=1")
    settle(page)
    choose(page, "Data set", "discs" if (home / "datasets" / "discs").exists() else tiny.DATASET)
    with rerun(page):
        page.get_by_text("tiny", exact=True).click()
    fill(page, "Steps", "20")
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"training=[0-9a-f]{8}"))
    expect(page.get_by_text("Test IoU", exact=True)).to_be_visible()
    page.get_by_role("link", name="Look at the network").click()
    expect(page.get_by_text("trained here", exact=True)).to_be_visible()
    settle(page)


@pytest.mark.hasty
def test_a_network_is_used_with_other_classes(
    page: Page, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three classes of a network count as the two of a data set; what is kept is attacked."""
    at_home(page, serve, tmp_path)
    open_network(page, tiny.THREE)
    choose(page, "Use it with a data set of other classes", tiny.DATASET)
    expect(
        page.get_by_text("Proposed by the names, and by what the predictions lie on")
    ).to_be_visible()
    expect(page.get_by_text(re.compile(r"IoU (0\.[89]|1\.0)")).first).to_be_visible()
    settle(page)
    look(page, "mapping")
    page.get_by_role("button", name="Keep this network").click()
    name = f"{tiny.THREE}-{tiny.DATASET}"
    page.wait_for_url(re.compile(f"model={name}"))
    expect(page.get_by_text("3 classes of its own, counted as these")).to_be_visible()
    attack_it(page)
