"""Carrying an experiment out in this process, as the command line does."""

from __future__ import annotations

from collections.abc import Callable

from asma_core.experiments.cells import Cell
from asma_core.experiments.missing_cells import run_missing_cells
from asma_core.experiments.store import Experiment, ExperimentStore, ended
from asma_core.runs import execute as run_execution
from asma_core.runs.run import Run
from asma_core.runs.spec import RunInputs, RunRequest


def execute(
    store: ExperimentStore, experiment: Experiment, on_cell: Callable[[int], None]
) -> list[Cell]:
    """Carry out an experiment in this process.

    Stopped by an exception such as KeyboardInterrupt, it goes on where it was when called again.

    Args:
        store: Of the experiments.
        experiment: To be carried out; this process has claimed it.
        on_cell: Gets the number of cells that have been passed so far.

    Returns:
        The cells, image by image and within it in the order of the rows.

    Raises:
        InputError: A name that there is not, or classes that differ.
    """

    def make(request: RunRequest, inputs: RunInputs) -> Run:
        return run_execution.execute(store.runs, store.runs.create(request, inputs).id)

    try:
        run_missing_cells(store, experiment, make, on_cell)
    finally:
        store.release(experiment.id)
    return ended(store.cells(experiment))
