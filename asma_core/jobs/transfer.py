"""Transfer in the background: see `PlanRunner`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from asma_core.experiments.plan import Plan
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.transfer_plan import TransferPlan, TransferPlans, attackers
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.many_experiments import PlanRunner
from asma_core.jobs.predictions import Predictor


class TransferRunner(PlanRunner[TransferPlan]):
    """Carries transfer plans out."""

    NAME: ClassVar[str] = "transfer"

    def __init__(self, home: Path, experiments: ExperimentRunner, predictor: Predictor) -> None:
        """Prepare to carry plans of a data folder out; nothing starts yet."""
        super().__init__(home, TransferPlans(home), experiments, predictor)

    def parts(self, plan: TransferPlan) -> list[Plan]:
        """Return the experiment of each network, then of each ensemble of all but one."""
        return [one.part for one in attackers(plan)]

    def look(self) -> Callable[[ExperimentStore, TransferPlan, Path], dict[str, Any]]:
        """Return what shows the files and writes the tables."""
        return _look


def _look(store: ExperimentStore, plan: TransferPlan, folder: Path) -> dict[str, Any]:
    from asma_core.experiments.transfer import looked_at
    from asma_core.experiments.transfer_table import answer, written

    showings = looked_at(store, plan)
    written(folder, showings)
    return answer(plan, showings)
