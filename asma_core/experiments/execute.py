"""Carrying an experiment out in this process, as the command line does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from asma_core.errors import RunStateError
from asma_core.experiments.cells import Cell
from asma_core.experiments.missing_cells import Batch, run_missing_cells
from asma_core.experiments.plan import Plan
from asma_core.experiments.store import Experiment, ExperimentStore, ended
from asma_core.runs import execute as run_execution
from asma_core.runs.together import usual_batch


def execute(
    store: ExperimentStore,
    experiment: Experiment,
    on_cell: Callable[[int], None],
    most: int | None = None,
) -> list[Cell]:
    """Carry out an experiment in this process.

    Stopped by an exception such as KeyboardInterrupt, it goes on where it was when called again.

    Args:
        store: Of the experiments.
        experiment: To be carried out; this process has claimed it.
        on_cell: Gets the number of cells that have been passed so far.
        most: Pairs that are attacked at once; None for as many as is usual on the device.

    Returns:
        The cells, image by image and within it in the order of the rows.

    Raises:
        InputError: A name that there is not, or classes that differ.
        DeviceError: No such device.
    """

    def make(batch: Batch) -> None:
        run_execution.execute_together(store.runs, batch.queue())

    try:
        most = most or usual_batch(experiment.plan.execution.device)
        run_missing_cells(store, experiment, most, make, on_cell)
    finally:
        store.release(experiment.id)
    return ended(store.cells(experiment))


def execute_parts(
    store: ExperimentStore,
    parts: Sequence[Plan],
    on_cell: Callable[[int], None],
    most: int | None = None,
) -> None:
    """Claim one experiment after the other, and carry it out in this process; see `execute`.

    Args:
        store: Of the experiments.
        parts: What each of them asks.
        on_cell: Gets the number of cells of all parts that have been passed so far.
        most: As for `execute`.

    Raises:
        InputError: As for `execute`.
        RunStateError: Another process carries one of them out.
        DeviceError: No such device.
    """
    passed = 0
    for part in parts:
        experiment = store.open(part)
        if not store.claim(experiment.id):
            raise RunStateError(
                f"another process carries out the experiment {experiment.id}; wait for it, or stop "
                "it on the Experiments page"
            )
        execute(store, experiment, _further(on_cell, passed), most)
        passed += len(part.cells())


def _further(on_cell: Callable[[int], None], passed: int) -> Callable[[int], None]:
    return lambda done: on_cell(passed + done)


def ended_cells(store: ExperimentStore, part: Plan) -> list[Cell]:
    """Return the cells of an experiment that has ended.

    Raises:
        RunStateError: Not all attacks have ended.
    """
    cells = store.cells(store.open(part))
    if any(cell is None for cell in cells):
        raise RunStateError("not all attacks have ended; go on with them first")
    return ended(cells)
