"""Experiments through the queue: a thread each, which keeps the worker busy and no more.

Only a run of an experiment more than there are workers, or a batch for each, are queued or running
at a time, so that a single attack that its author asks for meanwhile comes next and not after a
hundred others.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import BrokenExecutor
from typing import Final

from asma_core.accounts.current import acting_as, on_behalf_of
from asma_core.accounts.rights import check_changing, may_change
from asma_core.errors import AsmaError
from asma_core.experiments.missing_cells import Batch, run_missing_cells
from asma_core.experiments.store import Experiment, ExperimentStore
from asma_core.jobs.local import is_ending
from asma_core.jobs.queue import JobQueue

# Runs that may be queued or running at once for one worker; a batch of more must be alone.
AHEAD: Final = 2
LOOK_EVERY: Final = 0.2


class _StoppedError(Exception):
    """Somebody asked the experiment to stop, or this process is ending."""


class ExperimentRunner:
    """Carries out experiments of a queue's store.

    Attributes:
        store: The experiments.
    """

    def __init__(self, queue: JobQueue) -> None:
        """Prepare to carry out experiments; none starts yet."""
        self.store = ExperimentStore(queue.store)
        self._queue = queue

    def start(self, experiment_id: str) -> bool:
        """Carry an experiment out, or go on with it; False when a living process does so already.

        Raises:
            UnknownExperimentError: There is none of that id.
            NotAllowedError: It is somebody else's.
            StoreError: The store can't be written.
        """
        experiment = self.store.get(experiment_id)
        # Who asks for the same as somebody else sees theirs.
        done = experiment.active or self._is_complete(experiment)
        if done and not may_change(experiment.author):
            return False
        check_changing(experiment.author, f"experiment {experiment_id}")
        if not self.store.claim(experiment_id):
            return False
        threading.Thread(target=self._run_as_its_author, args=(experiment,), daemon=True).start()
        return True

    def _is_complete(self, experiment: Experiment) -> bool:
        return self.store.count_ended(experiment.id) == len(experiment.plan.cells())

    def recover(self) -> None:
        """Go on with the experiments that a dead process had under way.

        Raises:
            StoreError: The store can't be read or written.
        """
        for experiment_id in self.store.left_behind():
            self.start(experiment_id)

    def _run_as_its_author(self, experiment: Experiment) -> None:
        with acting_as(on_behalf_of(experiment.author)):
            self._run_experiment(experiment)

    def _run_experiment(self, experiment: Experiment) -> None:
        under_way = _UnderWay(self._queue, self.store, experiment.id)
        # What no `except` below names is a bug, and goes on to the log.
        message = "an error of the workbench itself; the server's log has it"
        try:
            most = under_way.usual_batch(experiment.plan.execution.device)
            run_missing_cells(
                self.store, experiment, most, under_way.make, lambda _: under_way.check()
            )
            under_way.wait_for(0)
            message = ""
        except _StoppedError:
            under_way.stop()
            message = ""
        except AsmaError as error:
            message = str(error)
        finally:
            self.store.release(experiment.id, message)


class _UnderWay:
    """The runs of an experiment that have been queued and have not ended."""

    def __init__(self, queue: JobQueue, store: ExperimentStore, experiment_id: str) -> None:
        self._queue, self._store, self._id = queue, store, experiment_id
        self._runs: list[str] = []

    def usual_batch(self, device: str) -> int:
        """Wait until the worker says how many runs it attacks at once."""
        asked = self._queue.usual_batch(device)
        while not asked.done():
            self.check()
            time.sleep(LOOK_EVERY)
        # A worker that broke meanwhile has nothing to say, and the next one gets single runs.
        broke = asked.cancelled() or isinstance(asked.exception(), BrokenExecutor)
        return 1 if broke else asked.result()

    def make(self, batch: Batch) -> None:
        """Queue a batch as soon as it is its turn."""
        busy_beside = max(self._queue.workers() - 1, 0) * len(batch.asked)
        self.wait_for(busy_beside + max(AHEAD - len(batch.asked), 0))
        run_ids = batch.queue()
        self._runs += run_ids
        self._queue.carry_out(run_ids)

    def wait_for(self, most: int) -> None:
        """Wait until at most so many have not ended."""
        while True:
            self.check()
            self._runs = [run_id for run_id in self._runs if not self._has_ended(run_id)]
            if len(self._runs) <= most:
                return
            time.sleep(LOOK_EVERY)
            self._queue.recover()

    def check(self) -> None:
        """Raise when the experiment shall stop."""
        if is_ending() or self._store.get(self._id).stop:
            raise _StoppedError

    def stop(self) -> None:
        """Stop what is under way: half an attack is no cell."""
        for run_id in self._runs:
            if not self._has_ended(run_id):
                self._queue.store.ask_to_stop(run_id)
        while not is_ending() and not all(map(self._has_ended, self._runs)):
            time.sleep(LOOK_EVERY)

    def _has_ended(self, run_id: str) -> bool:
        try:
            return self._queue.store.get(run_id).ended
        except AsmaError:
            # Deleted meanwhile: its cell is open again.
            return True
