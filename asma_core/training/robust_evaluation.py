"""Scores of a network on images that are attacked within a training's budget.

The same attack whatever the training attacks by, so that curves can be compared: SegPGD away from
the truth, without a random start, each image's worst step, as its 8-bit file. It is quick and not
the strongest; `benchmarks.defences` and the robustness experiments ask more of a network.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np
import torch

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.projected import BudgetConfig
from asma_core.attacks.segpgd import SEGPGD
from asma_core.attacks.settings import AWAY_FROM_TRUTH
from asma_core.data.formats.images import from_bytes, to_bytes
from asma_core.data.masks.label_maps import VOID
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.training.data import Pair
from asma_core.training.evaluation import Evaluation, evaluate
from asma_core.training.plan import TrainingPlan

# Of the attack on validation images, and on the test images at the end.
VALIDATION_STEPS: Final = 10
TEST_STEPS: Final = 40
# Validation images that are attacked each time, spread over all of them.
MOST_ATTACKED: Final = 16
BATCH: Final = 8


def some_of(pairs: Sequence[Pair], most: int = MOST_ATTACKED) -> list[Pair]:
    """Return at most so many pairs, evenly spread."""
    count = min(len(pairs), most)
    return [pairs[place * len(pairs) // count] for place in range(count)]


def evaluate_robust(
    model: SegmentationModel, pairs: Sequence[Pair], plan: TrainingPlan, steps: int
) -> Evaluation:
    """Score a network on images that are attacked within a plan's budget.

    Args:
        model: The network, in evaluation mode.
        pairs: Images, uint8 (H, W) or (H, W, 3), and labels (H, W), 255 void.
        plan: Whose budget it is.
        steps: Of the attack.
    """
    every = [pairs[place] for place in range(len(pairs))]
    attacked: list[Pair] = []
    # Those of one size that follow each other are attacked at once.
    for _, alike in groupby(every, key=lambda pair: np.asarray(pair[0]).shape):
        group = list(alike)
        for first in range(0, len(group), BATCH):
            attacked += _worst(model, group[first : first + BATCH], plan, steps)
    return evaluate(model, attacked)


def _worst(
    model: SegmentationModel, pairs: Sequence[Pair], plan: TrainingPlan, steps: int
) -> list[Pair]:
    """Return pairs of one size with their images attacked."""
    labels = np.stack([np.asarray(pair[1], dtype=np.int64) for pair in pairs])
    valid = labels != VOID
    # An attack wants something that counts; without, nothing of the image is scored either.
    valid[~valid.any(axis=(1, 2))] = True
    device = model.mean.device
    images = torch.from_numpy(np.stack([from_bytes(np.asarray(pair[0])) for pair in pairs]))
    target = torch.from_numpy(np.where(labels == VOID, 0, labels))
    config = BudgetConfig(
        target_iou=1.0,
        steps=steps,
        goal_is=AWAY_FROM_TRUTH,
        norm=plan.norm,
        budget=plan.budget_at(*images.shape[1:]),
    )
    inputs = AttackInputs(images.to(device), target.to(device), torch.from_numpy(valid).to(device))
    results = SEGPGD(model, inputs, config)
    return [
        (to_bytes(result.adversarial.numpy()), pair[1])
        for result, pair in zip(results, pairs, strict=True)
    ]
