"""What the tests of the public way in share: the tiny network, its images, and a short attack."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import asma_core as asma
from tests import tiny

QUICK: dict[str, Any] = {"attack": "asma", "steps": 40, "target_iou": 0.8}
AWAY: dict[str, Any] = {
    "attack": "pgd",
    "goal_is": "away from the prediction",
    "steps": 30,
    "target_iou": 0.4,
    "budget": 0.2,
}


def image(index: int = 0) -> NDArray[np.float32]:
    """float32 (3, H, W) in [0, 1]."""
    planes = tiny.image_pixels(index).transpose(2, 0, 1)
    return np.ascontiguousarray(planes, dtype=np.float32) / np.float32(255.0)


def attacked(image: Any, target: Any = None, model: Any = tiny.MODEL, **more: Any) -> asma.Result:
    result = asma.attack(model, image, target, **(QUICK | more))
    assert isinstance(result, asma.Result)
    return result


def many(images: Any, targets: Any = None, model: Any = tiny.MODEL, **more: Any) -> asma.Results:
    results = asma.attack(model, images, targets, **(QUICK | more))
    assert isinstance(results, asma.Results)
    return results


def same(one: asma.Result, other: asma.Result) -> bool:
    """Whether two results are the same to the last bit, whatever they are called."""
    # As texts, since what is undefined equals nothing.
    alike = repr(dict(one.figures)) == repr(dict(other.figures))
    return alike and np.array_equal(one.adversarial, other.adversarial)


class Bare(nn.Module):
    """A network of one's own: the bare MONAI one with its normalising before it."""

    def __init__(self, home: Any, name: str = tiny.MODEL) -> None:
        super().__init__()
        self.network = tiny.bare_network(name, home / "models" / f"{name}.safetensors")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network((images - tiny.MEAN) / tiny.STD)
        return logits
