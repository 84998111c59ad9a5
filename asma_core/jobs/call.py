"""A call that a worker has in its hands."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from asma_core.jobs.worker_process import WorkerProcess


@dataclass(frozen=True, eq=False)
class Call:
    """Jobs in a worker's hands.

    Attributes:
        job_ids: The jobs.
        author: Whose they are.
        worker: Has them.
        executor: Of the worker.
        future: Of the call.
        began: When they were handed out, by the monotonic clock.
    """

    job_ids: tuple[str, ...]
    author: str
    worker: WorkerProcess
    executor: Executor
    future: Future[Any]
    began: float
