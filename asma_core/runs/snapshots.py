"""Evenly spaced pictures of a run's steps, however many it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_SNAPSHOTS: Final = 32
FEWEST_SNAPSHOTS: Final = 4
MEMORY: Final = 128_000_000


@dataclass(frozen=True)
class Snapshot:
    """What a run was at.

    Attributes:
        step: Updates made.
        image: uint8 (H, W) or (H, W, 3).
        prediction: uint8 (H, W).
    """

    step: int
    image: NDArray[np.uint8]
    prediction: NDArray[np.uint8]


class SnapshotKeeper:
    """Keeps one snapshot every so many steps; when there are too many, every second one goes."""

    def __init__(self) -> None:
        """Start with none."""
        self.snapshots: list[Snapshot] = []
        self._interval = 1

    def wants(self, step: int) -> bool:
        """Tell whether a step is one to keep."""
        return step % self._interval == 0

    def add(self, snapshot: Snapshot) -> None:
        """Keep a snapshot."""
        self.snapshots.append(snapshot)
        room = MEMORY // (snapshot.image.nbytes + snapshot.prediction.nbytes)
        most = min(MOST_SNAPSHOTS, max(FEWEST_SNAPSHOTS, room))
        while len(self.snapshots) > most:
            self._interval *= 2
            self.snapshots = [kept for kept in self.snapshots if kept.step % self._interval == 0]
