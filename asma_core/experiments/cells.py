"""The cells of an experiment: a run each, made once, whoever asked for it before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from asma_core.attacks.settings import TOWARDS
from asma_core.data.datasets import open_dataset
from asma_core.experiments.plan import Plan
from asma_core.metrics.score import IOU, LOST, REMOVED, SUCCESS
from asma_core.models.sources.cards import check_fits, find_card
from asma_core.runs.run import DONE, Run, outcome_of
from asma_core.runs.sources import from_sample, target_from_sample
from asma_core.runs.spec import RunInputs, RunRequest, make_spec
from asma_core.runs.store import RunStore
from asma_core.runs.target_source import SAMPLE, TargetSource


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


class Requests:
    """What to ask for, for each cell of a plan."""

    def __init__(self, plan: Plan) -> None:
        """Open the data set.

        Raises:
            InputError: A name that there is not, or classes that differ.
        """
        self._plan, self._cells = plan, plan.cells()
        self._dataset, self._card = open_dataset(plan.dataset), find_card(plan.model)
        check_fits(self._card, self._dataset)
        self._read: tuple[tuple[str, str], RunRequest, RunInputs, bytes] | None = None

    def of(self, place: int) -> tuple[RunRequest, RunInputs, bytes]:
        """Return what to ask for at a place among the plan's cells, its inputs packed as well.

        Raises:
            InputError: A file that can't be read.
        """
        names, row = self._cells[place]
        if self._read is None or self._read[0] != names:
            request, inputs = self._pair(names)
            self._read = (names, request, inputs, inputs.packed())
        _, request, inputs, packed = self._read
        # The rows of a pair differ in the attack alone.
        return replace(request, attack=row.attack, config=row.config), inputs, packed

    def _pair(self, names: tuple[str, str]) -> tuple[RunRequest, RunInputs]:
        sample, other = (self._dataset.find(name) for name in names)
        source = from_sample(self._dataset, sample)
        target = TargetSource(SAMPLE, other.name)
        request = source.request(self._card.name, "", {}, target, self._plan.execution)
        return request, source.with_target(target_from_sample(self._dataset, other, source.shape))


class Known:
    """The finished runs of a store, to take instead of making them again."""

    def __init__(self, store: RunStore) -> None:
        """Read the store once."""
        self._runs = {run.spec.identity: run for run in store.newest() if run.state == DONE}

    def find(self, request: RunRequest, inputs: RunInputs, packed: bytes) -> Run | None:
        """Return a finished run that was asked all the same; see `RunSpec.identity`."""
        return self._runs.get(make_spec(request, inputs, packed).identity)
