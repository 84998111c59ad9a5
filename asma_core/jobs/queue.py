"""The queue: runs go in, worker processes carry them out, crashes are settled.

The seam is `concurrent.futures.Executor`: a spawned process of our own by default; any executor
whose workers see the same data folder serves as well, such as that of a Dask cluster
(`distributed.Client.get_executor()`).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from asma_core.accounts import audit
from asma_core.accounts.rights import check_changing
from asma_core.jobs import tasks
from asma_core.jobs.dispatcher import Dispatcher
from asma_core.jobs.local import local_executor
from asma_core.jobs.worker_process import MakeExecutor
from asma_core.runs.run import Run
from asma_core.runs.spec import RunInputs, RunRequest
from asma_core.runs.store import RunStore


class JobQueue(Dispatcher):
    """Carries out the runs of a store, one after the other.

    Attributes:
        store: The store.
    """

    def __init__(self, store: RunStore, make_executor: MakeExecutor = local_executor) -> None:
        """Start a queue; runs that a dead process left behind are settled or taken over.

        Args:
            store: The store.
            make_executor: Called with the data folder, again after the executor broke.
        """
        self.store = store
        store.tidy()
        super().__init__(store, tasks.run_attacks, make_executor)

    def submit(self, request: RunRequest, inputs: RunInputs) -> Run:
        """Queue a run.

        Raises:
            InputError: The request or its inputs do not fit.
            StoreError: The disk is full or can't be written.
        """
        run = self.store.create(request, inputs)
        self._send(run.id)
        return run

    def carry_out(self, run_ids: Sequence[str]) -> None:
        """Have queued runs carried out by one call; see `runs.execute.execute_together`."""
        self._send(*run_ids)

    def usual_batch(self, device: str) -> Future[int]:
        """Ask the worker how many runs it attacks at once; only there the devices are known.

        Args:
            device: As `Execution` names it.
        """
        return self._worker.submit(tasks.usual_batch, device)

    def repeat(self, run_id: str) -> Run:
        """Queue the same attack on the same image towards the same target once more.

        Raises:
            UnknownRunError: No such run.
            InputError: Its network or attack is not there any more.
        """
        run = self.store.get(run_id)
        return self.submit(run.spec.request(), self.store.inputs(run))

    def try_instead(self, run_id: str, attack: str) -> Run:
        """Queue another attack, with its own defaults, on the same image at the same goal.

        Raises:
            UnknownRunError: No such run.
            InputError: Its network is not there any more, or no attack has that name.
        """
        run = self.store.get(run_id)
        request = replace(run.spec.request(), attack=attack, config={"target_iou": run.wanted})
        return self.submit(request, self.store.inputs(run))


def stop(store: RunStore, run_id: str) -> None:
    """Ask a run to stop; what it has found so far is kept.

    Raises:
        UnknownRunError: No such run.
        NotAllowedError: It is somebody else's.
        StoreError: The store can't be written.
    """
    check_changing(store.get(run_id).author, f"run {run_id}")
    audit.record("stop", f"run {run_id}", store.home)
    store.ask_to_stop(run_id)
