"""What a worker process is asked to do: one function a kind of job."""

from __future__ import annotations

from pathlib import Path

from asma_core.jobs.worker import settled_or_gone


def run_attacks(home: str, *run_ids: str) -> None:
    """Carry out queued runs; those that differ in their pair alone at once."""
    from asma_core.runs.execute import execute_together
    from asma_core.runs.store import RunStore

    with settled_or_gone():
        execute_together(RunStore(Path(home)), run_ids)


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
