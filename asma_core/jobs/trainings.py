"""Trainings outside the server's process, one at a time, beside the worker that attacks."""

from __future__ import annotations

from pathlib import Path

from asma_core.jobs import tasks
from asma_core.jobs.carrier import OnThisMachine
from asma_core.jobs.dispatcher import Dispatcher
from asma_core.jobs.local import local_executor
from asma_core.jobs.worker_process import MakeExecutor, WorkerProcess
from asma_core.training.plan import TrainingPlan
from asma_core.training.store import Training, TrainingStore


class Trainer(Dispatcher):
    """Hands trainings to a process of their own.

    Attributes:
        store: Their records.
    """

    def __init__(self, home: Path, make_executor: MakeExecutor = local_executor) -> None:
        """Start; trainings that a dead process left behind are settled or taken over.

        Args:
            home: The data folder.
            make_executor: Called with the data folder, again after the executor broke.
        """
        self.store = TrainingStore(home)
        carrier = OnThisMachine(home, tasks.run_training)
        super().__init__(self.store, carrier, [WorkerProcess(home, make_executor)])

    def start(self, plan: TrainingPlan) -> Training:
        """Queue a training.

        Raises:
            StoreError: The data folder can't be written.
        """
        training = self.store.create(plan)
        self._send(training.id)
        return training

    def go_on(self, training_id: str) -> None:
        """Queue a training that was stopped, interrupted or failed; it goes on where it was.

        Raises:
            StoreError: There is none of that id.
        """
        self.store.get(training_id)
        if self.store.queue(training_id):
            self._send(training_id)
