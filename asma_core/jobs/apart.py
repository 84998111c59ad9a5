"""Threads of a dispatcher's own, which end with it or with this process."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from asma_core.errors import AsmaError
from asma_core.jobs.local import is_ending

_LOG = logging.getLogger(__name__)


class Recovering(Protocol):
    """What is looked after."""

    def recover(self) -> None:
        """See to what is left to do."""
        ...


def look_after(dispatcher: Recovering, every: float, closed: threading.Event) -> None:
    """Look after a dispatcher every so many seconds, until it is closed or nobody has it any more.

    Args:
        dispatcher: To look after.
        every: Seconds.
        closed: Set when it is closed.
    """
    found = weakref.ref(dispatcher)
    threading.Thread(target=_look_after, args=(found, every, closed), daemon=True).start()


def _look_after(dispatcher: weakref.ref[Recovering], every: float, closed: threading.Event) -> None:
    while not closed.wait(every) and not is_ending():
        found = dispatcher()
        if found is None:
            return
        try:
            found.recover()
        except AsmaError as error:
            _LOG.warning("the queue could not be looked after, and will be again: %s", error)
        del found


def apart(call: Callable[[Any], None], argument: Any) -> None:
    """Call from a thread of its own, unless this process is ending."""
    if not is_ending():
        threading.Thread(target=call, args=(argument,), daemon=True).start()
