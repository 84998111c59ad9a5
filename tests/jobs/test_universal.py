"""Universal changes in the background: a process of their own, stopped, killed, taken over."""

from __future__ import annotations

import os
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asma_core.attacks.universal import UniversalConfig
from asma_core.data.datasets import open_dataset
from asma_core.errors import RunStateError
from asma_core.experiments.universal_plan import UniversalPlan, universal_plan
from asma_core.experiments.universal_store import STOPPED, UniversalStore
from asma_core.jobs.universal import UniversalRunner
from asma_core.models.sources.cards import find_card
from asma_core.runs.run import DONE, INTERRUPTED, RUNNING
from tests import tiny
from tests.jobs.executors import Held, Inline
from tests.waiting import until


def plan_of(steps: int = 3, images: int = 2, **more: Any) -> UniversalPlan:
    config = UniversalConfig(steps=steps, budget=0.2)
    card, dataset = find_card(tiny.MODEL), open_dataset(tiny.DATASET)
    return universal_plan(card, dataset, images, 2, "hide", config=config, device="cpu", **more)


@pytest.fixture
def runner(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UniversalRunner]:
    """One with a real worker process."""
    tiny.furnish(home)
    # A spawned process imports the main module, which AppTest leaves as a script of its own.
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    runner = UniversalRunner(home)
    yield runner
    runner.close()


def test_a_killed_process_costs_one_change_and_what_waits_is_learned(
    runner: UniversalRunner,
) -> None:
    slow, quick = plan_of(100_000), plan_of()
    runner.start(slow)
    runner.start(quick)
    assert runner.standing(quick).active
    until(lambda: runner.standing(slow).done > 0)
    now = runner.standing(slow)
    assert now.doing == "learning on 1 image" and now.total == 200_000 and now.left
    with pytest.raises(RunStateError, match="stop it before"):
        runner.delete(slow.id)
    (pid,) = runner._workers[0].executor._processes
    assert pid != os.getpid()
    os.kill(pid, signal.SIGKILL)
    until(lambda: runner.standing(quick).complete)
    assert runner.store.learning(slow.id).state == INTERRUPTED
    (message,) = runner.standing(slow).messages
    assert "what was learned is kept" in message
    runner.start(slow)
    until(lambda: runner.store.learning(slow.id).state == RUNNING)
    runner.stop(slow)
    assert runner.standing(slow).stopping or not runner.standing(slow).active
    until(lambda: runner.store.learning(slow.id).state == STOPPED)
    runner.delete(slow.id)
    assert runner.plans.newest() == [quick.id]
    answer, files = runner.result(quick)
    assert [row["images"] for row in answer["rows"]] == ["noise", 1, 2]
    assert {"universal.npy", "before-1.png", "after-1-mask.png"} <= set(files)


# Without a process ---------------------------------------------------------------------------


@pytest.fixture
def held(home: Path) -> UniversalRunner:
    tiny.furnish(home)
    Held.made = []
    return UniversalRunner(home, Held)


def test_a_complete_plan_is_not_learned_again_and_one_that_goes_on_not_twice(
    held: UniversalRunner,
) -> None:
    plan = plan_of()
    assert held.start(plan) == held.start(plan) == plan.id
    assert Held.made[0].ids() == [plan.id]
    assert held.standing(plan).doing == "waiting for its turn"
    inline = UniversalRunner(held.store.home, Inline)
    held.stop(plan)
    assert inline.start(plan) == plan.id
    found = inline.standing(plan)
    assert found.complete and (found.done, found.total, found.partial) == (6, 6, 0)
    sent = len(Held.made[0].jobs)
    assert held.start(plan) == plan.id and len(Held.made[0].jobs) == sent


def test_a_new_server_goes_on_with_what_waited_for_a_dead_one(home: Path) -> None:
    tiny.furnish(home)
    store, plan = UniversalStore(home), plan_of()
    store.queue(plan)
    with store._database.writing() as database:
        database.execute("UPDATE universal SET owner = 'vm-1-00'")
    runner = UniversalRunner(home, Inline)
    assert runner.store.learning(plan.id).state == DONE and runner.standing(plan).complete


def test_of_what_stopped_the_parts_that_there_are_can_be_looked_at(home: Path) -> None:
    tiny.furnish(home)
    runner, plan = UniversalRunner(home, Inline), plan_of()
    runner.start(plan)
    (home / "universal" / plan.id / "2" / "row.json").unlink()
    found = runner.standing(plan)
    assert (found.done, found.partial, found.complete) == (3, 1, False)
    answer, _ = runner.result(plan)
    assert [row["images"] for row in answer["rows"]] == ["noise", 1]
    runner.start(plan)
    assert runner.standing(plan).complete
