"""A queued training is carried out, stopped, or fails with a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from asma_core.errors import StoreError
from asma_core.models.sources.cards import find_card
from asma_core.training import store as states
from asma_core.training.execute import execute
from asma_core.training.store import TrainingStore
from tests import tiny
from tests.training.plans import PLAN


def test_a_job_makes_a_network_with_a_card_and_a_curve(home: Path) -> None:
    tiny.furnish(home)
    trainings = TrainingStore(home)
    training = trainings.create(PLAN)
    execute(TrainingStore(home), training.id)
    done = trainings.get(training.id)
    assert (done.state, done.network) == (states.DONE, "made")
    assert done.curve is not None and done.curve["step"] == 8
    assert done.figures is not None and done.figures["test_images"] == 2
    card = find_card("made")
    assert card.dataset == tiny.DATASET and card.figures["test_images"] == 2
    # Once done it is not carried out again.
    execute(TrainingStore(home), training.id)
    assert trainings.get(training.id) == done


def test_a_job_that_is_asked_to_stop_goes_on_later(home: Path) -> None:
    tiny.furnish(home)
    trainings = TrainingStore(home)
    training = trainings.create(replace(PLAN, steps=3000))
    stopped = []

    class Stopping(TrainingStore):
        def keep_curve(self, training_id: str, curve: object) -> None:
            super().keep_curve(training_id, curve)  # type: ignore[arg-type]
            if not stopped:
                stopped.append(training_id)
                self.ask_to_stop(training_id)

    execute(Stopping(home), training.id)
    assert trainings.get(training.id).state == states.STOPPED
    assert trainings.checkpoint(training.id).exists()


def test_a_fault_is_told(home: Path) -> None:
    trainings = TrainingStore(home)
    training = trainings.create(replace(PLAN, dataset="nothing"))
    execute(TrainingStore(home), training.id)
    failed = trainings.get(training.id)
    assert failed.state == states.FAILED and "nothing" in failed.message


@pytest.mark.parametrize("name", ["", "../x", "nothing", "a/b"])
def test_an_unknown_training_is_told(home: Path, name: str) -> None:
    with pytest.raises(StoreError, match="no training has the id"):
        TrainingStore(home).get(name)
