"""The queue: runs are carried out, whatever happens to the worker or to the server."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from asma_core.errors import InputError, StoreError, UnknownRunError
from asma_core.jobs import dispatcher
from asma_core.jobs.queue import JobQueue, stop
from asma_core.runs.live import live_state
from asma_core.runs.run import CANCELLED, DONE, FAILED, INTERRUPTED, QUEUED
from asma_core.runs.store import RunStore
from tests import tiny
from tests.jobs.executors import Held, Inline, everything
from tests.waiting import PATIENCE, until

PROJECT = Path(__file__).resolve().parents[2]


# With a real worker process ------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobQueue]:
    """A queue with a spawned worker, shared by the tests below as starting one takes seconds."""
    home = tiny.furnish(tmp_path_factory.mktemp("queue") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ASMA_HOME", str(home))
        jobs = JobQueue(RunStore())
        yield jobs
        jobs.close()


@pytest.fixture
def jobs(real: JobQueue, monkeypatch: pytest.MonkeyPatch) -> JobQueue:
    monkeypatch.setenv("ASMA_HOME", str(real.store.home))
    return real


def ended(jobs: JobQueue, run_id: str) -> str:
    return str(until(lambda: jobs.store.get(run_id).ended and jobs.store.get(run_id).state))


def worker_pid(jobs: JobQueue) -> int:
    assert jobs._workers[0].executor is not None
    return int(jobs._workers[0].executor.submit(os.getpid).result(timeout=PATIENCE))


def test_a_run_is_carried_out_by_a_worker_that_stays(jobs: JobQueue) -> None:
    jobs.warm()
    run = jobs.submit(tiny.request(), tiny.inputs())
    assert ended(jobs, run.id) == DONE
    pid = worker_pid(jobs)
    assert pid != os.getpid()
    again = jobs.repeat(run.id)
    assert ended(jobs, again.id) == DONE
    assert again.spec == run.spec and worker_pid(jobs) == pid


def test_a_running_run_is_stopped_and_keeps_what_it_has(jobs: JobQueue) -> None:
    run = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    waiting = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    until(lambda: live_state(jobs.store, run.id))
    stop(jobs.store, waiting.id)
    stop(jobs.store, run.id)
    assert ended(jobs, run.id) == CANCELLED
    assert jobs.store.get(run.id).results["steps"] > 0
    assert jobs.store.get(waiting.id).state == CANCELLED
    assert jobs.store.get(waiting.id).results == {}


def test_ctrl_c_in_the_terminal_does_not_touch_the_worker(jobs: JobQueue) -> None:
    jobs.warm()
    os.kill(worker_pid(jobs), signal.SIGINT)
    run = jobs.submit(tiny.request(), tiny.inputs())
    assert ended(jobs, run.id) == DONE


def test_a_killed_worker_costs_one_run_and_the_queue_lives(jobs: JobQueue) -> None:
    jobs.warm()
    pid = worker_pid(jobs)
    killed = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    behind = [jobs.submit(tiny.request(), tiny.inputs(number)) for number in range(3)]
    until(lambda: live_state(jobs.store, killed.id))
    os.kill(pid, signal.SIGKILL)
    assert ended(jobs, killed.id) == INTERRUPTED
    assert [ended(jobs, run.id) for run in behind] == [DONE] * 3
    assert not jobs.store.folder(killed.id).exists()
    after = jobs.submit(tiny.request(), tiny.inputs())
    assert ended(jobs, after.id) == DONE and worker_pid(jobs) != pid
    until(lambda: jobs.idle)


def test_a_killed_worker_interrupts_all_of_a_batch_and_the_queue_lives(jobs: JobQueue) -> None:
    jobs.warm()
    pid = worker_pid(jobs)
    asked = tiny.request(tiny.SLOW)
    batch = [jobs.store.create(asked, tiny.inputs(number)).id for number in range(3)]
    jobs.carry_out(batch)
    until(lambda: all(live_state(jobs.store, run_id) for run_id in batch))
    os.kill(pid, signal.SIGKILL)
    assert [ended(jobs, run_id) for run_id in batch] == [INTERRUPTED] * 3
    assert not any(jobs.store.folder(run_id).exists() for run_id in batch)
    again = [jobs.repeat(run_id) for run_id in batch]
    for run in again:
        stop(jobs.store, run.id)
    assert [ended(jobs, run.id) for run in again] == [CANCELLED] * 3
    until(lambda: jobs.idle)


SERVER = """
import sys
from asma_core.jobs.queue import JobQueue
from asma_core.runs.store import RunStore
from asma_core.runs.live import live_state
from tests import tiny
from tests.waiting import until
if __name__ == "__main__":
    jobs = JobQueue(RunStore())
    running = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    queued = jobs.submit(tiny.request(), tiny.inputs())
    until(lambda: live_state(jobs.store, running.id))
    (pid,) = jobs._workers[0].executor._processes
    print(running.id, queued.id, pid, flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("end", ["SIGKILL", "exit"])
def test_a_server_that_ends_leaves_no_worker_and_its_runs_are_settled_at_the_next_start(
    home: Path, tmp_path: Path, end: str
) -> None:
    tiny.furnish(home)
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    server = subprocess.Popen(
        [sys.executable, str(script)],
        cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert server.stdout is not None
    running, queued, pid = server.stdout.readline().split()
    runs = RunStore()
    assert runs.recover() == []
    if end == "SIGKILL":
        server.kill()
    _, complaints = server.communicate("\n", timeout=PATIENCE)
    assert "Traceback" not in complaints
    until(lambda: not psutil.pid_exists(int(pid)))
    jobs = JobQueue(RunStore(), Inline)
    assert runs.get(running).state == INTERRUPTED
    assert runs.get(queued).state == DONE
    assert runs.recover() == [] and jobs.idle


# With executors of the tests -----------------------------------------------------------------


@pytest.fixture
def held(home: Path) -> JobQueue:
    tiny.furnish(home)
    Held.made = []
    return JobQueue(RunStore(), Held)


def test_a_worker_that_never_starts_is_given_up_for_the_first_run_only(held: JobQueue) -> None:
    first, second = (held.submit(tiny.request(), tiny.inputs(n)) for n in range(2))
    for number in range(dispatcher.MOST_BREAKS):
        until(lambda n=number: len(Held.made) > n and Held.made[n].jobs)
        assert Held.made[number].ids() == [first.id]
        Held.made[number].break_down()
    failed = until(lambda: held.store.get(first.id).ended and held.store.get(first.id))
    assert failed.state == FAILED and "can't be started" in failed.message
    until(lambda: len(Held.made) == 4 and Held.made[3].ids() == [second.id])
    assert held.store.get(second.id).state == QUEUED


def test_runs_behind_one_that_kills_workers_are_not_blamed(held: JobQueue) -> None:
    runs = [held.submit(tiny.request(), tiny.inputs(n % 3)) for n in range(5)]
    for number in range(4):
        until(lambda n=number: len(Held.made) > n and Held.made[n].jobs)
        assert Held.made[number].ids() == [runs[number].id]
        # As if a worker had claimed the first and died with it.
        with held.store._database.writing() as database:
            change = "UPDATE runs SET state = 'running', owner = 'vm-1-00' WHERE id = ?"
            database.execute(change, (runs[number].id,))
        Held.made[number].break_down()
    until(lambda: len(Held.made) > 4)
    states = [held.store.get(run.id).state for run in runs]
    assert states == [INTERRUPTED] * 4 + [QUEUED]


def test_a_store_that_fails_after_a_crash_loses_no_queued_run(
    held: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = held.submit(tiny.request(), tiny.inputs())
    thrown: list[Any] = []

    def full(self: RunStore) -> list[str]:
        raise StoreError("the disk is full; free some space")

    with monkeypatch.context() as patched:
        patched.setattr("threading.excepthook", thrown.append)
        patched.setattr(RunStore, "recover", full)
        Held.made[0].break_down()
        until(lambda: thrown)
    assert thrown[0].exc_type is StoreError
    held._recovered_at = -1e9
    held.recover()
    assert Held.made[1].ids() == [run.id]


def test_a_batch_that_a_worker_broke_before_is_sent_again_run_by_run(held: JobQueue) -> None:
    batch = [held.store.create(tiny.request(), tiny.inputs(number)).id for number in range(3)]
    held.carry_out(batch)
    assert [arguments[1:] for arguments, _ in Held.made[-1].jobs] == [tuple(batch)]
    held.carry_out(batch)
    assert len(Held.made[-1].jobs) == 1, "they are in somebody's hands already"
    Held.made[-1].break_down()
    until(lambda: len(Held.made) == 2 and Held.made[-1].jobs)
    assert [arguments[1:] for arguments, _ in Held.made[-1].jobs] == [(batch[0],)]
    assert everything(held) == batch
    assert {held.store.get(run_id).state for run_id in batch} == {QUEUED}


def test_a_run_is_sent_once_however_often_one_recovers(held: JobQueue) -> None:
    run = held.submit(tiny.request(), tiny.inputs())
    for _ in range(3):
        held._recovered_at = -1e9
        held.recover()
    assert Held.made[0].ids() == [run.id] and len(Held.made) == 1


def test_a_new_queue_takes_over_what_a_dead_server_left(home: Path) -> None:
    runs = RunStore(tiny.furnish(home))
    left = [runs.create(tiny.request(), tiny.inputs(n)).id for n in range(3)]
    with runs._database.writing() as database:
        database.execute("UPDATE runs SET owner = 'vm-1-00'")
    Held.made = []
    one, other = JobQueue(RunStore(), Held), JobQueue(RunStore(), Held)
    assert [executor.ids() for executor in Held.made] == [left[:1]]
    assert everything(one) == left and other.idle


def test_a_bug_in_a_run_is_logged_and_the_queue_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("oh")

    jobs = JobQueue(RunStore(tiny.furnish(home)), Inline)
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr("asma_core.runs.attacking.predict", broken)
        run = jobs.submit(tiny.request(), tiny.inputs())
    assert jobs.store.get(run.id).state == FAILED
    assert "ZeroDivisionError: oh" in caplog.text
    assert jobs.store.get(jobs.submit(tiny.request(), tiny.inputs()).id).state == DONE


def test_what_does_not_fit_is_refused_at_once(held: JobQueue) -> None:
    with pytest.raises(InputError, match="no model"):
        held.submit(tiny.request(model="no-such"), tiny.inputs())
    with pytest.raises(UnknownRunError):
        held.repeat("00000000")
    with pytest.raises(UnknownRunError):
        stop(held.store, "../etc")
    assert Held.made == []


def test_another_attack_can_be_tried_on_the_same(home: Path) -> None:
    jobs = JobQueue(RunStore(tiny.furnish(home)), Inline)
    run = jobs.submit(tiny.request(), tiny.inputs())
    other = jobs.try_instead(run.id, "minimal")
    assert (other.spec.attack, other.wanted) == ("minimal", run.wanted)
    assert other.spec.inputs_hash == run.spec.inputs_hash
    with pytest.raises(InputError, match="nothing-known"):
        jobs.try_instead(run.id, "nothing-known")


def test_a_run_can_be_repeated_when_its_attack_is_known_and_its_inputs_are_there(
    home: Path,
) -> None:
    jobs = JobQueue(RunStore(tiny.furnish(home)), Inline)
    run = jobs.submit(tiny.request(), tiny.inputs())
    (runs_inputs,) = (home / "inputs").iterdir()
    again = jobs.repeat(run.id)
    assert again.spec == run.spec and jobs.store.get(again.id).state == DONE
    runs_inputs.unlink()
    with pytest.raises(StoreError, match="inputs"):
        jobs.repeat(run.id)
