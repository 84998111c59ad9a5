"""What a worker process is asked to do: one function a kind of job."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from asma_core.errors import StoreError
from asma_core.jobs import worker
from asma_core.jobs.worker import settled_or_gone
from asma_core.runs.run import Run
from asma_core.server_config import settings

if TYPE_CHECKING:
    from asma_core.runs.by_files import Outcome
    from asma_core.runs.together import TimeLimit

Answer = TypeVar("Answer")


def run_attacks(home: str, *run_ids: str) -> None:
    """Carry out queued runs; those that differ in their pair alone at once."""
    from asma_core.runs.execute import execute_together
    from asma_core.runs.store import RunStore

    minutes = settings().max_run_minutes
    with settled_or_gone():
        execute_together(RunStore(Path(home)), run_ids, limit=_limit(minutes))


def run_up_to(home: str, step: int, run_id: str) -> None:
    """Make a run again up to a step, as its process was ended in one that did not come back."""
    from asma_core.runs.execute import execute_together
    from asma_core.runs.store import RunStore

    minutes = settings().max_run_minutes
    with settled_or_gone():
        execute_together(RunStore(Path(home)), [run_id], limit=_limit(minutes, step))


@dataclass(frozen=True)
class Reported:
    """What a worker without a database gives back.

    Attributes:
        outcomes: Of the runs that ended.
        bug: The traceback of an error of the workbench itself; "" without one.
    """

    outcomes: tuple[Outcome, ...]
    bug: str


def run_elsewhere(
    home: str, runs: list[Run], others: list[Run], minutes: int, step: int | None = None
) -> Reported:
    """Carry out runs without a database; see `runs.by_files`.

    Args:
        home: The data folder, under the same path on the server and here.
        runs: To be carried out; the server's process has claimed them.
        others: Finished ones that they are compared with.
        minutes: Most that an attack may take; 0 for no limit.
        step: Up to which they are made again, as `run_up_to` has it; None for all of them.

    Raises:
        StoreError: This machine does not see the data folder.
    """
    worker.prepare(home)
    from asma_core.models.wrapper.memory import give_back_memory
    from asma_core.runs.by_files import RunsByFiles
    from asma_core.runs.execute import execute_together

    kept, bug = RunsByFiles(Path(home), runs, others), ""
    try:
        execute_together(kept, [run.id for run in runs], limit=_limit(minutes, step))
    except StoreError:
        raise
    except Exception:  # noqa: BLE001 - the server's log has it
        bug = traceback.format_exc()
    finally:
        give_back_memory()
    return Reported(tuple(kept.outcomes.values()), bug)


def call_elsewhere(home: str, call: Callable[..., Answer], *arguments: Any) -> Answer:
    """Call a function of a module that leaves the database alone, in a worker elsewhere."""
    worker.prepare(home)
    return call(*arguments)


def _limit(minutes: int, step: int | None = None) -> TimeLimit | None:
    from asma_core.runs.together import TimeLimit, UpToStep

    if not minutes:
        return None
    return TimeLimit(minutes) if step is None else UpToStep(minutes, step)


def usual_batch(device: str) -> int:
    """Return how many runs are attacked at once where this is called, if nobody says otherwise."""
    from asma_core.runs import together

    return together.usual_batch(device)


def run_training(home: str, training_id: str) -> None:
    """Carry out a queued training."""
    from asma_core.training.execute import execute
    from asma_core.training.store import TrainingStore

    with settled_or_gone():
        execute(TrainingStore(Path(home)), training_id)


def learn_universal(home: str, plan_id: str) -> None:
    """Learn what is missing of a queued universal change."""
    from asma_core.experiments.universal_execute import execute
    from asma_core.experiments.universal_store import UniversalStore

    with settled_or_gone():
        execute(UniversalStore(Path(home)), plan_id)
