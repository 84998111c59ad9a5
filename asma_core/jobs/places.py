"""Where the runs that wait stand, and about how long until each begins."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a run stands in the queue, if nobody comes or goes.

    Attributes:
        number: From 1, which is the next.
        of: How many wait.
        seconds: About how long until it begins; None where that can't be told.
    """

    number: int
    of: int
    seconds: float | None


def places(
    line: Sequence[str],
    lasting: Mapping[str, float | None],
    left: Sequence[float | None],
    workers: int,
) -> dict[str, Place]:
    """Return where each run stands.

    Args:
        line: The runs in the order of their turns.
        lasting: About how many seconds each takes; None where nothing is known.
        left: How many seconds what runs now still takes, for each worker that has something.
        workers: How many there are.
    """
    known = [seconds for seconds in left if seconds is not None]
    free = [*known, *([0.0] * (workers - len(left)))]
    # Nobody knows when the worker with the unknown run is free: of one that only waits for others
    # nothing is said.
    told = len(known) == len(left)
    heapq.heapify(free)
    found = {}
    for number, run_id in enumerate(line, 1):
        at = heapq.heappop(free) if told and free else None
        found[run_id] = Place(number, len(line), at)
        takes = lasting.get(run_id)
        told = told and takes is not None and at is not None
        if at is not None and takes is not None:
            heapq.heappush(free, at + takes)
    return found
