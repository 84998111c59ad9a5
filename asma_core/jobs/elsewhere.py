"""Runs on workers of other machines: claimed here, carried out there, written down here.

Only the server's process opens the database; see `asma_core.runs.by_files`.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

from asma_core.errors import AsmaError, StoreError
from asma_core.files import as_store_error
from asma_core.jobs import tasks
from asma_core.jobs.carrier import Asked
from asma_core.jobs.overdue import Overdue
from asma_core.runs.by_files import Outcome
from asma_core.runs.store import RunStore
from asma_core.server_config import settings

_LOG: Final = logging.getLogger(__name__)


class RunsElsewhere:
    """The way of runs to workers that see the data folder, but not the database."""

    # That a worker was lost is not a run's fault; the scheduler counts how many it has cost.
    blames = False

    def __init__(self, store: RunStore, overdue: Overdue) -> None:
        """Prepare a way for the runs of a store.

        Args:
            store: The store.
            overdue: Knows which of them are made again up to a step.
        """
        self._store = store
        self._overdue = overdue

    def hand_over(self, job_ids: Sequence[str]) -> Asked:
        """Claim runs, and return the call and its arguments.

        Raises:
            StoreError: The store can't be written.
        """
        known = [self._store.get(run_id) for run_id in job_ids]
        inputs = {run.spec.inputs_hash for run in known}
        others = [other for one in inputs for other in self._store.finished_with(one)]
        try:
            runs = [run for run in known if self._claimed(run.id)]
        except StoreError:
            self.take_back(job_ids, None)
            raise
        minutes, step = settings().max_run_minutes, self._overdue.up_to(job_ids)
        return tasks.run_elsewhere, (str(self._store.home), runs, others, minutes, step)

    def _claimed(self, run_id: str) -> bool:
        folder = self._store.work_folder(run_id)
        with as_store_error(folder):
            # What an attempt of before has left, a wish to stop it among it.
            shutil.rmtree(folder, ignore_errors=True)
            # First, so that a wish to stop can be put there as soon as it runs.
            folder.mkdir(parents=True, exist_ok=True)
        return self._store.claim(run_id)

    def take_back(self, job_ids: Sequence[str], future: Future[Any] | None) -> None:
        """Write down how runs ended; those of which nothing is known wait again.

        Raises:
            StoreError: The store can't be written.
        """
        error = None if future is None else future.exception()
        if future is None:
            for run_id in job_ids:
                self._store.give_back(run_id)
        elif error is not None:
            for run_id in job_ids:
                self._store.fail(run_id, _reason(error))
        else:
            self._write_down(job_ids, future.result())

    def _write_down(self, job_ids: Sequence[str], reported: tasks.Reported) -> None:
        if reported.bug:
            _LOG.error("an error of the workbench itself, in a worker:\n%s", reported.bug)
        for outcome in reported.outcomes:
            self._end(outcome)
        ended = {outcome.run_id for outcome in reported.outcomes}
        for run_id in job_ids:
            if run_id not in ended:
                self._store.give_back(run_id)

    def _end(self, outcome: Outcome) -> None:
        if not outcome.results:
            self._store.fail(outcome.run_id, outcome.message, outcome.state)
            return
        staged = outcome.staged(self._store.work_folder(outcome.run_id))
        try:
            self._store.finish(
                outcome.run_id, outcome.state, staged, outcome.results, outcome.message
            )
        except StoreError as error:
            # Where the files are in place all the same, they are found there.
            self._store.fail(outcome.run_id, str(error))


def _reason(error: BaseException) -> str:
    """Say in a sentence why a call to a worker came to nothing."""
    if isinstance(error, AsmaError):
        return str(error)
    if type(error).__name__ == "KilledWorker":
        return (
            "each worker that had it was lost, several in a row; see the workers' logs (memory is "
            "the usual reason) and repeat it"
        )
    return f"the worker could not carry it out ({type(error).__name__}: {error}); see its log"
