"""The saved file does with the user's own network, outside of our wrapper, what the run says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from asma_core.runs import artefacts
from asma_core.runs.store import RunStore
from tests.models import bare
from tests.runs.own_run import attacked

# The module that a factory's card names, as the owner of a server would put it there.
CODE = "from tests.models.bare import *\n"
ROWS, COLUMNS = np.mgrid[:32, :40]
IMAGE = np.stack([0.3 + 0.4 * (np.hypot(ROWS - 14, COLUMNS - 18) < 8)] * 3).astype(np.float32)
IMAGE = np.rint(IMAGE * 255).astype(np.float32) / np.float32(255)
TARGET = (np.hypot(ROWS - 18, COLUMNS - 24) < 7).astype(np.int64)

Answer = Callable[[nn.Module, Tensor], NDArray[np.int64]]


def from_one(network: nn.Module, images: Tensor) -> NDArray[np.int64]:
    return (network(images)[0, 0] > 0).long().numpy()


def from_probability(network: nn.Module, images: Tensor) -> NDArray[np.int64]:
    return (network(images)[0, 0] > 0.5).long().numpy()


def from_all(network: nn.Module, images: Tensor) -> NDArray[np.int64]:
    return network(images).argmax(1)[0].numpy()


def from_dict(network: nn.Module, images: Tensor) -> NDArray[np.int64]:
    return network(images)["out"].argmax(1)[0].numpy()


def from_centre(network: nn.Module, images: Tensor) -> NDArray[np.int64]:
    labels = np.zeros(images.shape[-2:], dtype=np.int64)
    labels[2:-2, 2:-2] = network(images).argmax(1)[0].numpy()
    return labels


def from_blue_first(network: nn.Module, images: Tensor) -> NDArray[np.int64]:
    return network(images.flip(1)).argmax(1)[0].numpy()


MEANT = bare.INPUT.replace("multiple = 4", "multiple = 1")
KINDS: dict[str, tuple[str, str, str, Answer]] = {
    "logits": ("Plain", "", MEANT, from_all),
    "one logit": ("OneLogit", '[output]\nreading = "one-logit"\n', MEANT, from_one),
    "one probability": (
        "OneProbability",
        '[output]\nreading = "one-probability"\n',
        MEANT,
        from_probability,
    ),
    "a dict": ("Dict", '[output]\nelement = "out"\n', MEANT, from_dict),
    "without padding": ("Valid", '[output]\nfit = "centre"\n', MEANT, from_centre),
    "as BGR": (
        "Plain",
        "",
        '[input]\nchannels = 3\nsize = 0\nmultiple = 1\norder = "bgr"\n'
        "mean = [0.6, 0.5, 0.4]\nstd = [0.3, 0.25, 0.2]\n",
        from_blue_first,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_does_what_the_run_says(home: Path, kind: str) -> None:
    made, output, given, answer = KINDS[kind]
    (home / "models").mkdir(parents=True)
    (home / "models" / "own_nets.py").write_text(CODE)
    program = f'[program]\nkind = "factory"\nfactory = "own_nets:{made}"\n'
    bare.put(home / "models", "own", bare.card_text("own", program, output, given))
    runs = RunStore()
    run, pixels = attacked(runs, IMAGE, TARGET, 150)
    image = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None]
    network = getattr(bare, made)().eval()
    with torch.no_grad():
        seen = answer(network, bare.prepared(image))
    counted = np.ones(TARGET.shape, dtype=np.bool_)
    if kind == "without padding":
        counted[:] = False
        counted[2:-2, 2:-2] = True
    saved = np.asarray(Image.open(runs.folder(run.id) / artefacts.PREDICTION_ADVERSARIAL))
    assert np.array_equal(saved[counted], seen[counted])
    one, other = (seen == 1) & counted, (TARGET == 1) & counted
    assert run.results["iou_8bit"] == pytest.approx((one & other).sum() / (one | other).sum())
    assert run.results["iou_8bit"] > 0.9 and run.results["success"]
