"""Transfer in the background: networks and ensembles of all but one; see `plan_runner`."""

from __future__ import annotations

from pathlib import Path

from asma_core.experiments.plan import Plan
from asma_core.experiments.store import ExperimentStore
from asma_core.experiments.transfer_plan import TransferPlan, TransferPlans, attackers
from asma_core.files import json_values, write_json
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.plan_runner import ANSWER, PlanRunner
from asma_core.jobs.predictions import Predictor
from asma_core.runs.store import RunStore


class TransferRunner(PlanRunner[TransferPlan]):
    """Carries transfer plans out."""

    NAME = "transfer"

    def __init__(self, home: Path, experiments: ExperimentRunner, predictor: Predictor) -> None:
        """Prepare to carry plans of a data folder out; nothing starts yet."""
        super().__init__(home, experiments, predictor, TransferPlans(home))

    def _prepared(self, plan: TransferPlan) -> TransferPlan:
        # The parts are checked as they are made.
        return plan

    def _parts(self, plan: TransferPlan) -> list[Plan]:
        return [one.part for one in attackers(plan)]

    def _have_looked(self, plan: TransferPlan, folder: Path) -> None:
        self._predictor.have_made(folder / ANSWER, _look, str(self._home), plan, str(folder))


def _look(home: str, plan: TransferPlan, folder: str) -> None:
    from asma_core.experiments.transfer import looked_at
    from asma_core.experiments.transfer_table import answer, written

    showings = looked_at(ExperimentStore(RunStore(Path(home))), plan)
    written(Path(folder), showings)
    # Last, as what there is of it counts as made.
    write_json(Path(folder) / ANSWER, json_values(answer(plan, showings)))
