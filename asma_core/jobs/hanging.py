"""Ending the processes of calls that hang."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from asma_core.jobs.call import Call
from asma_core.jobs.overdue import Overdue

_LOG: Final = logging.getLogger(__name__)


class Hanging:
    """Finds calls that hang, ends their processes and has their jobs settled."""

    def __init__(self, overdue: Overdue | None) -> None:
        """Prepare to look.

        Args:
            overdue: Tells which calls hang; None where each may take as long as it will.
        """
        self._overdue = overdue
        # What failed is done again at the next look.
        self._calls: list[Call] = []
        self._at_it = threading.Lock()

    def end(
        self, calls: Sequence[Call], take: Callable[[Call], bool]
    ) -> Iterator[tuple[Call, list[str]]]:
        """Yield the calls whose processes were ended, and of each the jobs to be sent again.

        Args:
            calls: To look at.
            take: Says whether nobody else sees to a call's end.

        Raises:
            StoreError: The store can't be written; the next look goes on with it.
        """
        if self._overdue is None or not self._at_it.acquire(blocking=False):
            return
        try:
            new = [call for call in calls if call not in self._calls]
            self._calls += [call for call in new if self._overdue.hangs(call) and take(call)]
            for call in list(self._calls):
                _LOG.warning("a step of %s does not come back", " ".join(call.job_ids))
                self._overdue.hold(call)
                call.worker.kill(call.executor, call.future)
                again = self._overdue.settle(call)
                self._calls.remove(call)
                yield call, again
        finally:
            self._at_it.release()
