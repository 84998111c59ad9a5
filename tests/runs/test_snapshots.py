"""The snapshots of a run are evenly spaced, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from asma_core.runs.snapshots import Snapshot, SnapshotKeeper


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
