"""From a store to worker processes: each queued job is seen through, whatever breaks.

The queue stands in the store; a job is handed to a worker when the worker is free, and the next one
is chosen by whose turn it is (`fairness`). It serves runs, trainings and universal changes alike.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from typing import Any, Final
from weakref import WeakSet

from asma_core.accounts.account import SERVER
from asma_core.accounts.current import acting_as
from asma_core.errors import StoreError
from asma_core.jobs.apart import apart, look_after
from asma_core.jobs.call import Call
from asma_core.jobs.carrier import Carrier
from asma_core.jobs.fairness import Turns
from asma_core.jobs.hanging import Hanging
from asma_core.jobs.job_store import JobStore
from asma_core.jobs.overdue import Overdue
from asma_core.jobs.worker_process import WorkerProcess
from asma_core.runs.job_table import Waiting
from asma_core.server_config import settings

RECOVER_EVERY: Final = 5.0
# A job that breaks the worker before it is claimed must not break workers for ever.
MOST_BREAKS: Final = 3
# Jobs that go together while somebody else waits: the others of their batch come a turn later.
MOST_BESIDE_OTHERS: Final = 8

_LOG: Final = logging.getLogger(__name__)


class Dispatcher:
    """Has the queued jobs of a store carried out, as many at a time as there are workers."""

    def __init__(
        self,
        jobs: JobStore,
        carrier: Carrier,
        workers: Sequence[WorkerProcess],
        overdue: Overdue | None = None,
    ) -> None:
        """Start; jobs that a dead process left behind are settled or taken over.

        Args:
            jobs: The store.
            carrier: The way to the workers.
            workers: Each has a call at a time, or as many as it says.
            overdue: Tells which calls hang; None where each may take as long as it will.
        """
        self._jobs = jobs
        self._carrier = carrier
        self._workers = tuple(workers)
        self._hanging = Hanging(overdue)
        self._turns = Turns()
        self._lock = threading.RLock()
        # The jobs that must be seen through here and that nobody has, with those sent with each.
        self._line: dict[str, tuple[str, ...]] = {}
        self._calls: list[Call] = []
        # Calls whose end somebody sees to.
        self._taken: WeakSet[Call] = WeakSet()
        # Calls that are over, but whose end could not be written yet.
        self._unsettled: list[Call] = []
        self._breaks: dict[str, int] = {}
        self._recovered_at = -RECOVER_EVERY
        self._closed = threading.Event()
        self.recover()

    @acting_as(SERVER)
    def recover(self) -> None:
        """Settle what dead processes left behind; at most every few seconds."""
        with self._lock:
            if time.monotonic() - self._recovered_at < RECOVER_EVERY:
                return
            self._recovered_at = time.monotonic()
            unsettled, self._unsettled = self._unsettled, []
        for call in unsettled:
            self._came_back(call)
        self._send_each(self._jobs.recover())
        self._end_hung()

    def keep_going(self) -> None:
        """Look every few seconds, from a thread, whether there is something to do or to settle."""
        look_after(self, RECOVER_EVERY, self._closed)

    def warm(self) -> None:
        """Start the worker processes, without waiting for them."""
        with self._lock:
            for worker in self._workers:
                worker.warm()

    def close(self) -> None:
        """End the workers; what still runs becomes interrupted at the next start."""
        self._closed.set()
        with self._lock:
            self._line.clear()
            self._calls.clear()
            for worker in self._workers:
                worker.close()

    def workers(self) -> int:
        """Return how many workers there are now; of a cluster there may be none."""
        return sum(worker.most() for worker in self._workers)

    @property
    def idle(self) -> bool:
        """Whether nothing waits here or is in a worker's hands."""
        with self._lock:
            return not self._line and not self._calls

    def line(self) -> list[str]:
        """Return the jobs that wait here, in the order of their turns, if nobody comes or goes."""
        with self._lock:
            return [one.id for one in self._turns.line(self._waiting())]

    def waiting_of(self, author: str) -> int:
        """Return how many jobs of an author wait here."""
        with self._lock:
            return sum(one.author == author for one in self._waiting())

    def _waiting(self) -> list[Waiting]:
        return [one for one in self._jobs.waiting() if one.id in self._line]

    # Handing out --------------------------------------------------------------------------------

    def _send(self, *job_ids: str) -> None:
        """Have jobs carried out, if possible by one call, but for those that are here already."""
        with self._lock:
            in_hand = {job_id for call in self._calls for job_id in call.job_ids}
            sent = tuple(one for one in job_ids if one not in in_hand and one not in self._line)
            self._line |= dict.fromkeys(sent, sent)
        self._hand_out()

    def _send_each(self, job_ids: Sequence[str]) -> None:
        with self._lock:
            in_hand = {job_id for call in self._calls for job_id in call.job_ids}
            for job_id in job_ids:
                if job_id not in in_hand:
                    self._line.setdefault(job_id, (job_id,))
        self._hand_out()

    @acting_as(SERVER)
    def _hand_out(self) -> None:
        """Give each free worker the jobs whose turn it is."""
        handed: list[Call] = []
        with self._lock:
            try:
                while self._line and (worker := self._free_worker()) is not None:
                    call = self._hand_to(worker)
                    if call is None:
                        break
                    handed.append(call)
            except StoreError as error:
                # They stay in line, and are tried again by and by.
                _LOG.warning("no job could be handed out: %s", error)
        # What is called here may hold the executor's own lock, so it must not wait for ours.
        for call in handed:
            call.future.add_done_callback(partial(self._called_back, call))

    def _free_worker(self) -> WorkerProcess | None:
        busy = Counter(call.worker for call in self._calls)
        free = [worker for worker in self._workers if busy[worker] < worker.most()]
        return min(free, key=lambda worker: busy[worker], default=None)

    def _hand_to(self, worker: WorkerProcess) -> Call | None:
        author, job_ids = self._next()
        if not job_ids:
            return None
        call, arguments = self._carrier.hand_over(job_ids)
        try:
            executor, future = worker.handed(call, *arguments)
        except BrokenExecutor:
            # It can't be reached; it is tried again by and by.
            self._carrier.take_back(job_ids, None)
            return None
        self._turns.served(author)
        for job_id in job_ids:
            del self._line[job_id]
        made = Call(job_ids, author, worker, executor, future, time.monotonic())
        self._calls.append(made)
        return made

    def _next(self) -> tuple[str, tuple[str, ...]]:
        """Return whose turn it is, and the jobs; forget those that are not queued any more."""
        known = self._jobs.waiting()
        queued = {one.id for one in known}
        self._line = {one: group for one, group in self._line.items() if one in queued}
        waiting = [one for one in known if one.id in self._line]
        running = Counter[str]()
        for call in self._calls:
            running[call.author] += len(call.job_ids)
        most = settings().max_running_per_person
        first = self._turns.next_of(waiting, running, most)
        if first is None:
            return "", ()
        group = self._line[first.id]
        together = [first.id, *(one.id for one in waiting if one.id in group and one != first)]
        if any(one.author != first.author for one in waiting):
            together = together[:MOST_BESIDE_OTHERS]
        if most:
            together = together[: most - running[first.author]]
        return first.author, tuple(together)

    # What comes back ----------------------------------------------------------------------------

    def _called_back(self, call: Call, _: Future[Any]) -> None:
        if self._take(call):
            self._came_back(call)

    def _take(self, call: Call) -> bool:
        """Take it on to see to a call's end; False when somebody else does."""
        with self._lock:
            free = call in self._calls and call not in self._taken
            self._taken.add(call)
        return free

    @acting_as(SERVER)
    def _came_back(self, call: Call) -> None:
        future = call.future
        error = None if future.cancelled() else future.exception()
        if isinstance(error, BrokenExecutor):
            apart(self._after_break, call)
            return
        if self._closed.is_set():
            return
        if error is not None:
            named = " ".join(call.job_ids)
            _LOG.error("job %s ended with an error of the workbench itself", named, exc_info=error)
        try:
            self._settle(call)
        except StoreError as problem:
            _LOG.warning("the end of a job could not be written, and will be again: %s", problem)
            with self._lock:
                self._unsettled.append(call)
        self._hand_out()

    def _settle(self, call: Call) -> None:
        gone = call.future.cancelled()
        self._carrier.take_back(call.job_ids, None if gone else call.future)
        queued = [one for one in call.job_ids if not gone and self._jobs.is_queued(one)]
        with self._lock:
            self._forget(call)
        for job_id in call.job_ids:
            if job_id in queued:
                # Somebody queued it anew before it was over here, or it failed before it began.
                self._blame(job_id)
            else:
                self._breaks.pop(job_id, None)

    @acting_as(SERVER)
    def _after_break(self, call: Call) -> None:
        """After a crash of a worker: settle the job that it had, send the others again."""
        if self._closed.is_set():
            return
        with self._lock:
            call.worker.forget(call.executor)
        # Only when the process is gone for good does the store see that nobody holds its job.
        call.executor.shutdown()
        try:
            self._carrier.take_back(call.job_ids, None)
            adopted = self._jobs.recover()
        finally:
            # Whatever the store says, they are not lost.
            with self._lock:
                self._forget(call)
                self._line |= {job_id: (job_id,) for job_id in call.job_ids}
        first = call.job_ids[0]
        if self._carrier.blames and self._jobs.is_queued(first):
            self._blame(first)
        self._send_each(adopted)

    def _end_hung(self) -> None:
        for call, again in self._hanging.end(list(self._calls), self._take):
            with self._lock:
                self._forget(call)
            self._send_each(again)

    def _forget(self, call: Call) -> None:
        if call in self._calls:
            self._calls.remove(call)

    def _blame(self, job_id: str) -> None:
        """Let a job wait again that broke the worker before it began, but not for ever."""
        self._breaks[job_id] = self._breaks.get(job_id, 0) + 1
        with self._lock:
            self._line.pop(job_id, None)
            if self._breaks[job_id] < MOST_BREAKS:
                self._line[job_id] = (job_id,)
                return
        if self._jobs.claim(job_id):
            self._jobs.fail(job_id, "the worker process can't be started; see the server's log")
