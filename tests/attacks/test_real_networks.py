"""`minimal` on two real networks: it arrives, and does not run away to get there."""

from __future__ import annotations

from pathlib import Path

import pytest

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.minimal.attack import MINIMAL
from asma_core.attacks.minimal.settings import MinimalConfig
from benchmarks.zoo.members import member

SIZE = 128


@pytest.mark.parametrize("name", ["vessels", "arteries-veins"])
def test_it_never_runs_away_on_a_real_network(real: Path, name: str) -> None:
    attacked = member(name, SIZE)
    inputs = AttackInputs(attacked.images[:2], attacked.targets[:2])
    for result in MINIMAL(attacked.network, inputs, MinimalConfig(target_iou=0.8, steps=80)):
        assert result.success
        # Here at an L2 of 1 to 3; the search of before 2026-11-28 went to 30 and 250 levels.
        assert result.best.l2 < 8
        assert all(now.l2 < 25 for now in result.trajectory)
