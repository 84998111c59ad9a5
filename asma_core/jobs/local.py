"""The executor that comes with the workbench: one spawned process that owns the device."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from functools import partial
from typing import Any, Final
from weakref import WeakSet

from asma_core.jobs import worker
from asma_core.models.wrapper.own_gpu import gpu_count

_EXECUTORS: Final[WeakSet[LocalExecutor]] = WeakSet()
_ENDING: Final = threading.Event()


class LocalExecutor(ProcessPoolExecutor):
    """One spawned process, which ends at once when this executor or this process ends."""

    def __init__(self, home: str, gpu: int | None = None) -> None:
        """Make an executor for a data folder; its process starts with the first call.

        Args:
            home: The data folder.
            gpu: Which GPU is its own; None where there are not several.
        """
        context = multiprocessing.get_context("spawn")
        theirs, self._line = context.Pipe(duplex=False)
        super().__init__(
            max_workers=1,
            mp_context=context,
            initializer=worker.start,
            initargs=(home, theirs, gpu),
        )
        _EXECUTORS.add(self)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the process; without `wait` at once, in the middle of what it does."""
        if not wait:
            self._line.close()
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        self._line.close()

    def kill(self, future: Future[Any]) -> bool:
        """End the process for good, even in the middle of a step that hangs."""
        # None when it has ended already.
        for process in list((self._processes or {}).values()):
            process.kill()
        self.shutdown()
        return False


def local_executor(home: str, gpu: int | None = None) -> LocalExecutor:
    """Return an executor of one spawned process that owns the device, or the GPU of that number."""
    return LocalExecutor(home, gpu)


def local_executors() -> list[Callable[[str], Executor]]:
    """Return what makes the executors of this machine: one for each GPU, and at least one."""
    count = gpu_count()
    if count < 2:
        return [local_executor]
    return [partial(local_executor, gpu=number) for number in range(count)]


def is_ending() -> bool:
    """Tell whether this process is ending, so that nothing new shall be started."""
    return _ENDING.is_set()


def _end_all() -> None:
    _ENDING.set()
    for executor in list(_EXECUTORS):
        executor.shutdown(wait=False, cancel_futures=True)


# Python's own hook, registered before this one and so called after it, waits until the processes
# have done all that was asked of them: a server would not end while an attack runs. `atexit` comes
# too late.
threading._register_atexit(_end_all)  # type: ignore[attr-defined]
