"""Universal changes in the background: in a process of their own, one plan at a time.

A plan takes minutes, and is no experiment: no part of it is a run. So it is carried out as a
training is (`Dispatcher`), and looks to a page as the plans of experiments do (`CarriesPlans`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asma_core.experiments.plan_folder import PlanFolder
from asma_core.experiments.universal_plan import UniversalPlan
from asma_core.experiments.universal_store import UniversalStore
from asma_core.experiments.universal_table import answer, files, images_text
from asma_core.jobs import tasks
from asma_core.jobs.carrier import OnThisMachine
from asma_core.jobs.dispatcher import Dispatcher
from asma_core.jobs.local import local_executor
from asma_core.jobs.plan_runner import Standing
from asma_core.jobs.worker_process import MakeExecutor, WorkerProcess
from asma_core.runs.run import QUEUED, RUNNING


class UniversalRunner(Dispatcher):
    """Carries plans of universal changes out.

    Attributes:
        store: What was learned, and how each plan stands.
        plans: That were asked for.
    """

    def __init__(self, home: Path, make_executor: MakeExecutor = local_executor) -> None:
        """Start; what a dead process left behind is settled or taken over.

        Args:
            home: The data folder.
            make_executor: Called with the data folder, again after the executor broke.
        """
        self.store = UniversalStore(home)
        self.plans: PlanFolder[UniversalPlan] = self.store.plans
        carrier = OnThisMachine(home, tasks.learn_universal)
        super().__init__(self.store, carrier, [WorkerProcess(home, make_executor)])

    def start(self, plan: UniversalPlan) -> str:
        """Keep a plan and carry it out, or go on with it; return its id.

        Raises:
            StoreError: The data folder can't be written.
        """
        if self.store.is_complete(plan):
            return self.plans.keep(plan)
        if self.store.queue(plan):
            self._send(plan.id)
        return plan.id

    def stop(self, plan: UniversalPlan) -> None:
        """Ask what goes on to stop; what was learned stays."""
        self.store.ask_to_stop(plan.id)

    def standing(self, plan: UniversalPlan) -> Standing:
        """Return how far a plan is, in steps."""
        learning, parts = self.store.learning(plan.id), self.store.parts(plan.id)
        made, steps = parts.made(plan), plan.config.steps
        done, doing, left = len(made) * steps, "", None
        now = parts.progress() if learning.state == RUNNING else None
        if learning.state == QUEUED:
            doing = "waiting for its turn"
        if now is not None and now["count"] not in made:
            done, left = done + now["step"], now["left"]
            doing = f"learning on {images_text(now['count'])}"
        # The last change is still to be judged when its last step was made.
        complete = self.store.is_complete(plan)
        return Standing(
            experiments=(),
            done=done if complete else min(done, plan.steps - 1),
            failed=0,
            total=plan.steps,
            active=learning.active,
            stopping=learning.stopping,
            messages=(learning.message,) if learning.message and not complete else (),
            doing=doing,
            left=left,
            partial=0 if complete else len(made),
        )

    def result(self, plan: UniversalPlan) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return what came of a plan so far, as plain values, and its files.

        Beside those that are to be kept there are the first unseen images, without the change
        (`before-0.png`) and with it (`after-0.png`), and what the network says (`...-mask.png`).

        Raises:
            AsmaError: Nothing was learned yet, or a file of it can't be read.
        """
        parts = self.store.parts(plan.id)
        found = answer(plan, parts)
        made = files(plan, parts)
        for when, name in (("before", "without"), ("after", parts.made(plan)[-1])):
            for place, (picture, mask) in enumerate(parts.pictures(name)):
                made |= {f"{when}-{place}.png": picture, f"{when}-{place}-mask.png": mask}
        return found, made

    def delete(self, plan_id: str) -> None:
        """Forget a plan that nobody carries out, with what was learned.

        Raises:
            UnknownExperimentError: There is none of that id.
            RunStateError: It is being carried out.
        """
        self.store.delete(plan_id)
