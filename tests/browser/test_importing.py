"""Adding data sets in a real Chromium: reasons, findings with choices, and what is what."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from asma_core.data.datasets import Dataset, open_dataset
from tests.browser.conftest import PROJECT, Serve
from tests.browser.looking import look
from tests.browser.test_journey import rerun, settle
from tests.data.publish import Files, binary, disc, picture
from tests.data.test_inspection import turned

# Data sets are added before all of their pictures have come.
pytestmark = [pytest.mark.browser, pytest.mark.hasty]

APP = PROJECT / "serve.py"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("importing")


def zipped(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{path.stem}/{name}", data)
    return path


def add(page: Page, url: str, upload: Path) -> None:
    """Go from Home to the import, as a person does, and hand it a zip."""
    page.goto(url)
    settle(page)
    page.get_by_role("link", name="Datasets", exact=True).click()
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("input[type=file]").set_input_files(upload)
    expect(page.get_by_text("Understood as")).to_be_visible()
    settle(page)


def keep(page: Page, home: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    page.get_by_role("button", name="Add this data set").click()
    page.wait_for_url(re.compile(f"dataset={name}"))
    monkeypatch.setenv("ASMA_HOME", str(home))
    return open_dataset(name)


def test_a_finding_is_told_and_chosen(
    page: Page, serve: Serve, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"photo_{n}.jpg": turned(n) for n in range(4)}
    upload = zipped(tmp_path / "photos.zip", files | {f"roi_{n}.png": binary(n) for n in range(4)})
    add(page, serve(APP, {"ASMA_HOME": str(home)}), upload)
    expect(page.get_by_text("4 images with masks")).to_be_visible()
    expect(page.get_by_text("Paired by equal names in equal folders.")).to_be_visible()
    expect(page.get_by_text("Images with a tag (EXIF) that turns them")).to_be_visible()
    look(page, "finding")
    with rerun(page):
        page.get_by_text("Leave images as they are stored", exact=True).click()
    expect(page.get_by_text("Now they are left as they are stored")).to_be_visible()
    # The choice can be taken back.
    with rerun(page):
        page.get_by_text("Turn images as the tag says", exact=True).click()
    expect(page.get_by_text("Now they are turned by it")).to_be_visible()
    with rerun(page):
        page.get_by_text("Leave images as they are stored", exact=True).click()
    dataset = keep(page, home, "photos", monkeypatch)
    assert not dataset.samples[0].where.upright
    for n, sample in enumerate(dataset.samples):
        assert (dataset.mask(sample).labels == disc(n)).all()


def test_what_is_an_image_and_what_a_mask_is_corrected(
    page: Page, serve: Serve, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"images/{n}.png": picture(n) for n in range(4)}
    files |= {f"truth/{n}.png": binary(n) for n in range(4)}
    files |= {f"second_reader_masks/{n}.png": binary(n, radius=9) for n in range(4)}
    add(page, serve(APP, {"ASMA_HOME": str(home)}), zipped(tmp_path / "readers.zip", files))
    expect(page.get_by_text("taken as annotators' votes")).to_be_visible()
    page.get_by_text("Wrong images or masks?").click()
    box = page.get_by_label("Masks are")
    box.fill("nothing/*")
    with rerun(page):
        box.press("Enter")
    expect(page.get_by_text("has no mask for")).to_be_visible()
    look(page, "no-such-masks")
    # What was typed can still be corrected.
    box.fill("second*/*.png")
    with rerun(page):
        box.press("Enter")
    expect(page.get_by_text("Images and masks told apart by your patterns")).to_be_visible()
    look(page, "patterns")
    dataset = keep(page, home, "readers", monkeypatch)
    for n, sample in enumerate(dataset.samples):
        assert (dataset.mask(sample).labels == disc(n, 9)).all()


def test_what_only_all_images_show_is_told_before_it_is_kept(
    page: Page, serve: Serve, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 30
    files = {f"images/{n:02d}.png": picture(n) for n in range(count)}
    files |= {f"masks/{n:02d}.png": binary(n % 9, radius=0 if n == 29 else 12) for n in range(30)}
    add(page, serve(APP, {"ASMA_HOME": str(home)}), zipped(tmp_path / "late.zip", files))
    expect(page.get_by_text(f"{count} images with masks")).to_be_visible()
    page.get_by_role("button", name="Add this data set").click()
    expect(page.get_by_text("Masks that hold no structure at all: 1 of 30.")).to_be_visible()
    look(page, "late")
    page.get_by_role("button", name="Add it all the same").click()
    page.wait_for_url(re.compile("dataset=late"))
    monkeypatch.setenv("ASMA_HOME", str(home))
    dataset = open_dataset("late")
    assert len(dataset.samples) == count
    assert not np.any(dataset.mask(dataset.samples[29]).labels)
