"""The cells of an experiment: a run each, made once, whoever asked for it before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from asma_core.data.datasets import open_dataset
from asma_core.experiments.plan import Plan
from asma_core.models.cards import find_card
from asma_core.runs.run import DONE, Run
from asma_core.runs.sources import check_classes, from_sample, target_from_sample
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


class Requests:
    """What to ask for, for each cell of a plan."""

    def __init__(self, plan: Plan) -> None:
        """Open the data set.

        Raises:
            InputError: A name that there is not, or classes that differ.
        """
        self._plan, self._cells = plan, plan.cells()
        self._dataset, self._card = open_dataset(plan.dataset), find_card(plan.model)
        check_classes(self._card, self._dataset)
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
        request = RunRequest(
            model=self._card.name,
            attack="",
            config={},
            image_name=source.name,
            target_name=f"mask of {other.name}",
            dataset=source.dataset,
            sample=source.sample,
            device=self._plan.device,
            seed=self._plan.seed,
            precision=self._plan.precision,
            compiled=self._plan.compiled,
        )
        return request, source.towards(target_from_sample(self._dataset, other, source.shape))


class Known:
    """The finished runs of a store, to take instead of making them again."""

    def __init__(self, store: RunStore) -> None:
        """Read the store once."""
        self._runs = {_key(run.spec): run for run in store.newest() if run.state == DONE}

    def find(self, request: RunRequest, inputs: RunInputs, packed: bytes) -> Run | None:
        """Return a finished run of the same attack, image, target, settings and seed."""
        return self._runs.get(_key(make_spec(request, inputs, packed)))


def _key(spec: RunSpec) -> tuple[str, ...]:
    """Return what two runs share when one stands for the other."""
    config = json.dumps(dict(spec.config), sort_keys=True)
    same = (spec.model_hash, spec.inputs_hash, spec.attack, config, spec.precision)
    return (*same, str(spec.seed))
