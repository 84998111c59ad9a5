"""Robustness in the background: networks with and without defences; see `plan_runner`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from asma_core.attacks.registry import check_suits, find_attack
from asma_core.data.datasets import open_dataset
from asma_core.defences.registry import find_defence
from asma_core.experiments.plan import Plan
from asma_core.experiments.robustness_plan import RobustnessPlan, RobustnessPlans, behind, networks
from asma_core.experiments.store import ExperimentStore
from asma_core.files import json_values, write_json
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.plan_runner import ANSWER, PlanRunner
from asma_core.jobs.predictions import Predictor
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.learning import learns, learnt
from asma_core.reviews.store import ReviewStore
from asma_core.runs.store import RunStore


class RobustnessRunner(PlanRunner[RobustnessPlan]):
    """Carries robustness plans out."""

    NAME = "robustness"

    def __init__(self, home: Path, experiments: ExperimentRunner, predictor: Predictor) -> None:
        """Prepare to carry plans of a data folder out; nothing starts yet."""
        super().__init__(home, experiments, predictor, RobustnessPlans(home))

    def _prepared(self, plan: RobustnessPlan) -> RobustnessPlan:
        bare = find_card(plan.model)
        for card in (bare, *(find_card(name) for name in plan.others)):
            for row in plan.attacks:
                check_suits(find_attack(row.attack), card.name, card.takes_gradients)
        plan = self._learnt(plan)
        # What must look into the network is kept by a process that has torch.
        for defence in plan.defences if not bare.defences else ():
            if find_defence(defence.name).check is not None:
                self._predictor.carry_out(behind, bare, defence)
        return plan

    def _learnt(self, plan: RobustnessPlan) -> RobustnessPlan:
        """Return a plan whose defences have learnt from its data set, in a process with torch."""
        if not any(learns(defence) for defence in plan.defences):
            return plan
        dataset = open_dataset(plan.dataset)
        found = [
            self._predictor.carry_out(learnt, one, dataset) if learns(one) else one
            for one in plan.defences
        ]
        return replace(plan, defences=tuple(found))

    def _beside(self, runs: Sequence[str]) -> list[str]:
        reviews = ReviewStore(self._home)
        return [f"{one}:{len(reviews.answers(one))}" for one in reviews.of_runs(runs)]

    def _parts(self, plan: RobustnessPlan) -> list[Plan]:
        return [plan.part(card.name) for card in networks(plan)]

    def _have_looked(self, plan: RobustnessPlan, folder: Path) -> None:
        self._predictor.have_made(folder / ANSWER, _look, str(self._home), plan, str(folder))


def _look(home: str, plan: RobustnessPlan, folder: str) -> None:
    from asma_core.experiments.robustness import looked_at
    from asma_core.experiments.robustness_report import answer, written

    runs = RunStore(Path(home))
    trials = looked_at(ExperimentStore(runs), plan)
    written(Path(folder), runs, plan, trials)
    # Last, as what there is of it counts as made.
    write_json(Path(folder) / ANSWER, json_values(answer(plan, trials)))
