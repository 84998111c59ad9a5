"""One place decides what a run is judged by: against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from asma_core.metrics.overlap import confusion_matrix
from asma_core.metrics.score import (
    ALREADY_THERE,
    IOU,
    LOST,
    NOT_REACHED,
    REMOVED,
    SUCCESS,
    has_structure,
    outcome,
    reached,
    score,
    score_columns,
    score_kind,
)

# Rows are the reference's classes: 3 of 5 pixels of class 1 are seen, one as class 2.
CONFUSION = np.array([[10, 2, 0], [1, 3, 1], [0, 0, 3]])


def test_towards_a_target_it_is_the_overlap() -> None:
    told = score(IOU, CONFUSION)
    assert told.value == told.iou
    assert told.iou == pytest.approx((3 / (5 + 5 - 3) + 3 / (3 + 4 - 3)) / 2)
    assert told.pixel_accuracy == pytest.approx(16 / 20)


def test_away_it_is_what_is_lost_of_the_overlap() -> None:
    told = score(LOST, CONFUSION)
    assert told.value == pytest.approx(1 - told.iou)
    nothing = np.array([[6, 2], [0, 0]])
    # Class 1 is in the prediction, so that the overlap is 0 and all is lost.
    assert score(LOST, nothing).value == 1.0
    empty = np.array([[8, 0], [0, 0]])
    assert score(LOST, empty).value == 0.0 and math.isnan(score(LOST, empty).iou)


def test_without_structure_it_is_the_share_of_the_first_prediction_that_is_gone() -> None:
    told = score(REMOVED, CONFUSION)
    assert told.value == pytest.approx(1 / 8)
    assert math.isnan(told.iou)
    # The target is background everywhere.
    assert told.pixel_accuracy == pytest.approx(11 / 20)
    assert score(REMOVED, np.array([[8, 0], [0, 0]])).value == 1.0


def test_it_agrees_with_the_share_that_is_counted_on_the_masks() -> None:
    rng = np.random.default_rng(3)
    clean, seen = rng.integers(0, 3, (2, 20, 20))
    valid = rng.random((20, 20)) > 0.3
    told = score(REMOVED, confusion_matrix(seen, clean, 3, valid))
    structure = (clean > 0) & valid
    gone = (structure & (seen == 0)).sum() / structure.sum()
    assert told.value == pytest.approx(gone)


def test_structure_on_void_pixels_is_none() -> None:
    mask = np.array([[0, 1], [0, 0]])
    assert has_structure(mask, np.ones((2, 2), dtype=np.bool_))
    assert not has_structure(mask, mask == 0)
    assert [score_kind(True, False), score_kind(False, False)] == [IOU, REMOVED]
    assert [score_kind(True, True), score_kind(False, True)] == [LOST, LOST]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0.2, 0.97, SUCCESS),
        (0.2, 0.9699, NOT_REACHED),
        (0.97, 0.99, ALREADY_THERE),
        (0.98, 0.1, ALREADY_THERE),
        (math.nan, math.nan, NOT_REACHED),
        (math.nan, 0.97, SUCCESS),
    ],
)
def test_a_success_is_a_change_that_reached_the_goal(
    before: float, after: float, expected: str
) -> None:
    assert outcome(before, after, 0.97) == expected


def test_the_goal_itself_is_reached_and_what_is_undefined_is_not() -> None:
    assert reached(0.97, 0.97) and not reached(0.9699, 0.97) and not reached(math.nan, 0.0)


@pytest.mark.parametrize("kind", [IOU, REMOVED, LOST])
def test_a_score_stands_under_the_name_of_its_kind_alone(kind: str) -> None:
    columns = score_columns(kind, 0.5)
    assert set(columns) == {"iou", "structure_removed", "iou_lost"}
    (name,) = [name for name, value in columns.items() if value is not None]
    assert name.replace("_", " ") == kind
