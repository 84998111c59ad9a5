"""A data folder with tiny networks and a tiny data set, so that a run takes a moment."""

from __future__ import annotations

import io
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

SIZE = 32
COUNT = 8
MEAN, STD = 0.5, 0.25
DATASET = "tiny-set"
MODEL = "tiny-unet"
THREE = "tiny-three-unet"
NAN = "tiny-nan-unet"
CLASSES = {MODEL: 2, THREE: 3, NAN: 2}
ARGUMENTS: dict[str, Any] = {
    "spatial_dims": 2,
    "in_channels": 3,
    "channels": [4, 8],
    "strides": [2],
    "num_res_units": 0,
    "norm": ["instance", {"affine": True}],
}
# No step gets anywhere: as slow a run as a test needs.
SLOW = {"steps": 100_000, "target_iou": 1.0, "tau": 1e-12, "beta": 0.0, "stop_at_target": False}
QUICK = {"steps": 100, "target_iou": 0.85}


def furnish(home: Path) -> Path:
    """Put the networks and the data set into a data folder."""
    for name, data in _model_files().items():
        _put(home / "models" / name, data)
    for name, data in _dataset_files().items():
        _put(home / "datasets" / DATASET / name, data)
    return home


def image_pixels(index: int) -> NDArray[np.uint8]:
    """A bright disc on a dark ground with noise, uint8 (32, 32, 3)."""
    rng = np.random.default_rng(index)
    disc = mask_labels(index, 3)[..., None]
    bright = 70 + 70 * (disc > 0) + 50 * (disc > 1) + rng.normal(0, 8, (SIZE, SIZE, 3))
    return np.clip(np.rint(bright), 0, 255).astype(np.uint8)


def mask_labels(index: int, classes: int = 2) -> NDArray[np.int64]:
    """A disc at a place of its own, with a core as class 2 where there is one."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    away = np.hypot(rows - 12 - index, columns - 20 + index)
    labels = (away < 8).astype(np.int64)
    if classes > 2:
        labels[away < 4] = 2
    return labels


def png(pixels: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def bare_network(name: str, weights: Path) -> nn.Module:
    """The bare MONAI network, built here and not by the workbench."""
    from monai.networks.nets.unet import UNet

    network = UNet(**ARGUMENTS, out_channels=CLASSES[name])
    network.load_state_dict(load_file(weights))
    return network.eval()


def bare_prediction(name: str, home: Path, file: Path) -> NDArray[np.int64]:
    """What the bare network says of a picture file of its own size, without our wrapper."""
    pixels = np.asarray(Image.open(file).convert("RGB")).astype(np.float32) / 255.0
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    network = bare_network(name, home / "models" / f"{name}.safetensors")
    with torch.no_grad():
        return network((images - MEAN) / STD).argmax(dim=1)[0].numpy()


def _put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


@lru_cache
def _model_files() -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name, classes in CLASSES.items():
        files[f"{name}.toml"] = _card(name, classes).encode()
        files[f"{name}.safetensors"] = _weights(name, classes)
    return files


def _weights(name: str, classes: int) -> bytes:
    """A network trained for a moment on the tiny set; not-a-number weights for one of them."""
    from monai.networks.nets.unet import UNet
    from safetensors.torch import save

    torch.manual_seed(11)
    # The same weights whoever asks first: sums on several threads come out otherwise.
    torch.set_num_threads(1)
    network = UNet(**ARGUMENTS, out_channels=classes)
    if name == NAN:
        return save({key: value * float("nan") for key, value in network.state_dict().items()})
    images = torch.stack([_tensor(index) for index in range(COUNT)])
    labels = torch.stack([torch.from_numpy(mask_labels(i, classes)) for i in range(COUNT)])
    optimiser = torch.optim.Adam(network.parameters(), lr=0.03)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network((images - MEAN) / STD), labels).backward()
        optimiser.step()
    return save({key: value.contiguous() for key, value in network.state_dict().items()})


def _tensor(index: int) -> Tensor:
    return torch.from_numpy(image_pixels(index).astype(np.float32) / 255.0).permute(2, 0, 1)


@lru_cache
def _dataset_files() -> dict[str, bytes]:
    card = {
        "title": "Tiny set",
        "description": "Discs.",
        "classes": ["background", "disc"],
        "split": {
            "train": [f"{i:02d}" for i in range(6)],
            "test": ["06", "07"],
        },
    }
    files = {"dataset.json": json.dumps(card).encode()}
    for index in range(COUNT):
        files[f"images/{index:02d}.png"] = png(image_pixels(index))
        files[f"masks/{index:02d}.png"] = png(mask_labels(index).astype(np.uint8))
    return files


def _card(name: str, classes: int) -> str:
    arguments = (
        f"spatial_dims = 2, in_channels = 3, out_channels = {classes}, channels = [4, 8], "
        'strides = [2], num_res_units = 0, norm = ["instance", {affine = true}]'
    )
    names = "\n".join(f'[[classes]]\nname = "class {number}"' for number in range(classes))
    return f"""
name = "{name}"
title = "Tiny"
description = "For tests."
weights = "{name}.safetensors"
dataset = "{DATASET}"
source = "tests/tiny.py"
[architecture]
name = "UNet"
arguments = {{{arguments}}}
[input]
channels = 3
size = 0
multiple = 2
mean = [{MEAN}, {MEAN}, {MEAN}]
std = [{STD}, {STD}, {STD}]
{names}
[figures]
test_iou = 0.9
"""


def request(config: dict[str, Any] | None = None, **more: Any) -> Any:
    """A request for ASMA with the tiny network."""
    from asma_core.runs.execution import split_off
    from asma_core.runs.spec import RunRequest
    from asma_core.runs.target_source import DESCRIBED, TargetSource

    values = {"model": MODEL, "attack": "asma", "config": QUICK if config is None else config}
    names = {"image_name": f"{DATASET} / 00", "target_name": "mask of 02"}
    execution, rest = split_off(values | names | more)
    target = TargetSource(DESCRIBED, rest.pop("target_name"))
    return RunRequest(**{"target": target, **rest}, execution=execution)


def inputs(index: int = 0, target: int = 2, classes: int = 2) -> Any:
    """One image of the tiny set, towards another image's mask."""
    from asma_core.runs.spec import RunInputs

    image = image_pixels(index).astype(np.float32).transpose(2, 0, 1) / np.float32(255.0)
    valid = np.ones((SIZE, SIZE), dtype=np.bool_)
    return RunInputs(
        np.ascontiguousarray(image),
        mask_labels(target, classes),
        valid,
        mask_labels(index, classes),
    )
