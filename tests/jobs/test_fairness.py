"""Whose turn it is: people take turns, whatever one of them asks for; limits, order, places."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asma_core.accounts.account import ENGINEER, OWNER, VIEWER, Account
from asma_core.accounts.current import acting_as
from asma_core.errors import InputError, NotAllowedError, RunStateError, StoreError
from asma_core.jobs import dispatcher, local
from asma_core.jobs.fairness import Turns
from asma_core.jobs.own_runs import FIRST, LATER, SOONER, move, stop
from asma_core.jobs.queue import JobQueue
from asma_core.jobs.trainings import Trainer
from asma_core.models.wrapper.own_gpu import OWN_GPU
from asma_core.runs.job_table import Waiting
from asma_core.runs.run import CANCELLED, DONE, QUEUED, Run
from asma_core.runs.store import RunStore
from tests import tiny
from tests.jobs.executors import Held, Inline, everything
from tests.waiting import PATIENCE, until

ANN, BO, CY = (Account(name, ENGINEER) for name in ("ann", "bo", "cy"))


@pytest.fixture
def held(home: Path) -> JobQueue:
    """A queue whose worker does nothing until it is told how its call ends."""
    tiny.furnish(home)
    Held.made = []
    return JobQueue(RunStore(), Held)


def ask(jobs: JobQueue, who: Account, count: int = 1) -> list[str]:
    with acting_as(who):
        return [jobs.submit(tiny.request(), tiny.inputs(n % 2)).id for n in range(count)]


def end_calls(jobs: JobQueue) -> list[tuple[str, ...]]:
    """Let every call end well, one after the other; return what each had."""
    handed = []
    (worker,) = Held.made
    while len(handed) < len(worker.jobs):
        arguments, future = worker.jobs[len(handed)]
        handed.append(tuple(arguments[1:]))
        for run_id in arguments[1:]:
            assert jobs.store.claim(run_id)
            jobs.store.fail(run_id, "as the test says")
        future.set_result(None)
    return handed


# Whose turn ----------------------------------------------------------------------------------


def test_one_run_of_somebody_comes_after_the_first_of_anothers_thirty(held: JobQueue) -> None:
    many = ask(held, ANN, 30)
    (one,) = ask(held, BO)
    assert Held.made[0].ids() == many[:1], "a worker has one at a time"
    assert held.line() == [one, *many[1:]]
    assert end_calls(held) == [(many[0],), (one,), *((run_id,) for run_id in many[1:])]
    assert held.idle


def test_three_people_take_turns_and_each_ones_own_order_stays(held: JobQueue) -> None:
    anns, bos, cys = ask(held, ANN, 3), ask(held, BO, 2), ask(held, CY, 1)
    expected = [anns[0], bos[0], cys[0], anns[1], bos[1], anns[2]]
    assert [run_id for (run_id,) in end_calls(held)] == expected


def test_who_had_nothing_to_ask_for_meanwhile_has_saved_no_turns(held: JobQueue) -> None:
    (first,) = ask(held, BO)
    anns = ask(held, ANN, 4)
    (worker,) = Held.made
    held.store.claim(first)
    held.store.fail(first, "as the test says")
    worker.jobs[0][1].set_result(None)
    bos = ask(held, BO, 3)
    # Ann has the worker; Bo was served longer ago than she, then they take turns.
    assert held.line() == [bos[0], anns[1], bos[1], anns[2], bos[2], anns[3]]


def test_trainings_take_turns_as_well(home: Path) -> None:
    from tests.jobs.test_trainings import PLAN

    Held.made = []
    trainer = Trainer(home, Held)
    with acting_as(ANN):
        anns = [trainer.start(PLAN).id for _ in range(3)]
    with acting_as(BO):
        bo = trainer.start(PLAN).id
    assert everything(trainer) == [anns[0], bo, *anns[1:]]


@given(st.lists(st.sampled_from("abcd"), max_size=40), st.integers(0, 3))
def test_nobody_waits_for_two_of_anothers_while_one_of_theirs_waits(
    authors: list[str], served: int
) -> None:
    turns = Turns()
    for author in "abcd"[:served]:
        turns.served(author)
    waiting = [Waiting(f"{number}", author) for number, author in enumerate(authors)]
    left, taken = list(waiting), []
    told = [one.id for one in turns.line(waiting)]
    while left:
        chosen = turns.next_of(left, {}, 0)
        assert chosen is not None
        turns.served(chosen.author)
        left.remove(chosen)
        taken.append(chosen)
    assert [one.id for one in taken] == told, "the line says what happens"
    for author in set(authors):
        own = [place for place, one in enumerate(taken) if one.author == author]
        assert [taken[place].id for place in own] == [
            one.id for one in waiting if one.author == author
        ]
        for before, after in zip([-1, *own], own, strict=False):
            between = [one.author for one in taken[before + 1 : after]]
            assert len(between) == len(set(between))


def test_a_batch_is_cut_while_somebody_else_waits(
    held: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "MOST_BESIDE_OTHERS", 2)
    (first,) = ask(held, ANN)
    with acting_as(ANN):
        batch = [held.store.create(tiny.request(), tiny.inputs(n)).id for n in range(5)]
        held.carry_out(batch)
    bos = ask(held, BO, 2)
    assert end_calls(held) == [
        (first,), (bos[0],), tuple(batch[:2]), (bos[1],), tuple(batch[2:]),
    ]  # fmt: skip


def test_a_cancelled_run_of_a_batch_is_not_handed_out(held: JobQueue) -> None:
    ask(held, ANN)
    with acting_as(ANN):
        batch = [held.store.create(tiny.request(), tiny.inputs(n)).id for n in range(3)]
        held.carry_out(batch)
        stop(held.store, batch[1])
    assert end_calls(held)[1:] == [(batch[0], batch[2])]
    assert held.store.get(batch[1]).state == CANCELLED and held.idle


def test_a_store_that_can_not_be_read_for_a_moment_stops_nothing(
    held: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: RunStore) -> list[Waiting]:
        raise StoreError("the disk is full; free some space")

    with monkeypatch.context() as patched:
        patched.setattr(RunStore, "waiting", full)
        (run,) = ask(held, ANN)
    assert Held.made == []
    held._recovered_at = -1e9
    held.recover()
    assert Held.made[0].ids() == [run]


def test_an_end_that_can_not_be_written_is_written_later(
    held: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ask(held, ANN, 2)

    def full(self: RunStore, run_id: str) -> bool:
        raise StoreError("the disk is full; free some space")

    with monkeypatch.context() as patched:
        patched.setattr(RunStore, "is_queued", full)
        assert held.store.claim(first)
        Held.made[0].jobs[0][1].set_result(None)
        assert Held.made[0].ids() == [first]
    held._recovered_at = -1e9
    held.recover()
    assert Held.made[0].ids() == [first, second]


def test_it_goes_on_without_anybody_looking(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "RECOVER_EVERY", 0.05)
    jobs = JobQueue(RunStore(tiny.furnish(home)), Inline)
    jobs.keep_going()
    left = jobs.store.create(tiny.request(), tiny.inputs())
    with jobs.store._database.writing() as database:
        database.execute("UPDATE runs SET owner = 'vm-1-00'")
    until(lambda: jobs.store.get(left.id).state == DONE)
    jobs.close()


# Limits --------------------------------------------------------------------------------------


def test_more_than_one_person_may_have_in_the_queue_is_refused_in_a_sentence(
    held: JobQueue, home: Path
) -> None:
    (home / "config.toml").write_text("max_queued_per_person = 2\n")
    anns = ask(held, ANN, 3)
    with pytest.raises(InputError, match=r"2 of your runs wait .*max_queued_per_person"):
        ask(held, ANN)
    assert held.store.count(QUEUED) == 3, "one of them is in the worker's hands"
    ask(held, BO)
    with acting_as(ANN):
        stop(held.store, anns[2])
    ask(held, ANN)


def test_one_person_has_no_more_workers_than_allowed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.furnish(home)
    (home / "config.toml").write_text("max_running_per_person = 2\n")
    monkeypatch.setattr(local, "gpu_count", lambda: 4)
    monkeypatch.setattr(local, "local_executor", lambda home, gpu: Held(home))
    Held.made = []
    jobs = JobQueue(RunStore())
    anns = ask(jobs, ANN, 4)
    bos = ask(jobs, BO, 1)
    assert [executor.ids() for executor in Held.made] == [[anns[0]], [anns[1]], bos]
    for run_id in anns[:1]:
        jobs.store.claim(run_id)
        jobs.store.fail(run_id, "as the test says")
    Held.made[0].jobs[0][1].set_result(None)
    assert Held.made[0].ids() == [anns[0], anns[2]]
    assert jobs.line() == anns[3:]


# Several GPUs --------------------------------------------------------------------------------


def test_each_gpu_has_a_worker_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.furnish(home)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    jobs = JobQueue(RunStore())
    assert jobs.workers() == 2
    told: list[Future[Any]] = [worker.submit(os.getenv, OWN_GPU) for worker in jobs._workers]
    pids: list[Future[Any]] = [worker.submit(os.getpid) for worker in jobs._workers]
    assert [future.result(timeout=PATIENCE) for future in told] == ["0", "1"]
    assert len({future.result(timeout=PATIENCE) for future in pids}) == 2
    jobs.close()


def test_two_workers_have_a_run_each_and_a_broken_one_leaves_the_other_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.furnish(home)
    monkeypatch.setattr(local, "gpu_count", lambda: 2)
    monkeypatch.setattr(local, "local_executor", lambda home, gpu: Held(home))
    Held.made = []
    jobs = JobQueue(RunStore())
    first, second, third = ask(jobs, ANN, 3)
    assert [executor.ids() for executor in Held.made] == [[first], [second]]
    assert jobs.store.claim(second)
    Held.made[0].break_down()
    until(lambda: len(Held.made) == 3 and Held.made[2].jobs)
    assert Held.made[2].ids() == [first] and Held.made[1].ids() == [second]
    assert jobs.line() == [third]


@pytest.fixture
def one_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    yield


@pytest.mark.usefixtures("one_gpu")
def test_one_gpu_or_none_has_one_worker_as_ever(home: Path) -> None:
    assert local.local_executors() == [local.local_executor]


# One's own order -----------------------------------------------------------------------------


def test_people_put_their_own_runs_in_order(held: JobQueue) -> None:
    ask(held, CY)
    anns, (bo,) = ask(held, ANN, 4), ask(held, BO)
    with acting_as(ANN):
        move(held.store, [anns[3]], FIRST)
        assert held.line() == [anns[3], bo, *anns[:3]]
        move(held.store, [anns[0]], LATER)
        assert held.line() == [anns[3], bo, anns[1], anns[0], anns[2]]
        move(held.store, [anns[2]], SOONER)
        assert held.line() == [anns[3], bo, anns[1], anns[2], anns[0]]
        move(held.store, [anns[3]], SOONER)
        assert held.line()[0] == anns[3]
    (later,) = ask(held, ANN)
    assert held.line()[-1] == later, "what comes later comes last"


def test_several_keep_their_order_as_they_move(held: JobQueue) -> None:
    ask(held, CY)
    a, b, c, d, e = ask(held, ANN, 5)
    with acting_as(ANN):
        move(held.store, [d, b], SOONER)
        assert held.line() == [b, a, d, c, e]
        move(held.store, [b, a], SOONER)
        assert held.line() == [b, a, d, c, e], "the first can't be sooner, and keeps its place"
        move(held.store, [e, d], FIRST)
        assert held.line() == [d, e, b, a, c]
        move(held.store, [d, b], LATER)
        assert held.line() == [e, d, a, b, c]
        move(held.store, [b, c], LATER)
        assert held.line() == [e, d, a, b, c]


def test_of_several_those_that_wait_are_moved_and_the_other_is_named(held: JobQueue) -> None:
    ask(held, CY)
    first, second, third = ask(held, ANN, 3)
    held.store.ask_to_stop(second)
    with acting_as(ANN), pytest.raises(RunStateError, match=f"run {second} is cancelled"):
        move(held.store, [second, third], FIRST)
    assert held.line() == [third, first]


def test_an_owner_moves_each_persons_runs_among_their_own(held: JobQueue) -> None:
    ask(held, CY)
    anns, bos = ask(held, ANN, 2), ask(held, BO, 2)
    with acting_as(Account("eve", OWNER)):
        move(held.store, [anns[1], bos[1]], FIRST)
    assert held.line() == [anns[1], bos[1], anns[0], bos[0]]


def test_another_persons_run_can_neither_be_moved_nor_cancelled(held: JobQueue) -> None:
    ask(held, CY)
    anns = ask(held, ANN, 2)
    for who in (BO, Account("ann", VIEWER)):
        with acting_as(who):
            with pytest.raises(NotAllowedError):
                move(held.store, [anns[1]], FIRST)
            with pytest.raises(NotAllowedError):
                stop(held.store, anns[1])
    (bos,) = ask(held, BO)
    with acting_as(BO), pytest.raises(NotAllowedError):
        move(held.store, [bos, anns[1]], FIRST)
    held.store.ask_to_stop(bos)
    assert held.line() == anns
    with acting_as(Account("eve", OWNER)):
        move(held.store, [anns[1]], FIRST)
        assert held.line() == anns[::-1]
        stop(held.store, anns[1])
    assert held.line() == anns[:1]


def test_what_has_begun_can_not_be_moved(held: JobQueue) -> None:
    (run,) = ask(held, ANN)
    held.store.claim(run)
    with acting_as(ANN), pytest.raises(RunStateError, match="is running and does not wait"):
        move(held.store, [run], FIRST)


# Places --------------------------------------------------------------------------------------


def took(jobs: JobQueue, run: Run, seconds: float, evaluations: int) -> None:
    """Let a run have ended after so many seconds."""
    text = f'{{"seconds": {seconds}, "gradient_evaluations": {evaluations}, "success": true}}'
    with jobs.store._database.writing() as database:
        database.execute("UPDATE runs SET state = 'done', results = ? WHERE id = ?", (text, run.id))


def test_places_and_times_are_told_from_what_runs_of_the_kind_took(held: JobQueue) -> None:
    with acting_as(ANN):
        store = held.store
        for seconds in (10.0, 20.0, 30.0):
            took(held, store.create(tiny.request(), tiny.inputs()), seconds, 50)
    anns = ask(held, ANN, 2)
    (bo,) = ask(held, BO)
    told = held.places()
    assert [(told[one].number, told[one].of) for one in (bo, anns[1])] == [(1, 2), (2, 2)]
    # A hundred steps were allowed to each; the median of them took 20 s.
    first, second = told[bo].seconds, told[anns[1]].seconds
    assert first is not None and second is not None
    assert first <= 20.0 and second - first == pytest.approx(20.0)


def test_where_nothing_is_known_no_time_is_told(held: JobQueue) -> None:
    runs = ask(held, ANN, 3)
    told = held.places()
    assert [told[one].seconds for one in runs[1:]] == [None, None]
    assert [told[one].number for one in runs[1:]] == [1, 2]
