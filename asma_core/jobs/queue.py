"""The queue: runs go in, worker processes carry them out, crashes are settled.

The seam is `concurrent.futures.Executor`: a spawned process of our own by default; any executor
whose workers see the same data folder serves as well, such as that of a Dask cluster
(`distributed.Client.get_executor()`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Final

from asma_core.errors import UnknownRunError
from asma_core.jobs import worker
from asma_core.jobs.local import is_ending, local_executor
from asma_core.runs.run import QUEUED, Run
from asma_core.runs.spec import RunInputs, RunRequest
from asma_core.runs.store import RunStore

RECOVER_EVERY: Final = 5.0
# A run that breaks the worker before it is claimed must not break workers for ever.
MOST_BREAKS: Final = 3

_LOG: Final = logging.getLogger(__name__)


class JobQueue:
    """Carries out the runs of a store, one after the other.

    Attributes:
        store: The store.
    """

    def __init__(
        self, store: RunStore, make_executor: Callable[[str], Executor] = local_executor
    ) -> None:
        """Start a queue; runs that a dead process left behind are settled or taken over.

        Args:
            store: The store.
            make_executor: Called with the data folder, again after the executor broke.
        """
        self.store = store
        self._make_executor = make_executor
        self._executor: Executor | None = None
        self._lock = threading.RLock()
        # The runs that this queue must see through, the oldest first, with who has each now.
        self._pending: dict[str, Executor | None] = {}
        self._breaks: dict[str, int] = {}
        self._recovered_at = -RECOVER_EVERY
        store.tidy()
        self.recover()

    def submit(self, request: RunRequest, inputs: RunInputs) -> Run:
        """Queue a run.

        Raises:
            InputError: The request or its inputs do not fit.
            StoreError: The disk is full or can't be written.
        """
        run = self.store.create(request, inputs)
        self._send(run.id)
        return run

    def repeat(self, run_id: str) -> Run:
        """Queue the same attack on the same image towards the same target once more.

        Raises:
            UnknownRunError: No such run.
            InputError: Its network or attack is not there any more.
        """
        run = self.store.get(run_id)
        return self.submit(run.spec.request(), self.store.inputs(run))

    def recover(self) -> None:
        """Settle what dead processes left behind; at most every few seconds."""
        with self._lock:
            if time.monotonic() - self._recovered_at < RECOVER_EVERY:
                return
            self._recovered_at = time.monotonic()
        self._recover()

    def warm(self) -> None:
        """Start the worker process, without waiting for it."""
        with self._lock:
            if self._executor is None:
                self._submit(worker.ready)

    def close(self) -> None:
        """End the worker; what still runs becomes interrupted at the next start."""
        with self._lock:
            executor, self._executor = self._executor, None
            self._pending.clear()
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)

    def _recover(self) -> None:
        """Settle and take over; send what is queued here and in nobody's hands."""
        adopted = self.store.recover()
        with self._lock:
            lost = [run_id for run_id, holder in self._pending.items() if holder is None]
        for run_id in lost + adopted:
            self._send(run_id)

    def _send(self, run_id: str) -> None:
        with self._lock:
            if self._pending.get(run_id) is not None:
                return
            self._pending[run_id] = None
            future = self._submit(worker.carry_out, str(self.store.home), run_id)
            executor = self._pending[run_id] = self._executor
        # What is called here may hold the executor's own lock, so it must not wait for ours.
        future.add_done_callback(lambda done: self._ended(run_id, executor, done))

    def _submit(self, call: Callable[..., object], *arguments: str) -> Future[object]:
        if self._executor is None:
            self._executor = self._make_executor(str(self.store.home))
        try:
            return self._executor.submit(call, *arguments)
        except BrokenExecutor:
            self._executor = self._make_executor(str(self.store.home))
            return self._executor.submit(call, *arguments)

    def _ended(self, run_id: str, executor: Executor | None, future: Future[object]) -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, BrokenExecutor):
            if not is_ending():
                threading.Thread(target=self._after_break, args=(executor,), daemon=True).start()
            return
        self._pending.pop(run_id, None)
        self._breaks.pop(run_id, None)
        if error is not None:
            _LOG.error("run %s ended with an error of the workbench itself", run_id, exc_info=error)

    def _after_break(self, executor: Executor) -> None:
        """After a crash of the worker: settle the run that it had, send the others again."""
        with self._lock:
            lost = [run_id for run_id, holder in self._pending.items() if holder is executor]
            if self._executor is executor:
                self._executor = None
            self._pending |= dict.fromkeys(lost)
        if not lost:
            return
        # Only when the process is gone for good does the store see that its run has no owner.
        executor.shutdown()
        adopted = self.store.recover()
        waiting = [run_id for run_id in lost if self._is_waiting(run_id)]
        if waiting[:1] == lost[:1]:
            self._blame(waiting.pop(0))
        for run_id in waiting + adopted:
            self._send(run_id)

    def _is_waiting(self, run_id: str) -> bool:
        try:
            queued = self.store.get(run_id).state == QUEUED
        except UnknownRunError:
            queued = False
        if not queued:
            self._pending.pop(run_id, None)
        return queued

    def _blame(self, run_id: str) -> None:
        """Send a run again that broke the worker before it began, but not for ever."""
        self._breaks[run_id] = self._breaks.get(run_id, 0) + 1
        if self._breaks[run_id] < MOST_BREAKS:
            self._send(run_id)
        elif self.store.claim(run_id):
            self._pending.pop(run_id, None)
            self.store.fail(run_id, "the worker process can't be started; see the server's log")


def stop(store: RunStore, run_id: str) -> None:
    """Ask a run to stop; what it has found so far is kept.

    Raises:
        UnknownRunError: No such run.
        StoreError: The store can't be written.
    """
    store.get(run_id)
    store.ask_to_stop(run_id)
