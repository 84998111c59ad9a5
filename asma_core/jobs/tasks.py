"""What a worker process is asked to do: one function a kind of job."""

from __future__ import annotations

from pathlib import Path

from asma_core.jobs.worker import settled_or_gone


def run_attack(home: str, run_id: str) -> str:
    """Carry out a queued run; return the state in which it ended."""
    from asma_core.runs.execute import execute
    from asma_core.runs.store import RunStore

    with settled_or_gone():
        return execute(RunStore(Path(home)), run_id).state


def run_training(home: str, training_id: str) -> None:
    """Carry out a queued training."""
    from asma_core.training.execute import execute
    from asma_core.training.store import TrainingStore

    with settled_or_gone():
        execute(TrainingStore(Path(home)), training_id)
