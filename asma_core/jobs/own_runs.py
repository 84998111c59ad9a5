"""What people do with runs of their own that wait or run: cancel, stop, and put in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from asma_core.accounts import audit
from asma_core.accounts.rights import check_changing
from asma_core.errors import InputError, RunStateError
from asma_core.runs.run import Run
from asma_core.runs.store import RunStore
from asma_core.server_config import settings

SOONER: Final = -1
LATER: Final = 1
# More than anybody has in the queue.
FIRST: Final = -(10**9)


def stop(store: RunStore, run_id: str) -> None:
    """Cancel a run that waits, or ask one to stop; what it has found so far is kept.

    Raises:
        UnknownRunError: No such run.
        NotAllowedError: It is somebody else's.
        StoreError: The store can't be written.
    """
    _own(store, run_id)
    store.ask_to_stop(run_id)
    audit.record("stop", f"run {run_id}", store.home)


def move(store: RunStore, run_ids: Sequence[str], by: int) -> None:
    """Move runs that wait among the waiting ones of the same person; they keep their order.

    Args:
        store: Of the runs.
        run_ids: The runs.
        by: Places; `SOONER`, `LATER`, or `FIRST` for before all others.

    Raises:
        UnknownRunError: No such run.
        NotAllowedError: One is somebody else's; none is moved.
        RunStateError: One does not wait any more; the others are moved.
        StoreError: The store can't be written.
    """
    for run_id in run_ids:
        _own(store, run_id)
    moved = store.move(run_ids, by)
    for run_id in run_ids:
        if run_id in moved:
            audit.record("move", f"run {run_id}", store.home)
    for run_id in run_ids:
        if run_id not in moved:
            now = store.get(run_id).state
            raise RunStateError(
                f"run {run_id} is {now} and does not wait any more; reload the page"
            )


def check_room(waiting: int) -> None:
    """Refuse one more run of somebody of whom enough wait.

    Args:
        waiting: How many of theirs do.

    Raises:
        InputError: As many wait as `max_queued_per_person` of config.toml lets.
    """
    most = settings().max_queued_per_person
    if waiting >= most:
        raise InputError(
            f"{most} of your runs wait for their turn, as many as this server lets one person have "
            "(max_queued_per_person in config.toml); wait until one has begun, or cancel one"
        )


def _own(store: RunStore, run_id: str) -> Run:
    run = store.get(run_id)
    check_changing(run.author, f"run {run_id}")
    return run
