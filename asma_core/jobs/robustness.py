"""Robustness in the background: its experiments through the queue, its figures in a process."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from asma_core.attacks.registry import check_suits, find_attack
from asma_core.data.datasets import open_dataset
from asma_core.defences.registry import find_defence
from asma_core.errors import AsmaError, RunStateError
from asma_core.experiments.robustness_plan import RobustnessPlan, RobustnessPlans, behind, networks
from asma_core.experiments.store import Experiment, ExperimentStore, ended
from asma_core.files import json_values, read_json, write_json
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.predictions import Predictor
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.learning import learns, learnt
from asma_core.models.sources.model_card import ModelCard
from asma_core.runs.store import RunStore

ANSWER = "answer.json"


@dataclass(frozen=True)
class Standing:
    """How far a plan is.

    Attributes:
        experiments: Of the bare network, then of it behind each defence.
        done: Runs that have ended.
        failed: Of them, those that could not be made.
        total: Runs that there are to be.
        active: Whether any of them goes on.
        stopping: Whether it goes on and was asked to stop.
        messages: Why some ended before their time, in sentences.
    """

    experiments: tuple[Experiment, ...]
    done: int
    failed: int
    total: int
    active: bool
    stopping: bool
    messages: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether all runs have ended."""
        return self.done == self.total and not self.active


class RobustnessRunner:
    """Carries robustness plans out.

    Attributes:
        plans: That were asked for.
    """

    def __init__(self, home: Path, experiments: ExperimentRunner, predictor: Predictor) -> None:
        """Prepare to carry plans of a data folder out; nothing starts yet."""
        self.plans = RobustnessPlans(home)
        self._home = home
        self._experiments = experiments
        self._predictor = predictor

    def start(self, plan: RobustnessPlan) -> str:
        """Keep a plan and carry it out, or go on with it; return its id.

        A defence that learns from images learns from the plan's first.

        Raises:
            AsmaError: As for `networks`; an attack that needs gradients of a network that takes
                none; or the store can't be written.
        """
        store, bare = self._experiments.store, find_card(plan.model)
        for card in (bare, *(find_card(name) for name in plan.others)):
            for row in plan.attacks:
                check_suits(find_attack(row.attack), card.name, card.takes_gradients)
        plan = self._learnt(plan)
        self._look_inside(bare, plan)
        found = [store.open(plan.part(card.name)) for card in networks(plan)]
        plan_id = self.plans.keep(plan)
        for experiment in found:
            self._experiments.start(experiment.id)
        return plan_id

    def _learnt(self, plan: RobustnessPlan) -> RobustnessPlan:
        """Return a plan whose defences have learnt, each in a process that has torch."""
        if not any(learns(defence) for defence in plan.defences):
            return plan
        dataset = open_dataset(plan.dataset)
        return replace(
            plan,
            defences=tuple(
                self._predictor.carry_out(learnt, one, dataset) if learns(one) else one
                for one in plan.defences
            ),
        )

    def _look_inside(self, bare: ModelCard, plan: RobustnessPlan) -> None:
        """Have the network kept behind what must look into it, in a process that has torch."""
        for defence in plan.defences if not bare.defences else ():
            if find_defence(defence.name).check is not None:
                self._predictor.carry_out(behind, bare, defence)

    def stop(self, plan: RobustnessPlan) -> None:
        """Ask what goes on to stop; what is done stays done."""
        for experiment in self.standing(plan).experiments:
            if experiment.active:
                self._experiments.store.ask_to_stop(experiment.id)

    def standing(self, plan: RobustnessPlan) -> Standing:
        """Return how far a plan is.

        Raises:
            AsmaError: As for `networks`.
        """
        store = self._experiments.store
        found = tuple(store.open(plan.part(card.name)) for card in networks(plan))
        cells = [cell for one in found for cell in ended(store.cells(one))]
        return Standing(
            found,
            len(cells),
            sum(not cell.results for cell in cells),
            plan.total,
            any(one.active for one in found),
            any(one.active and one.stop for one in found),
            tuple(dict.fromkeys(one.message for one in found if one.message)),
        )

    def result(self, plan: RobustnessPlan) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return what a complete plan comes to, as `robustness_report.answer`, and its files.

        Raises:
            AsmaError: It is not complete, or a file of it can't be read.
        """
        store = self._experiments.store
        runs = [
            cell.run_id
            for one in self.standing(plan).experiments
            for cell in ended(store.cells(one))
        ]
        stamp = hashlib.sha256(" ".join([plan.id, *runs]).encode()).hexdigest()[:16]
        folder = self._home / "cache" / "robustness" / stamp
        self._predictor.have_made(folder / ANSWER, _look, str(self._home), plan, str(folder))
        found: dict[str, Any] = read_json(folder / ANSWER)
        files = [path for path in sorted(folder.iterdir()) if path.name != ANSWER]
        return found, {path.name: path.read_bytes() for path in files}

    def delete(self, plan_id: str) -> None:
        """Forget a plan that nobody carries out; its experiments, runs and networks stay.

        Raises:
            UnknownExperimentError: There is none of that id.
            RunStateError: It is being carried out.
        """
        plan = self.plans.get(plan_id)
        if self._is_active(plan):
            raise RunStateError("it goes on; stop it before deleting it")
        self.plans.delete(plan_id)

    def _is_active(self, plan: RobustnessPlan) -> bool:
        # What can't be looked at any more, as when its network is gone, can still be deleted.
        with suppress(AsmaError):
            return self.standing(plan).active
        return False


def _look(home: str, plan: RobustnessPlan, folder: str) -> None:
    from asma_core.experiments.robustness import looked_at
    from asma_core.experiments.robustness_report import answer, written

    runs = RunStore(Path(home))
    trials = looked_at(ExperimentStore(runs), plan)
    written(Path(folder), runs, plan, trials)
    # Last, as what there is of it counts as made.
    write_json(Path(folder) / ANSWER, json_values(answer(plan, trials)))
