"""The saved file of a run does with nnU-Net, transformers and a bundle itself what the run says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from asma_core.models.sources.drafting import draft_network
from asma_core.models.sources.importing import import_card
from asma_core.runs import artefacts
from asma_core.runs.store import RunStore
from tests.models import bare
from tests.models.sources import nnunet_folder, test_bundles, test_huggingface, test_nnunet_parity
from tests.runs.own_run import attacked

SIDE = 32
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
NOISE = np.random.default_rng(5).random((3, SIDE, SIDE)) * 0.2
IMAGE = (NOISE + 0.2 + 0.4 * (np.hypot(ROWS - 14, COLUMNS - 15) < 8)).astype(np.float32)
IMAGE = np.rint(IMAGE * 255).astype(np.float32) / np.float32(255)
TARGET = (np.hypot(ROWS - 18, COLUMNS - 17) < 7).astype(np.int64)

# From a picture of 8 bits (C, H, W) to logits (K, H, W), by the tool alone.
Own = Callable[[NDArray[np.uint8]], Tensor]


def nnunet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Own:
    pytest.importorskip("nnunetv2", reason="nnunetv2 is not installed")
    nnunet_folder.trained(folder)
    return lambda pixels: test_nnunet_parity.theirs(folder, pixels, mirror=False)[0]


def segformer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Own:
    pytest.importorskip("transformers", reason="transformers is not installed")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    net = test_huggingface.saved(folder)

    def own(pixels: NDArray[np.uint8]) -> Tensor:
        images = torch.from_numpy(pixels.astype(np.float32) / 255)[None]
        logits = net(pixel_values=bare.prepared(images)).logits
        return functional.interpolate(logits, size=(SIDE, SIDE), mode="bilinear")[0]

    return own


def bundle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Own:
    told, transforms = test_bundles.TRANSFORMS["range, then figures"]
    test_bundles.bundle(folder, test_bundles.config(*told))
    net = test_bundles.net()
    return lambda pixels: net(torch.as_tensor(transforms(pixels.astype(np.float32)))[None])[0]


@pytest.mark.parametrize("tool", [nnunet, segformer, bundle])
def test_the_file_does_what_the_run_says(
    home: Path, tmp_path: Path, tool: Callable[..., Own], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tool(tmp_path / "f", monkeypatch)
    drafted = draft_network(tmp_path / "f", tmp_path / "draft")
    import_card(Path(drafted["card"]), trusted=True, name="own")
    runs = RunStore()
    run, pixels = attacked(runs, IMAGE, TARGET, 30)
    with torch.no_grad():
        logits = own(pixels.transpose(2, 0, 1))
    seen = logits.argmax(0).numpy()
    best = logits.topk(2, dim=0).values
    clear = (best[0] - best[1] > 1e-4).numpy()
    saved = np.asarray(Image.open(runs.folder(run.id) / artefacts.PREDICTION_ADVERSARIAL))
    assert clear.mean() > 0.95 and np.array_equal(saved[clear], seen[clear])
