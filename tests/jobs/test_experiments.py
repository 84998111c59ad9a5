"""Experiments through the queue: carried out, stopped, gone on with, never in the way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from asma_core.data.datasets import open_dataset
from asma_core.experiments.plan import Plan, pairs_of, variant
from asma_core.experiments.store import ended
from asma_core.jobs.experiments import AHEAD, ExperimentRunner
from asma_core.jobs.queue import JobQueue
from asma_core.runs import together
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


def test_it_is_carried_out_in_batches_of_what_the_worker_says(
    runner: ExperimentRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = runner.store
    monkeypatch.setattr(together, "ON_CPU", 3)
    most: list[int] = []
    usual = JobQueue.carry_out

    def counted(self: JobQueue, run_ids: Sequence[str]) -> None:
        most.append(store.runs.count(QUEUED) + store.runs.count(RUNNING))
        usual(self, run_ids)

    monkeypatch.setattr(JobQueue, "carry_out", counted)
    names = [sample.name for sample in open_dataset(tiny.DATASET).samples]
    pairs = tuple(itertools.pairwise(names[:5]))
    rows = (variant("asma", {"steps": "12"}), variant("minimal", {"steps": "12"}))
    made = store.open(Plan(tiny.MODEL, tiny.DATASET, pairs, rows, Execution("cpu")))
    assert runner.start(made.id)
    until(lambda: not store.get(made.id).active)
    runs = store.cell_runs(made.id)
    assert [runs[place].results["batch"] for place in range(8)] == [3, 3, 3, 3, 3, 3, 1, 1]
    # One batch is queued or running at a time, so that what is asked for meanwhile comes next.
    assert most[:2] == [3, 3] and len(most) == 4


def test_a_single_attack_comes_before_the_next_batch(
    runner: ExperimentRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = runner.store
    monkeypatch.setattr(together, "ON_CPU", 2)
    names = [sample.name for sample in open_dataset(tiny.DATASET).samples]
    pairs = tuple(itertools.pairwise(names[:5]))
    made = store.open(
        Plan(tiny.MODEL, tiny.DATASET, pairs, (variant("asma", SLOW),), Execution("cpu"))
    )
    assert runner.start(made.id)
    until(lambda: store.runs.count(RUNNING) == 2)
    single = runner._queue.submit(tiny.request({"steps": 3}), tiny.inputs())
    for run in store.cell_runs(made.id).values():
        store.runs.ask_to_stop(run.id)
    # The batch behind it takes longer than anybody waits.
    until(lambda: store.runs.get(single.id).ended)
    until(lambda: len(store.cell_runs(made.id)) == 4)


def test_a_batch_is_stopped_with_its_experiment(
    runner: ExperimentRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = runner.store
    monkeypatch.setattr(together, "ON_CPU", 2)
    made = store.open(plan(SLOW))
    assert runner.start(made.id)
    until(lambda: store.runs.count(RUNNING) == 2)
    store.ask_to_stop(made.id)
    until(lambda: not store.get(made.id).active)
    assert {run.state for run in store.cell_runs(made.id).values()} == {CANCELLED}
    assert len(store.runs.newest()) == 2


def test_a_worker_that_breaks_before_it_answers_is_given_single_runs(
    runner: ExperimentRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = runner.store
    broken: Future[int] = Future()
    broken.set_exception(BrokenExecutor("the worker died"))
    monkeypatch.setattr(JobQueue, "usual_batch", lambda *_: broken)
    made = store.open(plan({"steps": "12", "target_iou": "0.8"}))
    assert runner.start(made.id)
    until(lambda: not store.get(made.id).active)
    assert {run.results["batch"] for run in store.cell_runs(made.id).values()} == {1}


def test_a_device_that_there_is_not_is_told(runner: ExperimentRunner) -> None:
    store = runner.store
    made = store.open(replace(plan({"steps": "12"}), execution=Execution("cuda:99")))
    assert runner.start(made.id)
    until(lambda: not store.get(made.id).active)
    assert "cuda:99" in store.get(made.id).message and store.runs.newest() == []


def test_why_it_can_not_go_on_is_told(runner: ExperimentRunner, home: Path) -> None:
    store = runner.store
    made = store.open(plan({"steps": "12"}))
    (home / "models" / f"{tiny.MODEL}.toml").unlink()
    assert runner.start(made.id)
    until(lambda: not store.get(made.id).active)
    assert tiny.MODEL in store.get(made.id).message


def test_what_a_dead_process_had_under_way_goes_on(runner: ExperimentRunner) -> None:
    """What somebody stopped, what is over and what a living process has are left alone."""
    store = runner.store
    left, stopped, over = (
        store.open(plan({"steps": str(steps), "target_iou": "0.8"})) for steps in (11, 12, 13)
    )
    for one in (left, stopped):
        assert store.claim(one.id)
    store.ask_to_stop(stopped.id)
    assert store.left_behind() == []
    with store._database.writing() as database:
        database.execute("UPDATE experiments SET owner = 'vm-1-00' WHERE owner <> ''")
    assert store.left_behind() == [left.id]
    runner.recover()
    assert store.get(left.id).active and store.left_behind() == []
    until(lambda: not store.get(left.id).active)
    assert len(ended(store.cells(left))) == 4
    assert ended(store.cells(stopped)) == ended(store.cells(over)) == []
