"""Bare networks of many kinds, with the card that tells the workbench how to use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CLASSES = '[[classes]]\nname = "ground"\n\n[[classes]]\nname = "disc"\n'
INPUT = """[input]
channels = 3
size = 0
multiple = 4
mean = [0.4, 0.5, 0.6]
std = [0.2, 0.25, 0.3]
"""


class Plain(nn.Module):
    """Two convolutions that keep the size; small, and not symmetric in its channels."""

    def __init__(self, channels: int = 3, classes: int = 2, padding: int = 1) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.first = nn.Conv2d(channels, 6, 3, padding=padding)
        self.last = nn.Conv2d(6, classes, 3, padding=padding)

    def forward(self, images: Tensor) -> Any:
        return self.last(torch.tanh(self.first(images)))


class Tuple(Plain):
    def forward(self, images: Tensor) -> Any:
        return images.mean(), [super().forward(images)]


class Dict(Plain):
    def forward(self, images: Tensor) -> Any:
        return {"aux": images, "out": super().forward(images)}


class Deep(Plain):
    def forward(self, images: Tensor) -> Any:
        logits = super().forward(images)
        return torch.stack([logits * 0, logits], dim=1)


class Probabilities(Plain):
    def forward(self, images: Tensor) -> Any:
        return super().forward(images).softmax(dim=1)


class OneLogit(Plain):
    def __init__(self) -> None:
        super().__init__(classes=1)


class OneProbability(OneLogit):
    def forward(self, images: Tensor) -> Any:
        return super().forward(images).sigmoid()


class Flat(OneLogit):
    """Answers without the dimension of channels."""

    def forward(self, images: Tensor) -> Any:
        return super().forward(images)[:, 0]


class OneByOne(Plain):
    def forward(self, images: Tensor) -> Any:
        assert len(images) == 1, "one image at a time"
        return super().forward(images)


class Valid(Plain):
    """Without padding: 4 pixels smaller each side, as the paper's own U-Net is by 92."""

    def __init__(self) -> None:
        super().__init__(padding=0)


class Half(Plain):
    """Answers at half the resolution."""

    def forward(self, images: Tensor) -> Any:
        return nn.functional.avg_pool2d(super().forward(images), 2)


FACTORY_CODE = """
import torch
from torch import nn


class Made(nn.Module):
    def __init__(self, width):
        super().__init__()
        torch.manual_seed(7)
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.last = nn.Conv2d(width, 2, 1)

    def forward(self, images):
        return self.last(torch.tanh(self.first(images)))


def make(width=4):
    return Made(width)


def wrong():
    return 3


def broken():
    raise KeyError("what")
"""


def card_text(name: str, made: str, more: str = "", input_table: str = INPUT) -> str:
    head = f'name = "{name}"\ntitle = "T"\ndescription = "D"\n'
    return "\n".join([head + made, input_table, more, CLASSES])


def images(batch: int = 2, channels: int = 3, height: int = 32, width: int = 40) -> Tensor:
    rng = np.random.default_rng(3)
    return torch.from_numpy(rng.random((batch, channels, height, width), dtype=np.float32))


def prepared(pictures: Tensor) -> Tensor:
    """What a user's own pipeline gives the network: normalised, nothing else."""
    mean = torch.tensor(MEAN).view(1, -1, 1, 1)
    std = torch.tensor(STD).view(1, -1, 1, 1)
    return (pictures - mean) / std


def put(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path
