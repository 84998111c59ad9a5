"""Runs that die: a process that carries out runs in forked children, each killed at its point.

    python tests/runs/victims.py POINT=RUN_ID ...      with ASMA_HOME set

A fork after the imports, as importing torch takes seconds; nothing is computed before it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from asma_core.attacks.contract import StepReport
from asma_core.runs import artefacts, attacking, execute, store

STEP = 5


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_step(report: StepReport) -> None:
    if report.step == STEP:
        die()


def execute_and_die(point: str, run_id: str) -> None:
    """Execute a run and die at a point of it."""
    torch.set_num_threads(1)
    runs = store.RunStore()
    if point == "prediction":
        attacking.predict = die
    elif point == "images":
        artefacts.write_prediction = die
    elif point == "record":
        execute.write_json = die
    elif point == "before rename":
        store.RunStore.finish = die
    elif point == "after rename":
        store.RunStore._end = die
    elif point == "after row":
        shutil.rmtree = die
    execute.execute(runs, run_id, die_in_step if point == "step" else None)


def main() -> None:
    """Let each run have its own process; say how each ended."""
    print("holder", store.this_process(Path(os.environ["ASMA_HOME"])), flush=True)
    for argument in sys.argv[1:]:
        point, _, run_id = argument.partition("=")
        child = os.fork()
        if child == 0:
            execute_and_die(point, run_id)
            os._exit(0)
        print(point, -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
