"""Batches of augmented training pictures, prepared beside the training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from asma_core.training.augmentation import canvas_size, recoloured, warped
from asma_core.training.augmentation_config import Pair
from asma_core.training.config import TrainingConfig


def batches(
    pairs: Sequence[Pair], config: TrainingConfig, channels: int, start: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield every batch of a training; one thread prepares the next meanwhile.

    The numbers depend on the pairs and the config only, not on timing.

    Args:
        pairs: Images and labels.
        config: Seed, steps, batch size and augmentation.
        channels: 1 or 3.
        start: The step to begin with, from 0.

    Yields:
        Images, float32 (B, channels, H, W) in [0, 1], and labels, int64 (B, 1, H, W).
    """
    if start >= config.steps:
        return
    order = batch_order(len(pairs), config)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(_batch, pairs, order[start], config, channels, start)
        for step in range(start, config.steps):
            ready = coming.result()
            if step + 1 < config.steps:
                following = order[step + 1]
                coming = pool.submit(_batch, pairs, following, config, channels, step + 1)
            yield ready


def batch_order(count: int, config: TrainingConfig) -> list[list[int]]:
    """Return the indices of every batch: all pairs in random order, again and again."""
    rng = np.random.default_rng((config.seed, 1))
    needed = config.steps * config.batch_size
    rounds = [rng.permutation(count) for _ in range(-(-needed // count))]
    flat = np.concatenate(rounds)[:needed].reshape(config.steps, config.batch_size)
    return [[int(index) for index in row] for row in flat]


def _batch(
    pairs: Sequence[Pair], indices: list[int], config: TrainingConfig, channels: int, step: int
) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng((config.seed, 2, step))
    canvas = canvas_size(rng, config.augmentation, config.size_at(step), config.multiple)
    changed = [
        warped(pairs[index], rng, config.augmentation, canvas, channels) for index in indices
    ]
    images = torch.stack([image for image, _ in changed])
    labels = torch.stack([labels for _, labels in changed])
    return recoloured(images, rng, config.augmentation), labels
