"""Batches of augmented training pictures, prepared beside the training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import torch
from torch import Tensor

from asma_core.training.augmentation import Augmentation, canvas_size, recoloured, warped
from asma_core.training.data import Pair
from asma_core.training.plan import TrainingPlan

AUGMENTATION: Final = Augmentation()


def batches(
    pairs: Sequence[Pair], plan: TrainingPlan, channels: int, start: int = 0, multiple: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield every batch of a training; one thread prepares the next meanwhile.

    The numbers depend on the pairs and the plan only, not on timing.

    Args:
        pairs: Images and labels.
        plan: Seed, steps, batch size and sizes.
        channels: 1 or 3.
        start: The step to begin with, from 0.
        multiple: Of both sides of a batch; that of the plan's network unless given.

    Yields:
        Images, float32 (B, channels, H, W) in [0, 1], and labels, int64 (B, 1, H, W).
    """
    if start >= plan.steps:
        return
    order, multiple = batch_order(len(pairs), plan), multiple or plan.multiple
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(_batch, pairs, order[start], plan, channels, multiple, start)
        for step in range(start, plan.steps):
            ready = coming.result()
            if step + 1 < plan.steps:
                coming = pool.submit(
                    _batch, pairs, order[step + 1], plan, channels, multiple, step + 1
                )
            yield ready


def batch_order(count: int, plan: TrainingPlan) -> list[list[int]]:
    """Return the indices of every batch: all pairs in random order, again and again."""
    rng = np.random.default_rng((plan.seed, 1))
    needed = plan.steps * plan.batch_size
    rounds = [rng.permutation(count) for _ in range(-(-needed // count))]
    flat = np.concatenate(rounds)[:needed].reshape(plan.steps, plan.batch_size)
    return [[int(index) for index in row] for row in flat]


def _batch(
    pairs: Sequence[Pair],
    indices: list[int],
    plan: TrainingPlan,
    channels: int,
    multiple: int,
    step: int,
) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng((plan.seed, 2, step))
    canvas = canvas_size(rng, AUGMENTATION, plan.size_at(step), multiple)
    changed = [warped(pairs[index], rng, AUGMENTATION, canvas, channels) for index in indices]
    images = torch.stack([image for image, _ in changed])
    labels = torch.stack([labels for _, labels in changed])
    return recoloured(images, rng, AUGMENTATION), labels
