"""SIGKILL at any point of a training, a full disk at its end: it is settled and can be gone on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asma_core.errors import StoreError
from asma_core.jobs import tasks, worker
from asma_core.models.sources.cards import find_card
from asma_core.training import store as states
from asma_core.training.execute import execute
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import TrainingStore
from tests import tiny

PROJECT = Path(__file__).resolve().parents[2]
POINTS = {
    "claimed": states.INTERRUPTED,
    "checkpoint": states.INTERRUPTED,
    "step": states.INTERRUPTED,
    "weights": states.INTERRUPTED,
    "network": states.INTERRUPTED,
    "row": states.DONE,
}


def plan(name: str) -> TrainingPlan:
    return TrainingPlan(
        tiny.DATASET, name, width="tiny", steps=8, batch_size=2, image_size=32, device="cpu"
    )


def execute_and_die(ids: dict[str, str]) -> list[str]:
    """Let each training be killed at its point; return how each ended."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.victims", *(f"{p}={i}" for p, i in ids.items())],
        cwd=PROJECT, capture_output=True, text=True, timeout=200, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A data folder in which one training each was killed at each point, and them by point."""
    home = tiny.furnish(tmp_path_factory.mktemp("killed") / "home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ASMA_HOME", str(home))
        trainings = TrainingStore()
        ids = {point: trainings.create(plan(point)).id for point in POINTS}
        said = execute_and_die(ids)
        assert said == [f"{point} {signal.SIGKILL:d}" for point in POINTS]
        before = {one.id: one.state for one in trainings.all()}
        assert before.pop(ids["row"]) == states.DONE
        assert set(before.values()) == {states.RUNNING}
        assert trainings.recover() == []
    return home, ids


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_training_is_interrupted_or_done_and_can_be_gone_on_with(
    killed: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    home, ids = killed
    monkeypatch.setenv("ASMA_HOME", str(home))
    trainings = TrainingStore()
    training = trainings.get(ids[point])
    assert training.state == POINTS[point]
    if training.state == states.INTERRUPTED:
        assert training.message == "its process ended before the training did; go on with it"
        assert trainings.queue(training.id)
        execute(TrainingStore(home), training.id)
    done = trainings.get(training.id)
    assert (done.state, done.network, done.message) == (states.DONE, point, "")
    assert done.figures["steps"] == 8 and find_card(point).dataset == tiny.DATASET
    assert not trainings.checkpoint(done.id).exists()


def test_a_killed_training_goes_on_from_its_checkpoint(
    killed: tuple[Path, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = killed
    monkeypatch.setenv("ASMA_HOME", str(home))
    trainings = TrainingStore()
    one = trainings.create(plan("again"))
    execute_and_die({"step": one.id})
    trainings.recover()
    assert trainings.queue(one.id)
    seen: list[int] = []

    class Watching(TrainingStore):
        def keep_curve(self, training_id: str, curve: Any) -> None:
            seen.append(curve["step"])
            super().keep_curve(training_id, curve)

    execute(Watching(home), one.id)
    assert (seen[0], seen[-1]) == (5, 8)


def test_a_worker_that_cannot_write_the_end_ends_itself_so_that_it_is_settled(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trainings = TrainingStore(tiny.furnish(home))
    training = trainings.create(plan("made"))

    def full(*_: Any, **__: Any) -> None:
        raise StoreError("the disk is full; free some space")

    def gone(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(TrainingStore, "end", full)
    monkeypatch.setattr(worker.os, "_exit", gone)
    with pytest.raises(SystemExit):
        tasks.run_training(str(home), training.id)
    assert "the disk is full" in capsys.readouterr().err


def test_a_training_with_a_damaged_plan_fails_and_does_not_wait(home: Path) -> None:
    trainings = TrainingStore(home)
    training = trainings.create(plan("made"))
    file = trainings.folder(training.id) / "plan.json"
    whole = file.read_bytes()
    file.write_bytes(whole[:20])
    execute(TrainingStore(home), training.id)
    file.write_bytes(whole)
    failed = trainings.get(training.id)
    assert failed.state == states.FAILED and "not JSON" in failed.message
