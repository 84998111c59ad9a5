"""Runs on workers without the database: what comes back is written down, whatever comes back."""

from __future__ import annotations

import logging
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from asma_core.errors import InputError, StoreError
from asma_core.jobs.elsewhere import RunsElsewhere
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.overdue import Overdue
from asma_core.jobs.queue import JobQueue
from asma_core.jobs.worker_process import MakeExecutor
from asma_core.runs.run import CANCELLED, DONE, FAILED, QUEUED, RUNNING
from asma_core.runs.store import RunStore
from tests import tiny
from tests.jobs.executors import Held, Inline
from tests.waiting import until


def far(home: Path, make_executor: MakeExecutor) -> JobQueue:
    """A queue whose workers don't see the database."""
    store = RunStore(tiny.furnish(home))
    jobs = JobQueue(store, make_executor)
    jobs._carrier = RunsElsewhere(store, Overdue(store))
    return jobs


def test_a_run_is_claimed_here_carried_out_there_and_written_down_here(home: Path) -> None:
    jobs = far(home, Inline)
    run = jobs.submit(tiny.request(), tiny.inputs())
    ended = jobs.store.get(run.id)
    assert (ended.state, ended.success) == (DONE, True)
    assert (jobs.store.folder(run.id) / "run.json").exists()
    assert not jobs.store.work_folder(run.id).exists() and jobs.idle


def test_several_go_together_and_each_has_its_own_end(home: Path) -> None:
    jobs = far(home, Inline)
    good = jobs.store.create(tiny.request(), tiny.inputs()).id
    bad = jobs.store.create(tiny.request(model=tiny.NAN), tiny.inputs()).id
    jobs.carry_out([good, bad])
    assert jobs.store.get(good).state == DONE
    assert jobs.store.get(bad).state == FAILED and jobs.store.get(bad).message


def test_a_bug_there_is_in_the_log_here(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("oh")

    jobs = far(home, Inline)
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr("asma_core.runs.attacking.predict", broken)
        run = jobs.submit(tiny.request(), tiny.inputs())
    assert jobs.store.get(run.id).state == FAILED
    assert "ZeroDivisionError: oh" in caplog.text


def test_the_longest_time_goes_along(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from asma_core.runs import together
    from tests.runs.test_time_limit import Clock

    jobs = far(home, Inline)
    (home / "config.toml").write_text("max_run_minutes = 1\n")
    monkeypatch.setattr(together, "time", Clock())
    run = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    ended = jobs.store.get(run.id)
    assert ended.state == CANCELLED and "after 1 minutes" in ended.message


def test_a_lost_scheduler_costs_nothing_the_runs_wait_again(home: Path) -> None:
    Held.made = []
    jobs = far(home, Held)
    run = jobs.submit(tiny.request(), tiny.inputs())
    assert jobs.store.get(run.id).state == RUNNING
    for number in range(4):
        until(lambda n=number: len(Held.made) > n and Held.made[n].jobs)
        assert jobs.store.get(run.id).state == RUNNING, "it is nobody's fault, so nobody is blamed"
        Held.made[number].break_down()
    until(lambda: len(Held.made) > 4 and Held.made[4].jobs)


class Unreachable(Executor):
    """Nobody answers."""

    def __init__(self, home: str) -> None:
        pass

    def submit(self, call: Any, /, *arguments: Any, **more: Any) -> Any:
        raise BrokenExecutor("nobody answers")


def test_while_nobody_can_be_reached_a_run_waits_and_can_be_cancelled(home: Path) -> None:
    jobs = far(home, Unreachable)
    run = jobs.submit(tiny.request(), tiny.inputs())
    assert jobs.store.get(run.id).state == QUEUED and jobs.line() == [run.id]
    jobs.store.ask_to_stop(run.id)
    jobs._recovered_at = -1e9
    jobs.recover()
    assert jobs.store.get(run.id).state == CANCELLED and jobs.idle


def test_experiments_go_there_as_well(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.jobs.test_experiments import plan

    worker = ThreadPoolExecutor(max_workers=1)
    jobs = far(home, lambda home: worker)
    monkeypatch.setattr("asma_core.runs.together.ON_CPU", 2)
    runner = ExperimentRunner(jobs)
    made = runner.store.open(plan({"steps": "12", "target_iou": "0.8"}))
    assert runner.start(made.id)
    until(lambda: not runner.store.get(made.id).active)
    runs = runner.store.cell_runs(made.id)
    assert [(run.state, run.results["batch"]) for run in runs.values()] == [(DONE, 2)] * 4
    worker.shutdown()


class KilledWorker(Exception):  # noqa: N818 - its name is what is looked at
    """As `distributed` calls what has cost several workers."""


def test_what_costs_one_worker_after_the_other_fails_in_a_sentence(home: Path) -> None:
    Held.made = []
    jobs = far(home, Held)
    run = jobs.submit(tiny.request(), tiny.inputs())
    Held.made[0].jobs[0][1].set_exception(KilledWorker())
    assert jobs.store.get(run.id).state == FAILED
    assert "several in a row" in jobs.store.get(run.id).message and jobs.idle


def test_a_sentence_from_there_is_the_runs(home: Path) -> None:
    Held.made = []
    jobs = far(home, Held)
    run = jobs.submit(tiny.request(), tiny.inputs())
    Held.made[0].jobs[0][1].set_exception(StoreError("a worker does not see the data folder"))
    assert jobs.store.get(run.id).message == "a worker does not see the data folder"


def test_files_that_did_not_come_fail_the_run_and_not_the_queue(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Held.made = []
    jobs = far(home, Held)
    run = jobs.submit(tiny.request(), tiny.inputs())
    (arguments, future) = Held.made[0].jobs[0]
    from asma_core.jobs.tasks import run_elsewhere

    reported = run_elsewhere(*arguments)
    import shutil

    shutil.rmtree(jobs.store.work_folder(run.id))
    future.set_result(reported)
    assert jobs.store.get(run.id).state == FAILED and "can't be" in jobs.store.get(run.id).message
    assert jobs.idle


def test_without_distributed_it_is_said_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.furnish(home)
    (home / "config.toml").write_text('executor = "dask://127.0.0.1:1"\n')
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(InputError, match="pip install distributed==") as said:
        JobQueue(RunStore())
    pinned = (Path(__file__).parents[2] / "requirements-dev.txt").read_text()
    assert str(said.value).split("pip install ")[1].split(")")[0] in pinned


@pytest.mark.parametrize(
    "value", ['"dask"', '"dask://"', '"dask://host"', '"tcp://host:1"', '"dask://a b:1"', "1", '""']
)
def test_an_executor_that_can_not_be_is_refused(home: Path, value: str) -> None:
    home.mkdir()
    (home / "config.toml").write_text(f"executor = {value}\n")
    with pytest.raises(InputError, match="executor"):
        JobQueue(RunStore())
