"""Giving each cell of an experiment its run; what is done is never repeated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from asma_core.errors import AsmaError
from asma_core.experiments.cells import Asked, find_existing, requests
from asma_core.experiments.store import Experiment, ExperimentStore
from asma_core.runs.run import DONE


@dataclass(frozen=True)
class Batch:
    """Cells without a run that differ in their pair alone, so that one attack can be on them all.

    Attributes:
        store: Of the experiments.
        experiment_id: Of theirs.
        asked: What to ask for, by the cell's place.
    """

    store: ExperimentStore
    experiment_id: str
    asked: Mapping[int, Asked]

    def queue(self) -> list[str]:
        """Queue a run for each cell and return their ids; a cell that can't have one is refused.

        Whoever asks must have them carried out.
        """
        run_ids = []
        for place, asked in self.asked.items():
            try:
                run_id = self.store.runs.create(asked.request, asked.inputs).id
            except AsmaError as error:
                self.store.refuse(self.experiment_id, place, str(error))
            else:
                self.store.attach(self.experiment_id, place, run_id)
                run_ids.append(run_id)
        return run_ids


def run_missing_cells(
    store: ExperimentStore,
    experiment: Experiment,
    most: int,
    make: Callable[[Batch], None],
    on_cell: Callable[[int], None],
) -> None:
    """Give each cell its run; cells that are done are passed over.

    They come in the order of the plan, but a cell waits until those of its row whose images have
    its size are a batch; the largest batch goes when as many wait as a batch of each row has.

    Args:
        store: Of the experiments.
        experiment: To be carried out; this process has claimed it.
        most: Cells in a batch.
        make: Makes the runs of a batch, or queues them; what it raises ends it all.
        on_cell: Gets the number of cells that have been passed so far.

    Raises:
        InputError: The network or the data set is not there any more, or their classes differ.
    """
    rows, passed = len(experiment.plan.variants), 0
    waiting: dict[tuple[int, tuple[int, ...]], dict[int, Asked]] = {}
    for place, asked in _asked(store, experiment):
        ready: dict[int, Asked] = {}
        if asked is not None:
            alike = (place % rows, asked.inputs.image.shape)
            waiting.setdefault(alike, {})[place] = asked
            if len(waiting[alike]) < most and sum(map(len, waiting.values())) < most * rows:
                continue
            ready = waiting.pop(max(waiting, key=lambda kind: len(waiting[kind])))
            make(Batch(store, experiment.id, ready))
        passed += len(ready) or 1
        on_cell(passed)
    for ready in waiting.values():
        make(Batch(store, experiment.id, ready))
        passed += len(ready)
        on_cell(passed)


def _asked(store: ExperimentStore, experiment: Experiment) -> Iterator[tuple[int, Asked | None]]:
    """Yield each cell's place, and what to ask for; None where the cell is settled already."""
    asked_of = requests(experiment.plan)
    runs = store.cell_runs(experiment.id)
    for place in range(len(experiment.plan.cells())):
        if place in runs and runs[place].state == DONE:
            yield place, None
            continue
        try:
            asked = asked_of(place)
            existing = find_existing(store.runs, asked)
        except AsmaError as error:
            store.refuse(experiment.id, place, str(error))
            yield place, None
            continue
        if existing is not None:
            store.attach(experiment.id, place, existing.id)
        yield place, asked if existing is None else None
