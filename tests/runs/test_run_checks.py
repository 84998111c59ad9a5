"""A black box that wins where gradients fail is told, in whichever order they ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from asma_core.attacks.checks import HIDDEN
from asma_core.runs.checks import among_runs
from asma_core.runs.run import DONE, Run
from asma_core.runs.store import RunStore
from tests import tiny


@pytest.fixture
def runs(home: Path) -> RunStore:
    tiny.furnish(home)
    return RunStore()


def ended(runs: RunStore, attack: str, success: bool) -> Run:
    run = runs.create(tiny.request(attack=attack, config={}), tiny.inputs())
    assert runs.claim(run.id)
    staged = runs.work_folder(run.id) / "result"
    staged.mkdir(parents=True)
    runs.finish(run.id, DONE, staged, {"success": success})
    return runs.get(run.id)


def test_a_black_box_that_wins_alone_is_told(runs: RunStore) -> None:
    ended(runs, "asma", False)
    square = ended(runs, "square", True)
    assert among_runs(runs, square, True) == [HIDDEN]
    late = ended(runs, "pgd", False)
    assert among_runs(runs, late, False) == [HIDDEN]


def test_where_gradients_win_too_nothing_is_told(runs: RunStore) -> None:
    ended(runs, "asma", True)
    assert among_runs(runs, ended(runs, "square", True), True) == []


def test_a_black_box_alone_proves_nothing(runs: RunStore) -> None:
    assert among_runs(runs, ended(runs, "square", True), True) == []
