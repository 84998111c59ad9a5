"""A black box that wins where gradients fail is told, in whichever order they ran."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asma_core.attacks.checks import HIDDEN
from asma_core.runs.checks import among_runs, beyond, norm_of
from asma_core.runs.run import DONE, Run
from asma_core.runs.store import RunStore
from tests import tiny

LEVEL = 8 / 255


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


def ended(
    runs: RunStore,
    attack: str,
    success: bool,
    gradients: int = 100,
    budget: float | None = LEVEL,
    **config: Any,
) -> Run:
    run = runs.create(tiny.request(attack=attack, config=config), tiny.inputs())
    assert runs.claim(run.id)
    staged = runs.work_folder(run.id) / "result"
    staged.mkdir(parents=True)
    chosen = {} if budget is None else {"budget": budget}
    figures = {"success": success, "gradient_evaluations": gradients, "chosen": chosen}
    runs.finish(run.id, DONE, staged, figures)
    return runs.get(run.id)


def told(runs: RunStore, run: Run) -> list[str]:
    return among_runs(runs, run, run.results)


def square(runs: RunStore, success: bool = True, **config: Any) -> Run:
    return ended(runs, "square", success, gradients=0, **config)


def test_a_black_box_that_wins_alone_is_told(runs: RunStore) -> None:
    ended(runs, "pgd", False)
    assert told(runs, square(runs)) == [HIDDEN]
    assert told(runs, ended(runs, "segpgd", False)) == [HIDDEN]


def test_an_attack_without_a_budget_was_allowed_any_change(runs: RunStore) -> None:
    ended(runs, "asma", False, budget=None)
    assert told(runs, square(runs)) == [HIDDEN]


def test_where_gradients_win_too_nothing_is_told(runs: RunStore) -> None:
    ended(runs, "pgd", False)
    ended(runs, "asma", True, budget=None)
    assert told(runs, square(runs)) == []


def test_a_black_box_alone_proves_nothing(runs: RunStore) -> None:
    assert told(runs, square(runs)) == []
    assert told(runs, square(runs, success=False)) == []


@pytest.mark.parametrize(
    "other",
    [
        {"target_iou": 0.99},
        {"budget": 4 / 255},
        {"norm": "l2"},
        {"rounding": False},
        {"goal_is": "away from the prediction"},
        {"gradients": 0},
        {"gradients": 99},
    ],
)
def test_only_what_was_asked_alike_is_compared(runs: RunStore, other: dict[str, Any]) -> None:
    ended(runs, "pgd", False, **other)
    assert told(runs, square(runs)) == []


def test_a_file_says_where_it_keeps_neither_budget_nor_region() -> None:
    linf = norm_of({})
    change = np.zeros((1, 4, 4), dtype=np.float32)
    change[0, 0, 0] = LEVEL
    region = np.ones((4, 4), dtype=np.bool_)
    assert beyond(change, region, linf, {"budget": LEVEL}) == []
    assert beyond(change, None, linf, {}) == []
    (over,) = beyond(change, None, linf, {"budget": 7 / 255})
    assert "its Linf is 0.0314, 0.0275 was asked for" in over
    region[0, 0] = False
    (outside,) = beyond(change, region, linf, {"budget": LEVEL})
    assert "outside the region" in outside
    change[0, 1] = LEVEL
    l2 = norm_of({"norm": "l2"})
    assert beyond(change, None, l2, {"budget": 5**0.5 * LEVEL}) == []
    (over,) = beyond(change, None, l2, {"budget": 2 * LEVEL})
    assert "its L2 is" in over
