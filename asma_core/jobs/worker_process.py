"""A process of its own for slow work: started when there is some, and again after it broke."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from asma_core.jobs import worker
from asma_core.jobs.local import local_executor

MakeExecutor = Callable[[str], Executor]


@runtime_checkable
class Several(Protocol):
    """What makes executors that carry out several calls at once."""

    def most(self) -> int:
        """Return how many, at this moment; 0 when nobody is there."""
        ...


@runtime_checkable
class Killable(Protocol):
    """An executor that can end the process that has a call, whatever that is in the middle of."""

    def kill(self, future: Future[Any]) -> bool:
        """End the process that has a call.

        Args:
            future: Of the call.

        Returns:
            Whether the executor can be used on.
        """
        ...


class WorkerProcess:
    """What hands calls to a process, of which there is one at a time.

    Attributes:
        executor: Has what was handed in last; None as long as there is no process.
    """

    def __init__(self, home: Path, make_executor: MakeExecutor = local_executor) -> None:
        """Prepare a process; it starts with the first call.

        Args:
            home: The data folder.
            make_executor: Called with the data folder, again after the executor broke.
        """
        self.executor: Executor | None = None
        self._home = str(home)
        self._make_executor = make_executor
        self._lock = threading.Lock()

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand in a call."""
        _, future = self.handed(call, *arguments)
        return future

    def handed(self, call: Callable[..., Any], *arguments: Any) -> tuple[Executor, Future[Any]]:
        """Hand in a call, and tell to which executor.

        Raises:
            BrokenExecutor: Not even a new one takes it.
        """
        with self._lock:
            if self.executor is None:
                self.executor = self._make_executor(self._home)
            try:
                return self.executor, self.executor.submit(call, *arguments)
            except BrokenExecutor:
                self.executor = self._make_executor(self._home)
                return self.executor, self.executor.submit(call, *arguments)

    def most(self) -> int:
        """Return how many calls are carried out at once, at this moment."""
        return self._make_executor.most() if isinstance(self._make_executor, Several) else 1

    def warm(self) -> None:
        """Start the process, without waiting for it."""
        if self.executor is None and self.most():
            self.submit(worker.ready)

    def forget(self, executor: Executor) -> None:
        """Hand nothing more to an executor that broke."""
        with self._lock:
            if self.executor is executor:
                self.executor = None

    def kill(self, executor: Executor, future: Future[Any]) -> None:
        """End the process that has a call; when this returns it is gone, where that can be done."""
        if isinstance(executor, Killable) and not executor.kill(future):
            self.forget(executor)

    def close(self) -> None:
        """End the process at once; the next call starts another."""
        with self._lock:
            executor, self.executor = self.executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)
