"""Overlap against values worked out by hand, MONAI, and the properties it must have."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics.meandice import compute_dice
from monai.metrics.meaniou import compute_iou

from asma_core.metrics.overlap import (
    confusion_matrix,
    dice_per_class,
    foreground_iou,
    foreground_mean,
    iou_per_class,
    pixel_accuracy,
)

PREDICTION = np.array([[0, 1, 1, 2], [0, 1, 0, 2]])
TARGET = np.array([[0, 1, 1, 1], [0, 0, 0, 2]])


def random_masks(seed: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    shape = (9, 11)
    used = chance.integers(1, classes + 1)
    prediction, target = (chance.integers(0, used, shape) for _ in range(2))
    return prediction, target, chance.random(shape) < 0.7


def test_by_hand() -> None:
    matrix = confusion_matrix(PREDICTION, TARGET, 4)
    assert matrix.tolist() == [[3, 1, 0, 0], [0, 2, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert iou_per_class(matrix)[:3].tolist() == pytest.approx([3 / 4, 2 / 4, 1 / 2])
    assert dice_per_class(matrix)[:3].tolist() == pytest.approx([6 / 7, 4 / 6, 2 / 3])
    assert math.isnan(iou_per_class(matrix)[3])
    assert math.isnan(dice_per_class(matrix)[3])
    assert foreground_iou(matrix) == 0.5
    assert pixel_accuracy(matrix) == 6 / 8


def test_void_pixels_do_not_count() -> None:
    valid = np.ones_like(TARGET, dtype=bool)
    valid[:, 3] = False
    matrix = confusion_matrix(PREDICTION, np.where(valid, TARGET, 255), 3, valid)
    assert matrix.tolist() == [[3, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert foreground_iou(matrix) == pytest.approx(2 / 3)
    assert pixel_accuracy(matrix) == 5 / 6


def test_what_is_undefined_is_nan() -> None:
    nothing = np.zeros((4, 4), dtype=np.int64)
    background = confusion_matrix(nothing, nothing, 3)
    assert math.isnan(foreground_iou(background))
    assert math.isnan(foreground_mean(dice_per_class(background)))
    assert pixel_accuracy(background) == 1.0
    none = confusion_matrix(nothing, nothing, 3, np.zeros((4, 4), dtype=bool))
    assert np.isnan(iou_per_class(none)).all()
    assert math.isnan(pixel_accuracy(none))


def test_a_class_in_one_mask_only_has_no_overlap() -> None:
    one, nothing = np.ones((4, 4), dtype=np.int64), np.zeros((4, 4), dtype=np.int64)
    assert foreground_iou(confusion_matrix(one, nothing, 2)) == 0.0
    assert foreground_iou(confusion_matrix(nothing, one, 2)) == 0.0


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 5))
def test_iou_and_dice_are_monai_s(seed: int, classes: int) -> None:
    prediction, target, _ = random_masks(seed, classes)
    matrix = confusion_matrix(prediction, target, classes)
    hot = [
        torch.nn.functional.one_hot(torch.from_numpy(labels), classes).movedim(-1, 0)[None].float()
        for labels in (prediction, target)
    ]
    # MONAI leaves a class undefined that the target lacks, even if it is predicted.
    present = np.isin(np.arange(classes), target)
    iou = compute_iou(*hot).numpy()[0]
    dice = compute_dice(*hot).numpy()[0]
    np.testing.assert_allclose(iou_per_class(matrix)[present], iou[present], atol=1e-6)
    np.testing.assert_allclose(dice_per_class(matrix)[present], dice[present], atol=1e-6)
    false_alarms = ~present & np.isin(np.arange(classes), prediction)
    assert (iou_per_class(matrix)[false_alarms] == 0).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), classes=st.integers(2, 5))
def test_properties(seed: int, classes: int) -> None:
    prediction, target, valid = random_masks(seed, classes)
    matrix = confusion_matrix(prediction, target, classes, valid)
    turned = confusion_matrix(target, prediction, classes, valid)
    iou, dice = iou_per_class(matrix), dice_per_class(matrix)
    assert matrix.sum() == valid.sum()
    assert np.array_equal(matrix, turned.T)
    np.testing.assert_array_equal(iou, iou_per_class(turned))
    np.testing.assert_allclose(dice, 2 * iou / (1 + iou), atol=1e-12)
    defined = iou[~np.isnan(iou)]
    assert ((defined >= 0) & (defined <= 1)).all()
    itself = confusion_matrix(target, target, classes, valid)
    assert set(iou_per_class(itself)[~np.isnan(iou_per_class(itself))]) <= {1.0}
