"""Trainings that die: each is carried out in a forked child that is killed at its point.

    python -m tests.training.victims POINT=TRAINING_ID ...      with ASMA_HOME set

A fork after the imports, as importing torch takes seconds; nothing is computed before it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from asma_core.runs.job_table import JobTable
from asma_core.training import card, execute
from asma_core.training import checkpoint as training_checkpoint
from asma_core.training import loop as training_loop
from asma_core.training.store import TrainingStore

STEP = 5


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def execute_and_die(point: str, training_id: str) -> None:
    """Execute a training and die at a point of it."""
    torch.set_num_threads(1)
    # A checkpoint after every step.
    training_loop.CHECKPOINT_EVERY = 0.0
    if point == "claimed":
        execute._train = die
    elif point == "step":
        watch = execute._Watch.__call__
        execute._Watch.__call__ = lambda self, now: die() if now.step == STEP else watch(self, now)
    elif point == "checkpoint":
        training_checkpoint.write_bytes = die
    elif point == "weights":
        card.card_text = die
    elif point == "network":
        TrainingStore.end = die
    elif point == "row":
        end = JobTable.end
        JobTable.end = lambda *given, **more: die(end(*given, **more))
    execute.execute(TrainingStore(Path(os.environ["ASMA_HOME"])), training_id)


def main() -> None:
    """Let each training have its own process; say how each ended."""
    for argument in sys.argv[1:]:
        point, _, training_id = argument.partition("=")
        child = os.fork()
        if child == 0:
            execute_and_die(point, training_id)
            os._exit(0)
        print(point, -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
