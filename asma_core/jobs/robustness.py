"""Robustness in the background: see `PlanRunner`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from asma_core.attacks.registry import check_suits, find_attack
from asma_core.defences.registry import find_defence
from asma_core.experiments.plan import Plan
from asma_core.experiments.robustness_plan import RobustnessPlan, RobustnessPlans, behind, networks
from asma_core.experiments.store import ExperimentStore
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.many_experiments import PlanRunner
from asma_core.jobs.predictions import Predictor
from asma_core.models.sources.cards import find_card


class RobustnessRunner(PlanRunner[RobustnessPlan]):
    """Carries robustness plans out."""

    NAME: ClassVar[str] = "robustness"

    def __init__(self, home: Path, experiments: ExperimentRunner, predictor: Predictor) -> None:
        """Prepare to carry plans of a data folder out; nothing starts yet."""
        super().__init__(home, RobustnessPlans(home), experiments, predictor)

    def parts(self, plan: RobustnessPlan) -> list[Plan]:
        """Return the experiment of the bare network, then of it behind each defence."""
        return [plan.part(card.name) for card in networks(plan)]

    def check(self, plan: RobustnessPlan) -> None:
        """Refuse attacks that do not suit, and have kept what must look into the network.

        Raises:
            AsmaError: As for `networks`; or an attack needs gradients of a network that takes none.
        """
        bare = find_card(plan.model)
        for row in plan.attacks:
            check_suits(find_attack(row.attack), bare.name, bare.takes_gradients)
        for defence in plan.defences if not bare.defences else ():
            if find_defence(defence.name).check is not None:
                self._predictor.carry_out(behind, bare, defence)

    def look(self) -> Callable[[ExperimentStore, RobustnessPlan, Path], dict[str, Any]]:
        """Return what looks at the trials and writes their report."""
        return _look


def _look(store: ExperimentStore, plan: RobustnessPlan, folder: Path) -> dict[str, Any]:
    from asma_core.experiments.robustness import looked_at
    from asma_core.experiments.robustness_report import answer, written

    trials = looked_at(store, plan)
    written(folder, store.runs, plan, trials)
    return answer(plan, trials)
