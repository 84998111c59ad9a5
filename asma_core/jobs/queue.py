"""The queue: runs go in, worker processes carry them out, crashes are settled.

The seam is `concurrent.futures.Executor`: spawned processes of our own by default, one for each
GPU; or the workers of a Dask cluster, which see the same data folder (`cluster`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from typing import Final

from asma_core.accounts.account import SERVER
from asma_core.accounts.current import account, acting_as
from asma_core.jobs import tasks
from asma_core.jobs.call import Call
from asma_core.jobs.carrier import Carrier
from asma_core.jobs.cluster import RUN, WorkersFor, cluster_at
from asma_core.jobs.dispatcher import Dispatcher
from asma_core.jobs.elsewhere import RunsElsewhere
from asma_core.jobs.here import RunsHere
from asma_core.jobs.local import local_executors
from asma_core.jobs.overdue import Overdue
from asma_core.jobs.own_runs import check_room, stop
from asma_core.jobs.places import Place, places
from asma_core.jobs.worker_process import MakeExecutor, WorkerProcess
from asma_core.runs.paces import Paces
from asma_core.runs.run import Run
from asma_core.runs.spec import RunInputs, RunRequest
from asma_core.runs.store import RunStore
from asma_core.server_config import DASK, settings

__all__ = ["JobQueue", "stop"]

# Seconds for which what was found of the line, and of how long runs take, is told again.
LOOK_EVERY: Final = 1.0
PACE_EVERY: Final = 10.0
# Of the newest runs with a result, how many are looked at for that.
PACED: Final = 200


class JobQueue(Dispatcher):
    """Carries out the runs of a store, as many at once as there are workers.

    Attributes:
        store: The store.
    """

    def __init__(self, store: RunStore, make_executor: MakeExecutor | None = None) -> None:
        """Start a queue; runs that a dead process left behind are settled or taken over.

        Args:
            store: The store.
            make_executor: Called with the data folder, again after the executor broke; None for
                what config.toml says.

        Raises:
            InputError: config.toml names a cluster, and `distributed` is not installed.
        """
        self.store = store
        executor = settings().executor
        overdue = Overdue(store)
        carrier: Carrier = RunsHere(store, overdue)
        makers: list[MakeExecutor] = [make_executor] if make_executor else local_executors()
        if make_executor is None and executor.startswith(DASK):
            carrier, makers = RunsElsewhere(store, overdue), [WorkersFor(cluster_at(executor), RUN)]
        self._places: dict[str, Place] = {}
        self._paces = Paces([])
        self._looked_at = self._paced_at = -math.inf
        store.tidy()
        workers = [WorkerProcess(store.home, one) for one in makers]
        super().__init__(store, carrier, workers, overdue)

    def submit(self, request: RunRequest, inputs: RunInputs) -> Run:
        """Queue a run.

        Raises:
            InputError: The request or its inputs do not fit, or too many runs of who asks wait.
            StoreError: The disk is full or can't be written.
        """
        with self._lock:
            # Counted and queued in one go, so that many clicks at once do not pass.
            if settings().max_queued_per_person:
                check_room(self.waiting_of(account().name))
            run = self.store.create(request, inputs)
        self._send(run.id)
        return run

    def carry_out(self, run_ids: Sequence[str]) -> None:
        """Have queued runs carried out by one call; see `runs.execute.execute_together`."""
        self._send(*run_ids)

    def places(self) -> dict[str, Place]:
        """Return where each run that waits here stands; as it was a moment ago."""
        with self._lock:
            if time.monotonic() - self._looked_at > LOOK_EVERY:
                self._looked_at = time.monotonic()
                self._places = self._now()
            return self._places

    def look_again(self) -> None:
        """Tell the places anew when somebody asks: the order was changed."""
        self._looked_at = -math.inf

    @acting_as(SERVER)
    def _now(self) -> dict[str, Place]:
        line = self.line()
        if not line:
            return {}
        if time.monotonic() - self._paced_at > PACE_EVERY:
            self._paced_at = time.monotonic()
            self._paces = Paces(self.store.search.with_result(PACED))
        waiting = {run.id: run for run in self.store.queued()}
        lasting = {
            run_id: self._paces.seconds(waiting[run_id]) for run_id in line if run_id in waiting
        }
        return places(line, lasting, [self._left(call) for call in self._calls], self.workers())

    def _left(self, call: Call) -> float | None:
        """Return about how many seconds a call still takes."""
        told = [self._paces.seconds(self.store.get(run_id)) for run_id in call.job_ids]
        known = [seconds for seconds in told if seconds is not None]
        if len(known) < len(told):
            return None
        return max(sum(known) - (time.monotonic() - call.began), 0.0)

    def usual_batch(self, device: str) -> Future[int]:
        """Ask the worker how many runs it attacks at once; only there the devices are known.

        Args:
            device: As `Execution` names it.
        """
        try:
            return self._workers[0].submit(tasks.usual_batch, device)
        except BrokenExecutor as error:
            unknown: Future[int] = Future()
            unknown.set_exception(error)
            return unknown

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
