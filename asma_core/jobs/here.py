"""Runs on workers of this machine."""

from __future__ import annotations

from collections.abc import Sequence

from asma_core.jobs import tasks
from asma_core.jobs.carrier import Asked, OnThisMachine
from asma_core.jobs.overdue import Overdue
from asma_core.runs.store import RunStore


class RunsHere(OnThisMachine):
    """The way of runs to a process of this machine."""

    def __init__(self, store: RunStore, overdue: Overdue) -> None:
        """Prepare a way for the runs of a store.

        Args:
            store: The store.
            overdue: Knows which of them are made again up to a step.
        """
        super().__init__(store.home, tasks.run_attacks)
        self._overdue = overdue

    def hand_over(self, job_ids: Sequence[str]) -> Asked:
        """Return the call, and its arguments."""
        call, (home, *run_ids) = super().hand_over(job_ids)
        step = self._overdue.up_to(job_ids)
        return (
            (call, (home, *run_ids)) if step is None else (tasks.run_up_to, (home, step, *run_ids))
        )
