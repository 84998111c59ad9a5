"""From a store to a worker process: each queued job is seen through, whatever breaks.

It serves runs, trainings and universal changes alike.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any, Final, Protocol

from asma_core.jobs.local import is_ending
from asma_core.jobs.worker_process import MakeExecutor, WorkerProcess

RECOVER_EVERY: Final = 5.0
# A job that breaks the worker before it is claimed must not break workers for ever.
MOST_BREAKS: Final = 3

_LOG: Final = logging.getLogger(__name__)


class JobStore(Protocol):
    """What a dispatcher asks of a store.

    Attributes:
        home: The data folder.
    """

    home: Path

    def recover(self) -> list[str]:
        """Settle what ran in a dead process; return the queued jobs that were taken over."""
        ...

    def is_queued(self, job_id: str, /) -> bool:
        """Tell whether there is such a job and it waits for its turn."""
        ...

    def claim(self, job_id: str, /) -> bool:
        """Take a queued job for this process; False when it is not queued any more."""
        ...

    def fail(self, job_id: str, message: str, /) -> None:
        """Say that a running job failed, and why."""
        ...


class Dispatcher:
    """Has the queued jobs of a store carried out, one after the other."""

    def __init__(
        self,
        jobs: JobStore,
        run_jobs: Callable[..., object],
        make_executor: MakeExecutor,
    ) -> None:
        """Start; jobs that a dead process left behind are settled or taken over.

        Args:
            jobs: The store.
            run_jobs: Claims jobs and carries them out; called in the worker with the data folder
                and the jobs' ids, of which there are several only where several were sent at once.
            make_executor: See `WorkerProcess`.
        """
        self._jobs = jobs
        self._run_jobs = run_jobs
        self._worker = WorkerProcess(jobs.home, make_executor)
        self._lock = threading.RLock()
        # The jobs that must be seen through here, the oldest first, with who has each now.
        self._pending: dict[str, Executor | None] = {}
        self._breaks: dict[str, int] = {}
        self._recovered_at = -RECOVER_EVERY
        self.recover()

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
            self._worker.warm()

    def close(self) -> None:
        """End the worker; what still runs becomes interrupted at the next start."""
        with self._lock:
            self._pending.clear()
            self._worker.close()

    def _recover(self) -> None:
        """Settle and take over; send what is queued here and in nobody's hands."""
        adopted = self._jobs.recover()
        with self._lock:
            lost = [job_id for job_id, holder in self._pending.items() if holder is None]
        for job_id in lost + adopted:
            self._send(job_id)

    def _send(self, *job_ids: str) -> None:
        """Hand jobs in by one call, but for those that are handed in already."""
        with self._lock:
            sent = [job_id for job_id in job_ids if self._pending.get(job_id) is None]
            if not sent:
                return
            self._pending |= dict.fromkeys(sent)
            future = self._worker.submit(self._run_jobs, str(self._jobs.home), *sent)
            executor = self._worker.executor
            self._pending |= dict.fromkeys(sent, executor)
        # What is called here may hold the executor's own lock, so it must not wait for ours.
        future.add_done_callback(lambda done: self._all_ended(sent, executor, done))

    def _all_ended(
        self, job_ids: Sequence[str], executor: Executor | None, future: Future[Any]
    ) -> None:
        error = None if future.cancelled() else future.exception()
        if isinstance(error, BrokenExecutor):
            _apart(self._after_break, executor)
            return
        if error is not None:
            named = " ".join(job_ids)
            _LOG.error("job %s ended with an error of the workbench itself", named, exc_info=error)
        for job_id in job_ids:
            self._ended(job_id, future)

    def _ended(self, job_id: str, future: Future[Any]) -> None:
        self._pending.pop(job_id, None)
        if future.cancelled() or not self._jobs.is_queued(job_id):
            self._breaks.pop(job_id, None)
        else:
            # Somebody queued it anew before it was over here, or it failed before it began.
            self._pending.setdefault(job_id, None)
            _apart(self._blame, job_id)

    def _after_break(self, executor: Executor) -> None:
        """After a crash of the worker: settle the job that it had, send the others again."""
        with self._lock:
            lost = [job_id for job_id, holder in self._pending.items() if holder is executor]
            self._worker.forget(executor)
            self._pending |= dict.fromkeys(lost)
        if not lost:
            return
        # Only when the process is gone for good does the store see that nobody holds its job.
        executor.shutdown()
        adopted = self._jobs.recover()
        waiting = [job_id for job_id in lost if self._is_waiting(job_id)]
        if waiting[:1] == lost[:1]:
            self._blame(waiting.pop(0))
        for job_id in waiting + adopted:
            self._send(job_id)

    def _is_waiting(self, job_id: str) -> bool:
        queued = self._jobs.is_queued(job_id)
        if not queued:
            self._pending.pop(job_id, None)
        return queued

    def _blame(self, job_id: str) -> None:
        """Send a job again that broke the worker before it began, but not for ever."""
        self._breaks[job_id] = self._breaks.get(job_id, 0) + 1
        if self._breaks[job_id] < MOST_BREAKS:
            self._send(job_id)
        elif self._jobs.claim(job_id):
            self._pending.pop(job_id, None)
            self._jobs.fail(job_id, "the worker process can't be started; see the server's log")


def _apart(call: Callable[[Any], None], argument: Any) -> None:
    """Call from a thread of its own, unless this process is ending."""
    if not is_ending():
        threading.Thread(target=call, args=(argument,), daemon=True).start()
