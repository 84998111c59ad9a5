"""Bright squares on noise, quickly learnt, and the plan that learns them."""

from __future__ import annotations

import numpy as np

from asma_core.training.data import Material, Pair
from asma_core.training.plan import TrainingPlan

NAMES = ("background", "square")
PLAN = TrainingPlan("squares", width="tiny", steps=3, batch_size=2, image_size=32, device="cpu")


def square_pairs(count: int, channels: int = 3, size: int = 32) -> list[Pair]:
    """Bright squares on noise, found by their brightness."""
    rng = np.random.default_rng(0)
    pairs = []
    for _ in range(count):
        mask = np.zeros((size, size), np.uint8)
        row, column = rng.integers(2, size - 14, 2)
        mask[row : row + 12, column : column + 12] = 1
        grey = np.clip(60 + 130 * mask + rng.normal(0, 12, mask.shape), 0, 255).astype(np.uint8)
        pairs.append((np.stack([grey] * 3, -1) if channels == 3 else grey, mask))
    return pairs


def squares(
    train: int, test: int = 2, validation: int = 0, *, channels: int = 3, dataset: str = "squares"
) -> Material:
    """So many pairs for each."""
    parts = [square_pairs(count, channels) for count in (train, test, validation)]
    return Material(dataset, NAMES, *parts)
