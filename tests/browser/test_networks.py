"""Networks of other tools in a real Chromium: from the file to the first attack."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect

from tests import tiny
from tests.browser.conftest import PROJECT, Serve
from tests.browser.test_journey import attack_it, fill_steps, press_run, settle, start_run
from tests.models.sources import nnunet_folder, onnx_files, test_bundles, test_huggingface

# Pages are left before all of their pictures have come.
pytestmark = [pytest.mark.browser, pytest.mark.hasty]

APP = PROJECT / "serve.py"


def nnunet(folder: Path) -> None:
    pytest.importorskip("dynamic_network_architectures", reason="nnU-Net's networks are not there")
    nnunet_folder.trained(folder / "nnUNetTrainer__nnUNetPlans__2d")


def segformer(folder: Path) -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    test_huggingface.saved(folder / "segformer")


def bundle(folder: Path) -> None:
    test_bundles.bundle(folder / "bundle")


def lightning(folder: Path) -> None:
    state = {f"model.net.{name}": value for name, value in test_bundles.net().state_dict().items()}
    state["loss.weight"] = torch.ones(2)
    folder.mkdir(parents=True)
    torch.save({"state_dict": state, "epoch": 3}, folder / "epoch=3.ckpt")


def onnx(folder: Path) -> None:
    if onnx_files.ABSENT:
        pytest.skip(f"not installed: {', '.join(onnx_files.ABSENT)}")
    onnx_files.exported(folder / "net.onnx", test_bundles.net(), size=(64, 64))


def square(page: Page) -> str:
    """Start the only attack that is offered for a black box."""
    expect(page.get_by_text("attacks that need gradients are left out")).to_be_visible()
    fill_steps(page, "square-default", "1000", 20)
    return press_run(page)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.furnish(tmp_path_factory.mktemp("networks"))


@pytest.mark.parametrize("write", [nnunet, segformer, bundle, lightning, onnx])
def test_from_the_file_to_the_first_attack(
    page: Page, serve: Serve, home: Path, tmp_path: Path, write: Callable[[Path], None]
) -> None:
    folder = tmp_path / "network"
    write(folder)
    files = [path for path in folder.iterdir() if path.is_file()]
    upload = files[0] if files else Path(shutil.make_archive(str(tmp_path / "n"), "zip", folder))
    page.set_viewport_size({"width": 1280, "height": 1400})
    page.goto(serve(APP, {"ASMA_HOME": str(home)}))
    settle(page)
    page.get_by_role("link", name="Models", exact=True).click()
    page.get_by_role("button", name="Add a network").click()
    page.locator("input[type=file]").set_input_files(upload)
    check = page.get_by_role("button", name="Check", exact=True)
    expect(check).to_be_visible()
    settle(page)
    check.click()
    keep = page.get_by_role("button", name="Keep this network")
    expect(keep).to_be_enabled()
    settle(page)
    keep.click()
    page.wait_for_url(re.compile(r"model=(?!tiny)"))
    expect(page.get_by_text("uploaded", exact=True)).to_be_visible()
    settle(page)
    attack_it(page, square if write is onnx else start_run)
