"""The cells of an experiment: a run each, made once, whoever asked for it before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from asma_core.data.datasets import open_dataset
from asma_core.errors import AsmaError
from asma_core.experiments.plan import Plan, Variant
from asma_core.models.cards import find_card
from asma_core.runs.execute import execute
from asma_core.runs.run import DONE, Run
from asma_core.runs.sources import from_sample, target_from_sample
from asma_core.runs.spec import RunInputs, RunRequest, RunSpec, make_spec
from asma_core.runs.store import RunStore


@dataclass(frozen=True)
class Cell:
    """What became of one attack on one pair.

    Attributes:
        label: Of its row.
        attack: Name of the attack.
        sample: Name of the image.
        target: Name of the image whose mask was the target.
        run_id: Of the run, or "" when there is none.
        results: Its figures; empty when it failed.
        message: Why it failed, in a sentence.
    """

    label: str
    attack: str
    sample: str
    target: str
    run_id: str
    results: Mapping[str, Any]
    message: str


def carry_out(store: RunStore, plan: Plan, on_cell: Callable[[Cell], None]) -> list[Cell]:
    """Carry out a plan in this process; runs that are done already are taken as they are.

    Stopped by an exception such as KeyboardInterrupt, it goes on where it was when called again.

    Args:
        store: Of the runs.
        plan: What to do.
        on_cell: Called after each cell.

    Returns:
        The cells, image by image and within it in the order of the rows.

    Raises:
        InputError: A name that there is not, or classes that differ.
    """
    known = {_key(run.spec): run for run in store.newest() if run.state == DONE}
    cells = []
    for request, inputs, row, names in _requests(plan):
        packed = inputs.packed()
        run = known.get(_key(make_spec(request, inputs, packed)))
        cell = _made(store, request, inputs, row, names) if run is None else _cell(run, row, names)
        cells.append(cell)
        on_cell(cell)
    return cells


def _requests(plan: Plan) -> Iterator[tuple[RunRequest, RunInputs, Variant, tuple[str, str]]]:
    from asma_core.jobs.predictions import check_classes

    dataset, card = open_dataset(plan.dataset), find_card(plan.model)
    check_classes(card, dataset)
    for names in plan.pairs:
        sample, other = (dataset.find(name) for name in names)
        source = from_sample(dataset, sample)
        inputs = source.towards(target_from_sample(dataset, other, source.shape))
        for row in plan.variants:
            request = RunRequest(
                model=card.name,
                attack=row.attack,
                config=row.config,
                image_name=source.name,
                target_name=f"mask of {other.name}",
                dataset=source.dataset,
                sample=source.sample,
                device=plan.device,
                seed=plan.seed,
            )
            yield request, inputs, row, names


def _key(spec: RunSpec) -> tuple[str, ...]:
    """Return what two runs share when one stands for the other."""
    config = json.dumps(dict(spec.config), sort_keys=True)
    return spec.model_hash, spec.inputs_hash, spec.attack, config, str(spec.seed)


def _made(
    store: RunStore, request: RunRequest, inputs: RunInputs, row: Variant, names: tuple[str, str]
) -> Cell:
    try:
        return _cell(execute(store, store.create(request, inputs).id), row, names)
    except AsmaError as error:
        return Cell(row.label, row.attack, *names, "", {}, str(error))


def _cell(run: Run, row: Variant, names: tuple[str, str]) -> Cell:
    return Cell(row.label, row.attack, *names, run.id, run.results, run.message)
