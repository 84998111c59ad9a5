"""Letting torch's threads spin only while nobody else wants the cores.

The threads that share a step meet some hundred times in it. Who comes first either spins, which is
quick when the other is about to come, or sleeps, which leaves the core to others and costs a system
call. Alone, sleeping makes a step up to 60 % longer; beside two busy processes on two cores,
spinning makes it four times longer still, as the spinning thread has the core that the late one
waits for (`python -m benchmarks.speed --part busy`).

So a thread of this process looks every quarter of a second at how long the others have waited for a
core, and changes the way. GNU's OpenMP, which torch's builds for Linux bring along, has no call for
that, but a documented rule (GOMP_SPINCOUNT): with more OpenMP threads in a process than processors
it hardly spins. A team of idle threads is therefore held for as long as others want the cores. What
is computed does not change, as the threads of a step stay as many as they were.

Elsewhere than on Linux with GNU's OpenMP nothing is done.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

LOOK_EVERY: Final = 0.25
# Shares of the time that the thread which waits most has waited for a core: 0.01 to 0.03 alone,
# 0.3 to 0.6 beside one busy process.
BUSY_ABOVE: Final = 0.15
ALONE_BELOW: Final = 0.07
# Read by OpenMP when it is loaded: spin as by default, but hardly at all with too many threads.
ENVIRONMENT: Final[Mapping[str, str]] = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "300000"}
_TASKS: Final = Path("/proc/self/task")


@lru_cache(maxsize=1)
def spin_only_alone() -> None:
    """Begin to watch, for as long as this process lives; best before torch is imported.

    Where somebody has set one of `ENVIRONMENT` already, that stands and nothing is done.
    """
    if sys.platform != "linux" or not _is_ours_to_set():
        return
    os.environ.update(ENVIRONMENT)
    threading.Thread(target=_watch, name="spinning", daemon=True).start()


def _is_ours_to_set() -> bool:
    """Tell a setting of somebody's own from none, and from the one a parent process has made."""
    found = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return not found or found == dict(ENVIRONMENT)


def _watch() -> None:
    never = threading.Event()
    team = _Team()
    before: Mapping[str, int] = {}
    while not never.wait(LOOK_EVERY):
        now = waited()
        team.hold(shall_yield(before, now, team.held))
        before = now


def waited() -> dict[str, int]:
    """Return how long each thread of this process has waited for a core so far, nanoseconds."""
    found = {}
    for task in _TASKS.glob("*/schedstat"):
        try:
            found[task.parent.name] = int(task.read_text().split()[1])
        except (OSError, IndexError, ValueError):
            continue  # it ended while it was read, or the kernel keeps no count
    return found


def shall_yield(before: Mapping[str, int], now: Mapping[str, int], yields: bool) -> bool:
    """Tell whether threads shall sleep instead of spinning, from two looks at `waited`.

    Args:
        before: One look.
        now: The next, `LOOK_EVERY` seconds later.
        yields: Whether they sleep already; between the two thresholds all stays as it is.
    """
    longest = max((now[task] - before[task] for task in now if task in before), default=0)
    share = longest / (LOOK_EVERY * 1e9)
    return share > (ALONE_BELOW if yields else BUSY_ABOVE)


class _Team:
    """A team of idle OpenMP threads, as large as the machine, held by a thread of its own."""

    def __init__(self) -> None:
        self._library: ctypes.CDLL | None = None
        self._release = threading.Event()
        self._holder: threading.Thread | None = None

    @property
    def held(self) -> bool:
        """Whether the team is there."""
        return self._holder is not None

    def hold(self, wanted: bool) -> None:
        """Make the team, or let it go: OpenMP ends its threads with the thread that made it."""
        if self._holder is not None and not wanted:
            self._release.set()
            self._holder.join()
            self._holder = None
        elif self._holder is None and wanted:
            self._library = self._library or _openmp()
            if self._library is not None:
                self._release.clear()
                self._holder = threading.Thread(target=self._keep, name="idle team", daemon=True)
                self._holder.start()

    def _keep(self) -> None:
        assert self._library is not None
        count = max(2, self._library.omp_get_num_procs())
        # Each thread of the team calls a function that does nothing.
        nothing = ctypes.CDLL(None).getpid
        self._library.GOMP_parallel(nothing, None, ctypes.c_uint(count), ctypes.c_uint(0))
        self._release.wait()


def _openmp() -> ctypes.CDLL | None:
    """Return GNU's OpenMP as torch has loaded it; None where it has not (yet)."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.partition("/")[2]
        if "libgomp" in path.rpartition("/")[2]:
            library = ctypes.CDLL(f"/{path}")
            return library if hasattr(library, "GOMP_parallel") else None
    return None
