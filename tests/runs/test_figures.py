"""The figures of a run against masks worked out by hand; what is undefined is None and never 0."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from asma_core.files import json_values
from asma_core.metrics.distance import psnr
from asma_core.metrics.overlap import confusion_matrix
from asma_core.metrics.score import IOU, LOST, REMOVED, Score, score
from asma_core.runs.figures import Judge, distance_figures, make_judge
from tests import tiny

# Class 1 is on both sides, class 2 in the prediction alone, class 3 nowhere; the last row is void.
SEEN = np.array([[0, 1, 1, 2], [0, 1, 0, 0], [0, 0, 0, 0], [3, 3, 3, 3]])
REFERENCE = np.array([[0, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
CLEAN = np.array([[1, 1, 2, 0], [0, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]])
VALID = np.arange(4)[:, None].repeat(4, axis=1) < 3


def told(kind: str) -> dict[str, Any]:
    return json_values(Judge(kind, REFERENCE, CLEAN, VALID, 4).figures(SEEN, "_8bit"))


def test_towards_a_target_by_hand() -> None:
    figures = told(IOU)
    assert figures["iou_per_class_8bit"] == [8 / 9, 2 / 4, 0.0, None]
    assert figures["dice_per_class_8bit"] == [16 / 17, 4 / 6, 0.0, None]
    # Either way two of three pixels are 0 and one is 1 away; numpy's percentile lies between.
    assert figures["hausdorff_95_per_class_8bit"] == [pytest.approx(0.9), None, None]
    assert figures["score_8bit"] == figures["iou_8bit"] == (2 / 4 + 0.0) / 2
    assert figures["pixel_accuracy_8bit"] == 10 / 12
    assert (figures["structure_removed_8bit"], figures["iou_lost_8bit"]) == (None, None)


def test_without_structure_by_hand() -> None:
    figures = told(REMOVED)
    # Of four pixels of the first prediction's structure, that count, two are background now.
    assert figures["score_8bit"] == figures["structure_removed_8bit"] == 2 / 4
    assert figures["pixel_accuracy_8bit"] == 8 / 12
    assert (figures["iou_8bit"], figures["iou_lost_8bit"]) == (None, None)
    assert figures["iou_per_class_8bit"] == [8 / 9, 2 / 4, 0.0, None]


def test_away_by_hand() -> None:
    figures = told(LOST)
    assert figures["score_8bit"] == figures["iou_lost_8bit"] == 1 - (2 / 4 + 0.0) / 2
    assert (figures["iou_8bit"], figures["structure_removed_8bit"]) == (None, None)


def test_what_is_undefined_is_nan_until_it_is_written() -> None:
    assert math.isnan(score(IOU, np.array([[8, 0], [0, 0]])).value)
    nothing = np.zeros((2, 2), dtype=np.int64)
    assert repr(score(IOU, nothing)) == repr(Score(math.nan, math.nan, math.nan))
    assert repr(score(REMOVED, nothing)) == repr(Score(1.0, math.nan, math.nan))
    assert repr(score(LOST, nothing)) == repr(Score(math.nan, math.nan, math.nan))
    nested = {"a": [math.nan, 0.0, (math.inf, -math.inf)], "b": {"c": math.nan, "d": 1}, "e": "nan"}
    assert json_values(nested) == {
        "a": [None, 0.0, [None, None]],
        "b": {"c": None, "d": 1},
        "e": "nan",
    }


def test_an_unchanged_image_has_no_signal_to_noise_ratio() -> None:
    image = np.random.default_rng(0).random((3, 16, 16), dtype=np.float32)
    figures = distance_figures(image, image, "_8bit")
    assert math.isnan(figures["psnr_8bit"]) and math.isnan(psnr(image - image))
    assert json_values(figures)["psnr_8bit"] is None
    assert (figures["l2_8bit"], figures["linf_8bit"]) == (0.0, 0.0)
    assert figures["ssim_8bit"] == pytest.approx(1.0, abs=1e-6)


def test_a_change_s_figures_by_hand() -> None:
    image = np.full((1, 16, 16), 0.5, dtype=np.float32)
    changed = image.copy()
    changed[0, 0, 0] -= 0.25
    changed[0, 5, 5] += 0.125
    figures = distance_figures(changed, image, "")
    assert set(figures) == {"l2", "linf", "psnr", "ssim"}
    assert figures["l2"] == pytest.approx(math.hypot(0.25, 0.125))
    assert figures["linf"] == 0.25
    mean_square = (0.25**2 + 0.125**2) / 256
    assert figures["psnr"] == pytest.approx(-10 * math.log10(mean_square))
    assert 0.5 < figures["ssim"] < 1.0


@pytest.mark.parametrize("aim", ["towards the mask", "away from the prediction"])
def test_who_is_judged_by_what(aim: str) -> None:
    given = replace(tiny.inputs(), truth=None)
    clean = tiny.mask_labels(1)
    judge = make_judge(given, clean, 2, aim)
    assert judge.kind == (IOU if aim == "towards the mask" else LOST)
    assert judge.reference is (given.target if judge.kind == IOU else clean)
    # Structure on void pixels is none.
    hidden = make_judge(replace(given, valid=given.target == 0), clean, 2, "towards the mask")
    assert hidden.kind == REMOVED
    matrix = confusion_matrix(clean, clean, 2, hidden.valid)
    assert hidden.figures(clean, "")["score"] == score(REMOVED, matrix).value == 0.0
