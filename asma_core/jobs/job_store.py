"""What a dispatcher asks of the store of its jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from asma_core.runs.job_table import Waiting


class JobStore(Protocol):
    """What a dispatcher asks of a store.

    Attributes:
        home: The data folder.
    """

    home: Path

    def recover(self) -> list[str]:
        """Settle what ran in a dead process; return the queued jobs that were taken over."""
        ...

    def is_queued(self, job_id: str, /) -> bool:
        """Tell whether there is such a job and it waits for its turn."""
        ...

    def waiting(self) -> list[Waiting]:
        """Return the queued jobs that this process is to carry out, each author's in order."""
        ...

    def claim(self, job_id: str, /) -> bool:
        """Take a queued job for this process; False when it is not queued any more."""
        ...

    def fail(self, job_id: str, message: str, /) -> None:
        """Say that a running job failed, and why."""
        ...
