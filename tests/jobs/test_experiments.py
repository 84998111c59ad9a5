"""Experiments through the queue: carried out, stopped, gone on with, never in the way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

from asma_core.data.datasets import open_dataset
from asma_core.experiments.plan import Plan, pairs_of, variant
from asma_core.experiments.store import ended
from asma_core.jobs.experiments import AHEAD, ExperimentRunner
from asma_core.jobs.queue import JobQueue
from asma_core.runs.execution import Execution
from asma_core.runs.run import CANCELLED, DONE, QUEUED, RUNNING
from asma_core.runs.store import RunStore
from tests import tiny
from tests.waiting import until

SLOW = {name: str(value) for name, value in tiny.SLOW.items()}


@pytest.fixture
def runner(home: Path) -> Iterator[ExperimentRunner]:
    """A runner over a queue whose worker is a thread of this process."""
    tiny.furnish(home)
    worker = ThreadPoolExecutor(max_workers=1)

    def executor(folder: str) -> Executor:
        return worker

    jobs = JobQueue(RunStore(), executor)
    runner = ExperimentRunner(jobs)
    yield runner
    for experiment in runner.store.newest():
        runner.store.ask_to_stop(experiment.id)
    until(lambda: not any(experiment.active for experiment in runner.store.newest()))
    jobs.close()
    worker.shutdown()


def plan(settings: dict[str, str]) -> Plan:
    pairs = pairs_of(open_dataset(tiny.DATASET), 2)
    rows = (variant("asma", settings), variant("minimal", settings))
    return Plan(tiny.MODEL, tiny.DATASET, pairs, rows, Execution("cpu"))


def test_it_is_carried_out_to_its_end(runner: ExperimentRunner) -> None:
    store = runner.store
    made = store.open(plan({"steps": "12", "target_iou": "0.8"}))
    assert runner.start(made.id)
    until(lambda: not store.get(made.id).active)
    cells = store.cells(made)
    assert len(ended(cells)) == 4 and store.get(made.id).message == ""
    assert {run.state for run in store.cell_runs(made.id).values()} == {DONE}
    # Asked for once more, everything is there.
    assert runner.start(made.id)
    until(lambda: not store.get(made.id).active)
    assert len(store.runs.newest()) == 4


def test_stopped_it_goes_on_without_repeating_what_is_done(runner: ExperimentRunner) -> None:
    store = runner.store
    quick, slow = {"steps": "12", "target_iou": "0.8"}, SLOW | {"target_iou": "1.0"}
    pairs = pairs_of(open_dataset(tiny.DATASET), 1)
    rows = (variant("minimal", quick), variant("asma", slow), variant("asm", quick))
    made = store.open(Plan(tiny.MODEL, tiny.DATASET, pairs, rows, Execution("cpu")))
    assert runner.start(made.id)
    until(lambda: 1 in store.cell_runs(made.id) and store.cell_runs(made.id)[1].state == RUNNING)
    assert not runner.start(made.id)
    store.ask_to_stop(made.id)
    until(lambda: not store.get(made.id).active)
    runs = store.cell_runs(made.id)
    assert (runs[0].state, runs[1].state) == (DONE, CANCELLED)
    assert [cell is None for cell in store.cells(made)] == [False, True, True]
    assert runner.start(made.id)
    until(lambda: store.cell_runs(made.id)[1].state == RUNNING)
    assert store.cell_runs(made.id)[0].id == runs[0].id


def test_few_runs_wait_so_that_others_get_their_turn(
    runner: ExperimentRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = runner.store
    looks: list[int] = []
    usual = JobQueue.recover

    def counted(self: JobQueue) -> None:
        usual(self)
        looks.append(len(store.runs.newest()))

    # It looks whether there is room for the next run, again and again.
    monkeypatch.setattr(JobQueue, "recover", counted)
    made = store.open(plan(SLOW))
    assert runner.start(made.id)
    until(lambda: looks.count(AHEAD) > 3)
    assert max(looks) == AHEAD
    assert store.runs.count(QUEUED) + store.runs.count(RUNNING) == AHEAD


def test_why_it_can_not_go_on_is_told(runner: ExperimentRunner, home: Path) -> None:
    store = runner.store
    made = store.open(plan({"steps": "12"}))
    (home / "models" / f"{tiny.MODEL}.toml").unlink()
    assert runner.start(made.id)
    until(lambda: not store.get(made.id).active)
    assert tiny.MODEL in store.get(made.id).message
