"""The cells of an experiment: a run each, made once, whoever asked for it before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from asma_core.attacks.settings import TOWARDS
from asma_core.data.datasets import open_dataset
from asma_core.experiments.plan import Plan, check_goals
from asma_core.metrics.score import IOU, LOST, REMOVED, SUCCESS
from asma_core.models.sources.cards import check_fits, find_card
from asma_core.runs.run import Run, outcome_of
from asma_core.runs.sources import from_sample, target_from_sample
from asma_core.runs.spec import RunInputs, RunRequest, make_spec
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import NO_TARGET, SAMPLE, TargetSource


@dataclass(frozen=True)
class Asked:
    """What to ask of the store for a cell.

    Attributes:
        request: Of its run.
        inputs: Of its run.
        packed: The inputs as the bytes of their file.
    """

    request: RunRequest
    inputs: RunInputs
    packed: bytes


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
        aim: Where it was to lead, as `attacks.configs` names it.
    """

    label: str
    attack: str
    sample: str
    target: str
    run_id: str
    results: Mapping[str, Any]
    message: str
    aim: str = TOWARDS

    @property
    def outcome(self) -> str:
        """As `metrics.score` names it; "" when it failed."""
        return outcome_of(self.results)

    @property
    def success(self) -> bool:
        """Whether a change has reached the goal."""
        return self.outcome == SUCCESS

    @property
    def kind(self) -> str:
        """What it is judged by, as `metrics.score` names it; what failed, as is usual."""
        usual = IOU if self.aim == TOWARDS else LOST
        return str(self.results.get("score_name", usual))

    @property
    def goal(self) -> str:
        """What was asked, in words: cells of different goals share no figure."""
        if self.kind == IOU:
            return "towards the target"
        return "the structure removed" if self.kind == REMOVED else self.aim


def requests(plan: Plan) -> Callable[[int], Asked]:
    """Return a function that says what to ask for at a place among a plan's cells.

    The function raises an `InputError` when a file of that place can't be read.

    Raises:
        InputError: A name that there is not, or classes that differ.
    """
    cells = plan.cells()
    dataset, card = open_dataset(plan.dataset), find_card(plan.model)
    check_fits(card, dataset)
    check_goals(dataset, plan.variants)

    # The rows of a pair follow each other, and differ in the attack alone.
    @lru_cache(maxsize=1)
    def of_pair(names: tuple[str, str]) -> Asked:
        sample, other = (dataset.find(name) for name in names)
        source = from_sample(dataset, sample)
        if not dataset.masked:
            target = TargetSource(NO_TARGET)
            request = source.request(card.name, "", {}, target, plan.execution)
            inputs = source.without_target()
            return Asked(request, inputs, inputs.packed())
        target = TargetSource(SAMPLE, other.name)
        request = source.request(card.name, "", {}, target, plan.execution)
        inputs = source.with_target(target_from_sample(dataset, other, source.shape))
        return Asked(request, inputs, inputs.packed())

    def of_cell(place: int) -> Asked:
        names, row = cells[place]
        asked = of_pair(names)
        request = replace(asked.request, attack=row.attack, config=row.config)
        return replace(asked, request=request)

    return of_cell


def find_existing(store: RunStore, asked: Asked) -> Run | None:
    """Return a finished run that was asked all the same, to take instead of making it again.

    The first of several; see `RunSpec.identity`.
    """
    spec = make_spec(asked.request, asked.inputs, asked.packed)
    found = store.search.finished_with(spec.inputs_hash)
    return next((run for run in reversed(found) if run.spec.identity == spec.identity), None)
