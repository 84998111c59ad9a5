"""The trainer: a training that waits is carried out, whatever happens to worker or server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import types
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from asma_core.errors import StoreError
from asma_core.jobs import dispatcher
from asma_core.jobs.trainings import Trainer
from asma_core.training import store as states
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import TrainingStore
from tests import tiny
from tests.jobs.executors import Held, Inline, everything
from tests.waiting import PATIENCE, until

PROJECT = Path(__file__).resolve().parents[2]
PLAN = TrainingPlan(
    tiny.DATASET, "made", width="tiny", steps=8, batch_size=2, image_size=32, device="cpu"
)
SLOW = replace(PLAN, name="slow", steps=100_000)


# With a real worker process ------------------------------------------------------------------


@pytest.fixture
def trainer(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainer]:
    tiny.furnish(home)
    # A spawned process imports the main module, which AppTest leaves as a script of its own.
    monkeypatch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
    trainer = Trainer(home)
    yield trainer
    trainer.close()


def ended(trainer: Trainer, training_id: str) -> str:
    return str(until(lambda: trainer.store.get(training_id).ended
                     and trainer.store.get(training_id).state))  # fmt: skip


def test_a_killed_worker_costs_one_training_and_those_behind_it_are_carried_out(
    trainer: Trainer,
) -> None:
    killed = trainer.start(SLOW)
    behind = [trainer.start(replace(PLAN, name=f"made-{number}")) for number in range(2)]
    until(lambda: trainer.store.get(killed.id).curve)
    (pid,) = trainer._workers[0].executor._processes
    assert pid != os.getpid()
    os.kill(pid, signal.SIGKILL)
    assert ended(trainer, killed.id) == states.INTERRUPTED
    assert [ended(trainer, one.id) for one in behind] == [states.DONE] * 2
    trainer.go_on(killed.id)
    until(lambda: trainer.store.get(killed.id).state == states.RUNNING)
    trainer.store.ask_to_stop(killed.id)
    assert ended(trainer, killed.id) == states.STOPPED
    until(lambda: trainer.idle)


SERVER = """
import sys
from pathlib import Path
from asma_core.jobs.trainings import Trainer
from tests.jobs.test_trainings import PLAN, SLOW
from tests.waiting import until
if __name__ == "__main__":
    trainer = Trainer(Path(sys.argv[1]))
    running, queued = trainer.start(SLOW), trainer.start(PLAN)
    until(lambda: trainer.store.get(running.id).curve)
    (pid,) = trainer._workers[0].executor._processes
    print(running.id, queued.id, pid, flush=True)
    sys.stdin.readline()
"""


def test_what_waited_when_the_server_was_killed_is_carried_out_by_the_next(
    home: Path, tmp_path: Path
) -> None:
    tiny.furnish(home)
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    server = subprocess.Popen(
        [sys.executable, str(script), str(home)],
        cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    running, queued, pid = server.stdout.readline().split()
    assert TrainingStore(home).recover() == []
    server.kill()
    server.communicate(timeout=PATIENCE)
    until(lambda: not psutil.pid_exists(int(pid)))
    trainer = Trainer(home, Inline)
    assert trainer.store.get(running).state == states.INTERRUPTED
    assert trainer.store.get(queued).state == states.DONE
    assert trainer.store.recover() == [] and trainer.idle


# With executors of the tests -----------------------------------------------------------------


@pytest.fixture
def held(home: Path) -> Trainer:
    Held.made = []
    return Trainer(home, Held)


def leave(trainings: TrainingStore, training_id: str, state: str = states.QUEUED) -> None:
    """Let a training be in the hands of a dead process."""
    with trainings._database.writing() as database:
        database.execute(
            "UPDATE trainings SET owner = 'vm-1-00', state = ? WHERE id = ?", (state, training_id)
        )


def finish(training: int, executor: int = 0) -> None:
    """Let the worker say that it is through with what it was sent."""
    future: Future[Any] = Held.made[executor].jobs[training][1]
    future.set_result(None)


def test_a_new_trainer_takes_over_what_a_dead_server_left(home: Path) -> None:
    trainings = TrainingStore(home)
    left = [trainings.create(PLAN).id for _ in range(3)]
    runs = trainings.create(PLAN).id
    for training_id in left:
        leave(trainings, training_id)
    leave(trainings, runs, states.RUNNING)
    Held.made = []
    one, other = Trainer(home, Held), Trainer(home, Held)
    assert [executor.ids() for executor in Held.made] == [left[:1]]
    assert everything(one) == left and other.idle
    assert trainings.get(runs).state == states.INTERRUPTED
    one.go_on(runs)
    assert set(everything(one)) == {*left, runs}


def test_what_is_left_later_is_taken_over_when_somebody_looks(held: Trainer) -> None:
    training = held.store.create(PLAN)
    leave(held.store, training.id)
    for _ in range(3):
        held._recovered_at = -1e9
        held.recover()
    assert [executor.ids() for executor in Held.made] == [[training.id]]


def test_one_that_breaks_the_worker_before_it_begins_is_given_up(held: Trainer) -> None:
    first, second = (held.start(PLAN) for _ in range(2))
    for number in range(dispatcher.MOST_BREAKS):
        until(lambda n=number: len(Held.made) > n and Held.made[n].jobs)
        assert Held.made[number].ids() == [first.id]
        Held.made[number].break_down()
    failed = until(lambda: held.store.get(first.id).ended and held.store.get(first.id))
    assert failed.state == states.FAILED and "can't be started" in failed.message
    until(lambda: len(Held.made) == 4 and Held.made[3].ids() == [second.id])
    assert held.store.get(second.id).state == states.QUEUED


def test_trainings_behind_one_that_kills_workers_are_not_blamed(held: Trainer) -> None:
    ids = [held.start(PLAN).id for _ in range(5)]
    for number in range(4):
        until(lambda n=number: len(Held.made) > n and Held.made[n].jobs)
        assert Held.made[number].ids() == [ids[number]]
        leave(held.store, ids[number], states.RUNNING)
        Held.made[number].break_down()
    until(lambda: len(Held.made) > 4)
    assert [held.store.get(one).state for one in ids] == [states.INTERRUPTED] * 4 + [states.QUEUED]


def test_a_store_that_fails_after_a_crash_loses_no_queued_training(
    held: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = held.start(PLAN)
    thrown: list[Any] = []

    def full(self: TrainingStore) -> list[str]:
        raise StoreError("the disk is full; free some space")

    with monkeypatch.context() as patched:
        patched.setattr("threading.excepthook", thrown.append)
        patched.setattr(TrainingStore, "recover", full)
        Held.made[0].break_down()
        until(lambda: thrown)
    assert thrown[0].exc_type is StoreError
    held._recovered_at = -1e9
    held.recover()
    assert Held.made[1].ids() == [training.id]


def test_one_that_is_gone_on_with_before_its_worker_is_through_gets_another_turn(
    held: Trainer,
) -> None:
    training = held.start(PLAN)
    assert held.store.claim(training.id)
    held.store.end(training.id, states.STOPPED)
    held.go_on(training.id)
    assert Held.made[0].ids() == [training.id]
    finish(0)
    until(lambda: Held.made[0].ids() == [training.id] * 2)
    assert held.store.claim(training.id)
    held.store.end(training.id, states.DONE)
    finish(1)
    assert held.idle and not held._breaks


def test_one_that_comes_back_without_having_begun_is_given_up(held: Trainer) -> None:
    training = held.start(PLAN)
    for number in range(dispatcher.MOST_BREAKS):
        until(lambda n=number: len(Held.made[0].jobs) == n + 1)
        finish(number)
    until(lambda: held.store.get(training.id).state == states.FAILED)
    assert held.idle


def test_only_what_halted_is_gone_on_with(held: Trainer) -> None:
    waits, done = held.start(PLAN), held.start(PLAN)
    assert held.store.claim(done.id)
    held.store.end(done.id, states.DONE)
    for one in (waits, done):
        held.go_on(one.id)
    assert everything(held) == [waits.id]
    assert held.store.get(done.id).state == states.DONE
    with pytest.raises(StoreError, match="no training has the id"):
        held.go_on("00000000")
