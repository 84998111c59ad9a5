"""What all sessions share: whoever looks at a page sees to what dead processes left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest

from asma_core.jobs.trainings import Trainer
from asma_core.training.plan import TrainingPlan
from tests.jobs.executors import Held
from ui.common import services


@pytest.mark.parametrize("look", [services.trainer, services.warm, services.go_on])
def test_a_look_takes_over_the_trainings_of_a_dead_server(
    home: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[], object]
) -> None:
    Held.made = []
    trainer = Trainer(home, Held)
    monkeypatch.setattr(services, "_trainer", lambda _: trainer)
    monkeypatch.setattr(services, "queue", Mock())
    monkeypatch.setattr(services, "predictor", Mock())
    monkeypatch.setattr(services, "experiments", Mock())
    training = trainer.store.create(TrainingPlan("tiny-set"))
    with trainer.store._database.writing() as database:
        database.execute("UPDATE trainings SET owner = 'vm-1-00'")
    trainer._recovered_at = -1e9
    look()
    assert [executor.ids() for executor in Held.made] == [[training.id]]
