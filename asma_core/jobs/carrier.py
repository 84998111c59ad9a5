"""How jobs get to a worker and what comes back: in a process of this machine, or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

Asked = tuple[Callable[..., Any], tuple[Any, ...]]


class Carrier(Protocol):
    """What a dispatcher asks of the way to its workers.

    Attributes:
        blames: Whether a job that was not begun when its worker broke may be why it broke.
    """

    blames: bool

    def hand_over(self, job_ids: Sequence[str], /) -> Asked:
        """Return the call, and its arguments, that carries jobs out in a worker."""
        ...

    def take_back(self, job_ids: Sequence[str], future: Future[Any] | None, /) -> None:
        """Write down what came of jobs.

        Args:
            job_ids: The jobs.
            future: Of the call, which is done; None when its worker broke or never had it.
        """
        ...


class OnThisMachine:
    """To a process of this machine, which claims its jobs and writes their ends by itself."""

    blames = True

    def __init__(self, home: Path, run_jobs: Callable[..., object]) -> None:
        """Prepare a way.

        Args:
            home: The data folder.
            run_jobs: Claims jobs and carries them out; called in the worker with the data folder
                and the jobs' ids, of which there are several only where several were sent at once.
        """
        self._home = home
        self._run_jobs = run_jobs

    def hand_over(self, job_ids: Sequence[str]) -> Asked:
        """Return the call, and its arguments."""
        return self._run_jobs, (str(self._home), *job_ids)

    def take_back(self, job_ids: Sequence[str], future: Future[Any] | None) -> None:
        """Do nothing: the worker has written all of it."""
