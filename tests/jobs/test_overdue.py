"""A step that does not come back: its process is ended when its time is over, and nothing is lost.

The processes are real ones, and so is what hangs; only the server's clock is the test's.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from asma_core.errors import StoreError
from asma_core.jobs.overdue import GRACE
from asma_core.jobs.own_runs import stop
from asma_core.jobs.queue import JobQueue
from asma_core.runs.live import live_state
from asma_core.runs.run import CANCELLED, DONE, FAILED, RUNNING
from asma_core.runs.store import RunStore
from tests import tiny
from tests.jobs.hanging import (
    AFTER_A_STEP,
    ASLEEP,
    AT_ONCE,
    HUNG,
    WITH_THE_LOCK,
    hanging_executor,
    wish,
)
from tests.waiting import until

LIMIT = 60.0


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jobs(home: Path, clock: Clock) -> Iterator[JobQueue]:
    tiny.furnish(home)
    (home / "config.toml").write_text("max_run_minutes = 1\n")
    queue = JobQueue(RunStore(), hanging_executor)
    overdue = queue._hanging._overdue
    assert overdue is not None
    overdue._clock = clock
    yield queue
    queue.close()


def look(jobs: JobQueue) -> None:
    """Look after the queue, as happens every few seconds."""
    jobs._recovered_at = -1e9
    jobs.recover()


def hung(jobs: JobQueue) -> int:
    """Wait until a process hangs, and return its number."""
    file = jobs.store.home / HUNG
    return int(until(lambda: file.exists() and file.read_text()))


def over(jobs: JobQueue, clock: Clock) -> None:
    """Let the time of what runs, and the time that it is given beyond, go by."""
    look(jobs)
    clock.now += LIMIT + GRACE + 1
    look(jobs)


@pytest.mark.parametrize("way", [ASLEEP, WITH_THE_LOCK])
def test_a_run_whose_step_hangs_keeps_what_it_had_shown_and_the_queue_goes_on(
    jobs: JobQueue, clock: Clock, home: Path, way: str
) -> None:
    wish(home, AFTER_A_STEP, way)
    run = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    behind = jobs.submit(tiny.request(), tiny.inputs(1))
    pid = hung(jobs)
    shown = live_state(jobs.store, run.id)
    assert shown is not None and shown.step > 0
    look(jobs)
    clock.now += LIMIT + GRACE - 1
    look(jobs)
    assert psutil.pid_exists(pid), "its time beyond is not over yet"
    clock.now += 2
    look(jobs)
    assert not psutil.pid_exists(pid)
    until(lambda: jobs.store.get(behind.id).ended)
    assert jobs.store.get(behind.id).state == DONE
    ended = jobs.store.get(run.id)
    assert (ended.state, ended.results["steps"]) == (CANCELLED, shown.step)
    assert "did not come back" in ended.message and "max_run_minutes" in ended.message
    assert f"step {shown.step}" in ended.message
    assert (jobs.store.folder(run.id) / "adversarial.png").exists()
    until(lambda: jobs.idle)


def test_a_run_that_hangs_before_it_found_anything_failed_and_says_why(
    jobs: JobQueue, clock: Clock, home: Path
) -> None:
    wish(home, AT_ONCE)
    run = jobs.submit(tiny.request(), tiny.inputs())
    hung(jobs)
    over(jobs, clock)
    ended = jobs.store.get(run.id)
    assert (ended.state, ended.results) == (FAILED, {})
    assert "did not come back" in ended.message and "after the 1 minutes" in ended.message
    after = jobs.submit(tiny.request(), tiny.inputs())
    until(lambda: jobs.store.get(after.id).ended)
    assert jobs.store.get(after.id).state == DONE


def test_what_hangs_again_when_it_is_made_again_failed_and_is_not_tried_for_ever(
    jobs: JobQueue, clock: Clock, home: Path
) -> None:
    wish(home, AFTER_A_STEP, once=False)
    run = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    first = hung(jobs)
    over(jobs, clock)
    until(lambda: hung(jobs) != first)
    assert jobs.store.get(run.id).state == RUNNING
    over(jobs, clock)
    ended = jobs.store.get(run.id)
    assert ended.state == FAILED and "even when what it had shown was made again" in ended.message
    assert jobs.idle


def test_none_of_a_batch_is_lost_with_the_one_that_hangs(
    jobs: JobQueue, clock: Clock, home: Path
) -> None:
    wish(home, AFTER_A_STEP)
    asked = tiny.request(tiny.SLOW)
    slow = [jobs.store.create(asked, tiny.inputs(number)).id for number in (0, 1, 3)]
    # Of another recipe, so that it would have come after them by the same call.
    other = jobs.store.create(tiny.request(), tiny.inputs()).id
    jobs.carry_out([*slow, other])
    hung(jobs)
    assert jobs.store.get(other).state == RUNNING
    over(jobs, clock)
    until(lambda: all(jobs.store.get(run_id).ended for run_id in [*slow, other]))
    ended = [jobs.store.get(run_id) for run_id in slow]
    assert [(run.state, run.results["batch"]) for run in ended] == [(CANCELLED, 1)] * 3
    assert all(run.results["steps"] > 0 and "made again" in run.message for run in ended)
    assert (jobs.store.get(other).state, jobs.store.get(other).message) == (DONE, "")


def test_of_a_batch_that_had_found_nothing_each_is_carried_out_by_itself(
    jobs: JobQueue, clock: Clock, home: Path
) -> None:
    wish(home, AT_ONCE)
    batch = [jobs.store.create(tiny.request(), tiny.inputs(n)).id for n in range(3)]
    jobs.carry_out(batch)
    hung(jobs)
    stop(jobs.store, batch[2])
    over(jobs, clock)
    until(lambda: all(jobs.store.get(run_id).ended for run_id in batch))
    assert [jobs.store.get(run_id).state for run_id in batch] == [DONE, DONE, CANCELLED]


def test_what_shows_something_is_left_alone_however_late(jobs: JobQueue, clock: Clock) -> None:
    run = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    until(lambda: live_state(jobs.store, run.id))
    (process,) = jobs._workers[0].executor._processes  # type: ignore[union-attr]
    for _ in range(3):
        look(jobs)
        before = live_state(jobs.store, run.id)
        assert before is not None
        until(lambda seen=before: (now := live_state(jobs.store, run.id)) and now.step > seen.step)
        clock.now += LIMIT + GRACE + 1
        look(jobs)
    assert psutil.pid_exists(process)
    stop(jobs.store, run.id)
    until(lambda: jobs.store.get(run.id).ended)
    assert (jobs.store.get(run.id).state, jobs.store.get(run.id).message) == (CANCELLED, "")


def test_without_a_longest_time_nothing_is_ended(jobs: JobQueue, clock: Clock, home: Path) -> None:
    (home / "config.toml").write_text("")
    wish(home, AT_ONCE)
    run = jobs.submit(tiny.request(), tiny.inputs())
    pid = hung(jobs)
    over(jobs, clock)
    over(jobs, clock)
    assert psutil.pid_exists(pid) and jobs.store.get(run.id).state == RUNNING


def test_a_store_that_fails_meanwhile_is_asked_again(
    jobs: JobQueue, clock: Clock, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(home, AFTER_A_STEP)
    run = jobs.submit(tiny.request(tiny.SLOW), tiny.inputs())
    pid = hung(jobs)
    with monkeypatch.context() as patched:
        patched.setattr(jobs.store, "give_back", _full)
        with pytest.raises(StoreError):
            over(jobs, clock)
    assert not psutil.pid_exists(pid) and jobs.store.get(run.id).state == RUNNING
    look(jobs)
    until(lambda: jobs.store.get(run.id).ended)
    assert jobs.store.get(run.id).state == CANCELLED and jobs.store.get(run.id).results


def _full(run_id: str) -> bool:
    raise StoreError("the disk is full")


def test_a_worker_that_dies_by_itself_meanwhile_is_settled_as_ever(
    jobs: JobQueue, clock: Clock, home: Path
) -> None:
    wish(home, AT_ONCE)
    run = jobs.submit(tiny.request(), tiny.inputs())
    psutil.Process(hung(jobs)).send_signal(signal.SIGKILL)
    until(lambda: jobs.store.get(run.id).ended)
    over(jobs, clock)
    assert jobs.store.get(run.id).state == "interrupted"
