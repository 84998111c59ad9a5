"""Plans of several experiments in the background: these through the queue, figures in a process."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, Generic

from asma_core.errors import AsmaError, RunStateError
from asma_core.experiments.plan import Plan
from asma_core.experiments.plan_files import PlanFiles, PlanKind
from asma_core.experiments.store import Experiment, ExperimentStore, ended
from asma_core.files import json_values, read_json, write_json
from asma_core.jobs.experiments import ExperimentRunner
from asma_core.jobs.predictions import Predictor
from asma_core.runs.store import RunStore

ANSWER: Final = "answer.json"


@dataclass(frozen=True)
class Standing:
    """How far a plan is.

    Attributes:
        experiments: In the order of its parts.
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


class PlanRunner(Generic[PlanKind]):
    """Carries plans of one kind out; a kind says what its experiments are and what to look at.

    Attributes:
        NAME: Of the folder of what was looked at.
        plans: That were asked for.
    """

    NAME: ClassVar[str]

    def __init__(
        self,
        home: Path,
        plans: PlanFiles[PlanKind],
        experiments: ExperimentRunner,
        predictor: Predictor,
    ) -> None:
        """Prepare to carry plans of a data folder out; nothing starts yet."""
        self.plans = plans
        self._home = home
        self._experiments = experiments
        self._predictor = predictor

    def parts(self, plan: PlanKind) -> list[Plan]:
        """Return the experiments of a plan; what they need is kept if it is new.

        Raises:
            AsmaError: A name that there is not, or what can't be asked together.
        """
        raise NotImplementedError

    def check(self, plan: PlanKind) -> None:
        """Refuse what can't be started, and prepare what needs torch.

        Raises:
            AsmaError: It can't be started.
        """

    def look(self) -> Callable[[ExperimentStore, PlanKind, Path], dict[str, Any]]:
        """Return a function of a module that looks at a complete plan, in a process with torch.

        It writes tables and the like into a folder, and returns plain values.
        """
        raise NotImplementedError

    def start(self, plan: PlanKind) -> str:
        """Keep a plan and carry it out, or go on with it; return its id.

        Raises:
            AsmaError: It can't be started, or the store can't be written.
        """
        self.check(plan)
        found = [self._experiments.store.open(part) for part in self.parts(plan)]
        plan_id = self.plans.keep(plan)
        for experiment in found:
            self._experiments.start(experiment.id)
        return plan_id

    def stop(self, plan: PlanKind) -> None:
        """Ask what goes on to stop; what is done stays done."""
        for experiment in self.standing(plan).experiments:
            if experiment.active:
                self._experiments.store.ask_to_stop(experiment.id)

    def standing(self, plan: PlanKind) -> Standing:
        """Return how far a plan is.

        Raises:
            AsmaError: As for `parts`.
        """
        store = self._experiments.store
        found = tuple(store.open(part) for part in self.parts(plan))
        cells = [cell for one in found for cell in ended(store.cells(one))]
        return Standing(
            found,
            len(cells),
            sum(not cell.results for cell in cells),
            sum(len(one.plan.cells()) for one in found),
            any(one.active for one in found),
            any(one.active and one.stop for one in found),
            tuple(dict.fromkeys(one.message for one in found if one.message)),
        )

    def result(self, plan: PlanKind) -> tuple[dict[str, Any], dict[str, bytes]]:
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
        stamp = hashlib.sha256(" ".join([plan.id, *runs]).encode()).hexdigest()[:16]
        folder = self._home / "cache" / self.NAME / stamp
        asked = str(self._home), self.look(), plan, str(folder)
        self._predictor.have_made(folder / ANSWER, _look, *asked)
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

    def _is_active(self, plan: PlanKind) -> bool:
        # What can't be looked at any more, as when its network is gone, can still be deleted.
        with suppress(AsmaError):
            return self.standing(plan).active
        return False


def _look(
    home: str,
    look: Callable[[ExperimentStore, PlanKind, Path], dict[str, Any]],
    plan: PlanKind,
    folder: str,
) -> None:
    found = look(ExperimentStore(RunStore(Path(home))), plan, Path(folder))
    # Last, as what there is of it counts as made.
    write_json(Path(folder) / ANSWER, json_values(found))
