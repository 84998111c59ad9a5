"""Giving each cell of an experiment its run; what is done is never repeated."""

from __future__ import annotations

from collections.abc import Callable

from asma_core.errors import AsmaError
from asma_core.experiments.cells import find_existing, finished_runs, requests
from asma_core.experiments.store import Experiment, ExperimentStore
from asma_core.runs.run import DONE, Run
from asma_core.runs.spec import RunInputs, RunRequest


def run_missing_cells(
    store: ExperimentStore,
    experiment: Experiment,
    make: Callable[[RunRequest, RunInputs], Run],
    on_cell: Callable[[int], None],
) -> None:
    """Give each cell its run, in the order of the plan; cells that are done are passed over.

    Args:
        store: Of the experiments.
        experiment: To be carried out; this process has claimed it.
        make: Makes a run, or queues it; what it raises but an `AsmaError` ends it all.
        on_cell: Gets the number of cells that have been passed so far.

    Raises:
        InputError: The network or the data set is not there any more, or their classes differ.
    """
    asked_of, finished = requests(experiment.plan), finished_runs(store.runs)
    runs = store.cell_runs(experiment.id)
    for place in range(len(experiment.plan.cells())):
        if place not in runs or runs[place].state != DONE:
            try:
                asked = asked_of(place)
                run = find_existing(finished, asked) or make(asked.request, asked.inputs)
            except AsmaError as error:
                store.refuse(experiment.id, place, str(error))
            else:
                store.attach(experiment.id, place, run.id)
        on_cell(place + 1)
