"""Robust IoU is that worked out by hand, over images of several sizes and with void pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.specs import InputSpec
from asma_core.training.data import Pair
from asma_core.training.plan import TrainingPlan
from asma_core.training.robust_evaluation import evaluate_robust, some_of

PLAN = TrainingPlan("d", width="tiny", image_size=8, adversarial="pgd", budget=8 / 255)


class Bright(nn.Module):
    """Calls class 1 what is brighter than a half."""

    def forward(self, images: Tensor) -> Tensor:
        return torch.cat([0.5 - images, images - 0.5], dim=1)


def model() -> SegmentationModel:
    spec = InputSpec(1, 0, 1, (0.0,), (1.0,))
    return SegmentationModel(Bright(), spec, ("dark", "bright")).eval()


def pair(side: int) -> Pair:
    """Half is bright; of that half is so near to the border that the budget takes it over."""
    image = np.full((side, side), 102, np.uint8)
    image[:, : side // 2] = 153
    image[: side // 2, : side // 2] = 133
    return image, (image > 127).astype(np.uint8)


def test_what_is_within_the_budget_of_the_border_is_lost() -> None:
    scores = evaluate_robust(model(), [pair(8), pair(8), pair(12)], PLAN, steps=5)
    assert (scores.images, scores.iou) == (3, pytest.approx(0.5))


def test_what_is_void_counts_nowhere() -> None:
    image, labels = pair(8)
    labels = labels.copy()
    labels[:4] = 255
    nothing = np.full_like(labels, 255)
    scores = evaluate_robust(model(), [(image, labels), (image, nothing)], PLAN, steps=5)
    # What is left of the first is all far from the border; the second has no IoU.
    assert scores.iou == pytest.approx(1.0)


def test_some_are_spread_over_all() -> None:
    pairs = [pair(4)] * 10
    numbered = [(image + place, labels) for place, (image, labels) in enumerate(pairs)]
    assert [int(one[0].min()) - 102 for one in some_of(numbered, 4)] == [0, 2, 5, 7]
    assert len(some_of(numbered, 16)) == 10 and some_of([]) == []
