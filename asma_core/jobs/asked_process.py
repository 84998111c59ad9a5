"""A process of its own that is asked: for an answer, or to make a file that is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

from asma_core.errors import ModelError
from asma_core.jobs.local import local_executor
from asma_core.jobs.tasks import call_elsewhere
from asma_core.jobs.worker_process import MakeExecutor, WorkerProcess

# Only a hang takes so long, also beside other work.
WAIT: Final = 600.0
Answer = TypeVar("Answer")


class AskedProcess:
    """Asks a process of its own, so that a running attack does not delay the answers."""

    # Calls that leave the database alone, so that they may go to workers elsewhere.
    ELSEWHERE: ClassVar[frozenset[Callable[..., None]]] = frozenset()

    def __init__(
        self,
        home: Path,
        make_executor: MakeExecutor = local_executor,
        elsewhere: MakeExecutor | None = None,
    ) -> None:
        """Prepare to ask about a data folder; no process starts yet.

        Args:
            home: The data folder.
            make_executor: Called with the data folder, again after the executor broke.
            elsewhere: The same, of workers that see the data folder but not the database.
        """
        self._home = home
        self._worker = WorkerProcess(home, make_executor)
        self._elsewhere = None if elsewhere is None else WorkerProcess(home, elsewhere)
        self._asked: dict[Path, Future[None]] = {}
        self._lock = threading.Lock()

    def carry_out(self, call: Callable[..., Answer], *arguments: Any) -> Answer:
        """Return what a function of a module returns, which may ask a network, in the process.

        Raises:
            AsmaError: As the function does.
            ModelError: The process ended.
        """
        answer: Answer = self._waited(self._worker.submit(call, *arguments))
        return answer

    def have_made(self, file: Path, call: Callable[..., None], *arguments: Any) -> None:
        """Have a file made in the process, unless it is there; who asks meanwhile waits as well.

        Args:
            file: That there is to be.
            call: Makes it; a function of a module.
            *arguments: Of the call.

        Raises:
            AsmaError: As the call does.
            ModelError: The process ended.
        """
        if file.exists():
            return
        with self._lock:
            self._asked = {path: asked for path, asked in self._asked.items() if not asked.done()}
            future = self._asked.get(file)
            if future is None:
                future = self._asked[file] = self._submit(call, *arguments)
        self._waited(future)

    def warm(self) -> None:
        """Start the process, without waiting for it."""
        self._worker.warm()

    def close(self) -> None:
        """End the process; the next question starts another."""
        with self._lock:
            self._asked.clear()
        self._worker.close()

    def _submit(self, call: Callable[..., None], *arguments: Any) -> Future[None]:
        elsewhere = self._elsewhere
        if elsewhere is not None and call in self.ELSEWHERE and elsewhere.most():
            with suppress(BrokenExecutor):
                return elsewhere.submit(call_elsewhere, str(self._home), call, *arguments)
        return self._worker.submit(call, *arguments)

    def _waited(self, future: Future[Any]) -> Any:
        try:
            return future.result(timeout=WAIT)
        except TimeoutError as error:
            raise ModelError(
                f"the prediction takes longer than {WAIT:.0f} s; it goes on, reload the page later"
            ) from error
        except (BrokenExecutor, CancelledError) as error:
            raise ModelError(
                "the process that predicts ended; reload the page to ask again"
            ) from error
