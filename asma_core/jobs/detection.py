"""Detection in the background: would a machine notice, and one that is known; see `plan_runner`."""

from __future__ import annotations

from pathlib import Path

from asma_core.experiments.detection_plan import DetectionPlan, DetectionPlans, check_asked
from asma_core.experiments.plan import Plan
from asma_core.experiments.store import ExperimentStore
from asma_core.files import json_values, write_json
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.plan_runner import ANSWER, PlanRunner
from asma_core.jobs.predictions import Predictor
from asma_core.models.sources.cards import find_card
from asma_core.runs.store import RunStore


class DetectionRunner(PlanRunner[DetectionPlan]):
    """Carries detection plans out."""

    NAME = "detection"

    def __init__(self, home: Path, experiments: ExperimentRunner, predictor: Predictor) -> None:
        """Prepare to carry plans of a data folder out; nothing starts yet."""
        super().__init__(home, experiments, predictor, DetectionPlans(home))

    def _prepared(self, plan: DetectionPlan) -> DetectionPlan:
        check_asked(plan, find_card(plan.model))
        return plan

    def _parts(self, plan: DetectionPlan) -> list[Plan]:
        return [plan.part]

    def _have_looked(self, plan: DetectionPlan, folder: Path) -> None:
        self._predictor.have_made(folder / ANSWER, _look, str(self._home), plan, str(folder))


def _look(home: str, plan: DetectionPlan, folder: str) -> None:
    from asma_core.experiments.detection import looked_at
    from asma_core.experiments.detection_table import answer, rows, written

    found, cells = looked_at(ExperimentStore(RunStore(Path(home))), plan)
    table = rows(found)
    written(Path(folder), table)
    # Last, as what there is of it counts as made.
    write_json(Path(folder) / ANSWER, json_values(answer(plan, table, cells)))
