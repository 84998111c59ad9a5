"""The store of trainings: conditional changes of state, dead processes, older records."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from asma_core.errors import StoreError
from asma_core.runs import process_locks
from asma_core.training import store as states
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import TrainingStore

PLAN = TrainingPlan("tiny-set", "made", width="tiny", steps=8, batch_size=2, image_size=32)
GONE = "vm-1-00"
FIGURES = {"test_iou": 0.87, "test_dice": None, "test_images": 2}


@pytest.fixture
def trainings(home: Path) -> TrainingStore:
    return TrainingStore(home)


def running(trainings: TrainingStore) -> str:
    training = trainings.create(PLAN)
    assert trainings.claim(training.id)
    return training.id


def held(trainings: TrainingStore, holder: str, state: str = states.QUEUED) -> str:
    """A training as another process left it."""
    training = trainings.create(PLAN)
    with trainings._database.writing() as database:
        database.execute(
            "UPDATE trainings SET owner = ?, state = ? WHERE id = ?", (holder, state, training.id)
        )
    return training.id


def at_once(call: Callable[[], Any], times: int = 4) -> list[Any]:
    """Call from several threads at the same time."""
    gate, given = threading.Barrier(times), []

    def run() -> None:
        gate.wait()
        given.append(call())

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


# States ---------------------------------------------------------------------------------------


def test_a_training_goes_from_queued_over_running_to_done(trainings: TrainingStore) -> None:
    training = trainings.create(PLAN)
    assert (training.state, training.ended, training.plan) == (states.QUEUED, False, PLAN)
    assert trainings.claim(training.id)
    assert trainings.get(training.id).state == states.RUNNING
    trainings.keep_curve(training.id, {"steps": [1]})
    trainings.end(training.id, states.DONE, network="made", figures=FIGURES)
    done = trainings.get(training.id)
    assert (done.state, done.network, done.figures) == (states.DONE, "made", FIGURES)
    assert done.curve == {"steps": [1]} and done.message == ""


def test_a_training_is_claimed_by_one(home: Path, trainings: TrainingStore) -> None:
    training = trainings.create(PLAN)
    assert sorted(at_once(lambda: TrainingStore(home).claim(training.id))) == [False] * 3 + [True]
    assert not trainings.claim("00000000")


def test_stop_ends_a_queued_training_and_asks_a_running_one(trainings: TrainingStore) -> None:
    waits, runs = trainings.create(PLAN).id, running(trainings)
    for training_id in (waits, runs):
        assert not trainings.shall_stop(training_id)
        trainings.ask_to_stop(training_id)
    assert trainings.get(waits).state == states.STOPPED and not trainings.claim(waits)
    assert trainings.get(runs).state == states.RUNNING and trainings.shall_stop(runs)


@pytest.mark.parametrize("state", [states.STOPPED, states.FAILED, states.INTERRUPTED])
def test_what_halted_is_queued_anew_by_one_and_has_forgotten_why(
    trainings: TrainingStore, state: str
) -> None:
    training_id = running(trainings)
    trainings.ask_to_stop(training_id)
    trainings.end(training_id, state, message="why")
    assert sorted(at_once(lambda: trainings.queue(training_id))) == [False] * 3 + [True]
    again = trainings.get(training_id)
    assert (again.state, again.message) == (states.QUEUED, "")
    assert not trainings.shall_stop(training_id) and trainings.claim(training_id)


def test_what_is_done_or_has_not_ended_is_not_queued_anew(trainings: TrainingStore) -> None:
    waits, runs, done = trainings.create(PLAN).id, running(trainings), running(trainings)
    trainings.end(done, states.DONE)
    assert not any(trainings.queue(one) for one in (waits, runs, done))


def test_only_a_running_training_ends_and_the_end_stays(trainings: TrainingStore) -> None:
    waits, done = trainings.create(PLAN).id, running(trainings)
    trainings.end(done, states.DONE, network="made")
    for training_id in (waits, done):
        trainings.fail(training_id, "late")
    trainings.ask_to_stop(done)
    assert trainings.get(waits).state == states.QUEUED
    assert trainings.get(done).state == states.DONE and not trainings.shall_stop(done)


def test_only_what_has_ended_is_deleted(trainings: TrainingStore) -> None:
    waits, runs, done = trainings.create(PLAN).id, running(trainings), running(trainings)
    trainings.end(done, states.DONE)
    for training_id in (waits, runs):
        with pytest.raises(StoreError, match="stop it first"):
            trainings.delete(training_id)
    trainings.delete(done)
    assert not trainings.folder(done).exists() and trainings.shall_stop(done)
    assert {one.id for one in trainings.all()} == {waits, runs}


def test_newest_come_first_and_a_damaged_plan_hides_no_other(trainings: TrainingStore) -> None:
    ids = [trainings.create(replace(PLAN, seed=seed)).id for seed in range(4)]
    (trainings.folder(ids[1]) / "plan.json").write_text("{")
    assert [one.id for one in trainings.all()] == [ids[3], ids[2], ids[0]]
    with pytest.raises(StoreError, match="not JSON"):
        trainings.get(ids[1])


def test_a_message_that_is_no_text_is_kept(trainings: TrainingStore) -> None:
    training_id = running(trainings)
    trainings.fail(training_id, "file \udcff.png")
    assert trainings.get(training_id).message == "file \\udcff.png"


# Owners ---------------------------------------------------------------------------------------


def test_the_trainings_of_a_living_process_are_left_alone(
    home: Path, trainings: TrainingStore
) -> None:
    holder, lock = process_locks._locked(home)
    waits, runs = held(trainings, holder), held(trainings, holder, states.RUNNING)
    own, own_running = trainings.create(PLAN).id, running(trainings)
    assert trainings.recover() == []
    assert [trainings.get(one).state for one in (waits, runs)] == [states.QUEUED, states.RUNNING]
    os.close(lock)
    assert trainings.recover() == [waits]
    assert [trainings.get(one).state for one in (waits, runs, own, own_running)] == [
        states.QUEUED, states.INTERRUPTED, states.QUEUED, states.RUNNING,
    ]  # fmt: skip
    assert "its process ended" in trainings.get(runs).message
    assert trainings.recover() == []


def test_each_queued_training_of_a_dead_server_is_taken_over_by_one(
    home: Path, trainings: TrainingStore
) -> None:
    left = [held(trainings, GONE) for _ in range(12)]
    taken = at_once(lambda: TrainingStore(home).recover())
    assert sorted(one for ids in taken for one in ids) == sorted(left)


def test_what_was_gone_on_with_meanwhile_is_not_settled(trainings: TrainingStore) -> None:
    training_id = held(trainings, GONE, states.RUNNING)
    settle = trainings._jobs.recover

    def late(*_: Any) -> None:
        # Another server has settled it, and somebody went on with it, before this one came to it.
        assert settle(trainings._settle) == []
        assert trainings.queue(training_id) and trainings.claim(training_id)
        trainings._settle(training_id, GONE)

    settle(late)
    assert trainings.get(training_id).state == states.RUNNING


# Records of older versions --------------------------------------------------------------------


def old(home: Path, name: str, **state: Any) -> Path:
    """A training as versions without the table left it."""
    folder = home / "trainings" / name
    folder.mkdir(parents=True)
    plan = {"created": 1700000000.5, "plan": PLAN.as_dict()}
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "checkpoint").write_bytes(b"weights")
    return folder


def test_an_old_record_keeps_all_that_it_said(home: Path) -> None:
    folder = old(home, "0123abcd", state="done", network="made", figures=FIGURES, message="so")
    (folder / "curve.json").write_text('{"steps": [1]}')
    training = TrainingStore(home).get("0123abcd")
    assert (training.state, training.network, training.message) == (states.DONE, "made", "so")
    assert (training.created, training.plan) == (1700000000.5, PLAN)
    assert (training.figures, training.curve) == (FIGURES, {"steps": [1]})


def test_an_old_curve_says_validations_for_looks(home: Path) -> None:
    curve = {"steps": [4, 8], "loss": [1.0, 0.5], "looks": [8], "iou": [0.75]}
    (old(home, "0123abcd", state="stopped") / "curve.json").write_text(json.dumps(curve))
    found = TrainingStore(home).get("0123abcd").curve
    assert found == {"steps": [4, 8], "loss": [1.0, 0.5], "validations": [8], "iou": [0.75]}


@pytest.mark.parametrize("state", states.ENDED)
def test_an_old_record_that_ended_stays_so(home: Path, state: str) -> None:
    old(home, "0123abcd", state=state)
    trainings = TrainingStore(home)
    assert trainings.recover() == [] and trainings.get("0123abcd").state == state
    assert trainings.queue("0123abcd") == (state != states.DONE)
    assert trainings.checkpoint("0123abcd").read_bytes() == b"weights"


def test_an_old_record_that_waited_for_ever_gets_its_turn(home: Path) -> None:
    old(home, "0123abcd", state="queued")
    old(home, "4567abcd", state="running", owner=GONE)
    (old(home, "89ababcd", state="queued") / "stop").write_bytes(b"")
    trainings = TrainingStore(home)
    assert trainings.recover() == ["0123abcd"]
    assert {one.id: one.state for one in trainings.all()} == {
        "0123abcd": states.QUEUED, "4567abcd": states.INTERRUPTED, "89ababcd": states.STOPPED,
    }  # fmt: skip
    assert trainings.claim("0123abcd") and not trainings.shall_stop("0123abcd")


def test_an_old_record_is_taken_in_once(home: Path) -> None:
    folder = old(home, "0123abcd", state="stopped")
    at_once(lambda: TrainingStore(home))
    trainings = TrainingStore(home)
    assert [one.id for one in trainings.all()] == ["0123abcd"]
    assert not (folder / "state.json").exists()
    # A crash between row and file leaves the file; what the row says now outranks it.
    assert trainings.queue("0123abcd")
    (folder / "state.json").write_text('{"state": "done"}')
    assert TrainingStore(home).get("0123abcd").state == states.QUEUED
    trainings.ask_to_stop("0123abcd")
    trainings.delete("0123abcd")
    assert TrainingStore(home).all() == []


def test_an_old_record_whose_process_lives_is_taken_in_when_that_has_ended(home: Path) -> None:
    trainings = TrainingStore(home)
    holder, lock = process_locks._locked(home)
    folder = old(home, "0123abcd", state="running", owner=holder)
    trainings.recover()
    assert trainings.all() == [] and (folder / "state.json").exists()
    os.close(lock)
    trainings.recover()
    assert trainings.get("0123abcd").state == states.INTERRUPTED


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"state": 3}', '{"state": "new"}', '{"state": "done", "network": 3}']
)
def test_a_damaged_old_record_is_left_as_it_is(home: Path, text: str) -> None:
    file = old(home, "0123abcd") / "state.json"
    file.write_text(text)
    old(home, "4567abcd", state="stopped")
    assert [one.id for one in TrainingStore(home).all()] == ["4567abcd"]
    assert file.read_text() == text
