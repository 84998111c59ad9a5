"""What is shown of a run's way: curves, snapshots, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from asma_core.attacks.contract import StepMetrics
from asma_core.runs.live import curves
from asma_core.runs.snapshots import Snapshot, SnapshotKeeper


def way(count: int) -> list[StepMetrics]:
    return [StepMetrics(0, step, 0.5, float("nan"), 0.9, 2.0 * step, 0.1) for step in range(count)]


@pytest.mark.parametrize(
    ("count", "most", "steps"),
    [
        (0, 4, []),
        (1, 4, [0]),
        (4, 4, [0, 1, 2, 3]),
        (5, 4, [0, 2, 4]),
        (8, 4, [0, 2, 4, 6, 7]),
        (9, 4, [0, 3, 6, 8]),
        (3, 1, [0, 2]),
    ],
)
def test_curves_are_thinned_and_end_at_the_last_step(
    count: int, most: int, steps: list[int]
) -> None:
    found = curves(way(count), most)
    assert list(found) == ["step", "score", "iou", "pixel_accuracy", "l2", "linf"]
    assert found["step"] == steps
    assert found["l2"] == [2.0 * step for step in steps]
    # What is undefined is None, as JSON has no NaN.
    assert found["iou"] == [None] * len(steps)
    assert (found["score"], found["linf"]) == ([0.5] * len(steps), [0.1] * len(steps))


def snapshot(step: int, side: int = 4) -> Snapshot:
    return Snapshot(step, np.zeros((side, side, 3), np.uint8), np.zeros((side, side), np.uint8))


def kept_of(steps: int, side: int = 4) -> list[int]:
    keeper = SnapshotKeeper()
    for step in range(steps):
        if keeper.wants(step):
            keeper.add(snapshot(step, side))
    return [kept.step for kept in keeper.snapshots]


@pytest.mark.parametrize(
    ("steps", "every"), [(1, 1), (32, 1), (33, 2), (64, 2), (65, 4), (129, 8), (1000, 32)]
)
def test_at_most_32_snapshots_are_kept_evenly(steps: int, every: int) -> None:
    assert kept_of(steps) == list(range(0, steps, every))


def test_large_pictures_are_fewer_and_at_least_four(monkeypatch: pytest.MonkeyPatch) -> None:
    # A picture of 4 x 4 is 48 bytes, its prediction 16.
    monkeypatch.setattr("asma_core.runs.snapshots.MEMORY", 64 * 8)
    assert kept_of(8) == list(range(8))
    assert kept_of(9) == [0, 2, 4, 6, 8]
    monkeypatch.setattr("asma_core.runs.snapshots.MEMORY", 64)
    assert kept_of(4) == [0, 1, 2, 3]
    assert kept_of(5) == [0, 2, 4]
