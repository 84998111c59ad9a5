"""Scores over images are those worked out by hand."""

import numpy as np
import pytest
import torch

from asma_core.training.evaluation import evaluate


class Fixed(torch.nn.Module):
    """Calls class 1 in the left half of the picture."""

    classes = ("background", "left")

    def forward(self, images):
        logits = torch.zeros(1, 2, *images.shape[-2:])
        logits[:, 1, :, : images.shape[-1] // 2] = 1
        return logits


def test_evaluation_gives_the_numbers_worked_out_by_hand():
    image = np.zeros((4, 4, 3), np.uint8)
    quarter = np.zeros((4, 4), np.uint8)
    quarter[:2, :2] = 1
    half = np.zeros((4, 4), np.uint8)
    half[:, :2] = 1
    scores = evaluate(Fixed(), [(image, quarter), (image, half)])
    # Foreground: 4 of 8 pixels, then all of them; background: 8 of 12, then all.
    assert scores.iou == pytest.approx((0.5 + 1.0) / 2)
    assert scores.iou_per_class == pytest.approx(((8 / 12 + 1) / 2, 0.75))
    assert scores.dice == pytest.approx((2 / 3 + 1) / 2)
