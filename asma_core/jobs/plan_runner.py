"""Plans of many runs in the background: their experiments through the queue, then a look at them.

What a plan comes to is made in the process that predicts, and kept until another run is a cell's.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Protocol

from asma_core.errors import AsmaError, RunStateError
from asma_core.experiments.plan import Plan
from asma_core.experiments.plan_folder import AskedPlan, PlanFolder
from asma_core.experiments.store import Experiment, ended
from asma_core.files import read_json
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.predictions import Predictor

ANSWER: Final = "answer.json"


@dataclass(frozen=True)
class Standing:
    """How far a plan is.

    Attributes:
        experiments: That it is made of.
        done: Runs, or steps, that have ended.
        failed: Of them, those that could not be made.
        total: Runs, or steps, that there are to be.
        active: Whether any of them goes on.
        stopping: Whether it goes on and was asked to stop.
        messages: Why some ended before their time, in sentences.
        doing: What is being done, in a few words, where that is known.
        left: Seconds that it still takes, where that is known.
        partial: How many of its parts can be looked at before it is complete.
    """

    experiments: tuple[Experiment, ...]
    done: int
    failed: int
    total: int
    active: bool
    stopping: bool
    messages: tuple[str, ...]
    doing: str = ""
    left: float | None = None
    partial: int = 0

    @property
    def complete(self) -> bool:
        """Whether all of them have ended."""
        return self.done == self.total and not self.active


class CarriesPlans(Protocol[AskedPlan]):
    """What a page asks of whatever carries out plans of one kind; see `PlanRunner`.

    Attributes:
        plans: That were asked for.
    """

    plans: PlanFolder[AskedPlan]

    def start(self, plan: AskedPlan) -> str:
        """Keep a plan and carry it out, or go on with it; return its id."""
        ...

    def stop(self, plan: AskedPlan) -> None:
        """Ask what goes on to stop; what is done stays done."""
        ...

    def standing(self, plan: AskedPlan) -> Standing:
        """Return how far a plan is."""
        ...

    def result(self, plan: AskedPlan) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return what a plan comes to, as plain values, and its files."""
        ...

    def delete(self, plan_id: str) -> None:
        """Forget a plan that nobody carries out."""
        ...


class PlanRunner(ABC, Generic[AskedPlan]):
    """Carries plans of one kind out.

    Attributes:
        plans: That were asked for.
    """

    NAME: ClassVar[str]

    def __init__(
        self,
        home: Path,
        experiments: ExperimentRunner,
        predictor: Predictor,
        plans: PlanFolder[AskedPlan],
    ) -> None:
        """Prepare to carry plans of a data folder out; nothing starts yet."""
        self.plans = plans
        self._home = home
        self._experiments = experiments
        self._predictor = predictor

    @abstractmethod
    def _prepared(self, plan: AskedPlan) -> AskedPlan:
        """Return a plan as it is carried out, with all that it must know to be so.

        Raises:
            AsmaError: It can't be carried out.
        """

    @abstractmethod
    def _parts(self, plan: AskedPlan) -> Sequence[Plan]:
        """Return the experiments that a plan is made of."""

    @abstractmethod
    def _have_looked(self, plan: AskedPlan, folder: Path) -> None:
        """Have files and, last of them, `ANSWER` written into a folder, unless it is there."""

    def start(self, plan: AskedPlan) -> str:
        """Keep a plan and carry it out, or go on with it; return its id.

        Raises:
            AsmaError: It can't be carried out, or the store can't be written.
        """
        plan = self._prepared(plan)
        found = [self._experiments.store.open(part) for part in self._parts(plan)]
        plan_id = self.plans.keep(plan)
        for experiment in found:
            self._experiments.start(experiment.id)
        return plan_id

    def stop(self, plan: AskedPlan) -> None:
        """Ask what goes on to stop; what is done stays done."""
        for experiment in self.standing(plan).experiments:
            if experiment.active:
                self._experiments.store.ask_to_stop(experiment.id)

    def standing(self, plan: AskedPlan) -> Standing:
        """Return how far a plan is.

        Raises:
            AsmaError: What it is made of can't be told any more.
        """
        store = self._experiments.store
        found = tuple(store.open(part) for part in self._parts(plan))
        every = [cell for one in found for cell in store.cells(one)]
        cells = ended(every)
        return Standing(
            found,
            len(cells),
            sum(not cell.results for cell in cells),
            len(every),
            any(one.active for one in found),
            any(one.active and one.stop for one in found),
            tuple(dict.fromkeys(one.message for one in found if one.message)),
        )

    def result(self, plan: AskedPlan) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Return what a complete plan comes to, as plain values, and its files.

        Raises:
            AsmaError: It is not complete, or a file of it can't be read.
        """
        store = self._experiments.store
        runs = [
            cell.run_id
            for one in self.standing(plan).experiments
            for cell in ended(store.cells(one))
        ]
        stamp = hashlib.sha256(
            " ".join([plan.id, *runs, *self._beside(runs)]).encode()
        ).hexdigest()[:16]
        folder = self._home / "cache" / self.NAME / stamp
        self._have_looked(plan, folder)
        found: dict[str, Any] = read_json(folder / ANSWER)
        files = [path for path in sorted(folder.iterdir()) if path.name != ANSWER]
        return found, {path.name: path.read_bytes() for path in files}

    def _beside(self, runs: Sequence[str]) -> list[str]:
        """Return what else than its runs a plan's result is made of, as names of its state."""
        return []

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

    def _is_active(self, plan: AskedPlan) -> bool:
        # What can't be looked at any more, as when its network is gone, can still be deleted.
        with suppress(AsmaError):
            return self.standing(plan).active
        return False
