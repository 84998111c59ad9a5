"""The store of universal changes: a row for how each plan stands, a folder for what was learned.

    ASMA_HOME/runs.sqlite          table `universal`, one row a plan: state, holder, message
    ASMA_HOME/universal/ID.json    the plan
    ASMA_HOME/universal/ID/        its parts; see `universal_parts`

How far a plan is, its parts say; the row says who has it in hand. Page and command line use the
same, so that what one of them made the other shows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.rights import check_changing, check_making
from asma_core.errors import RunStateError
from asma_core.experiments.universal_parts import Parts
from asma_core.experiments.universal_plan import UniversalPlan, UniversalPlans
from asma_core.runs.database import Database
from asma_core.runs.job_table import JobTable, Waiting
from asma_core.runs.leftovers import finish_deletion
from asma_core.runs.process_locks import this_process
from asma_core.runs.run import DONE, FAILED, INTERRUPTED, QUEUED, RUNNING

STOPPED: Final = "stopped"
ENDED: Final = (STOPPED, FAILED, INTERRUPTED, DONE)


@dataclass(frozen=True)
class Learning:
    """How the learning of a plan stands.

    Attributes:
        state: `QUEUED`, `RUNNING`, or one of `ENDED`.
        stopping: Whether it goes on and was asked to stop.
        message: Why it failed or was interrupted.
    """

    state: str
    stopping: bool = False
    message: str = ""

    @property
    def active(self) -> bool:
        """Whether it goes on or waits for its turn."""
        return self.state in (QUEUED, RUNNING)


class UniversalStore:
    """The universal changes of a data folder.

    Attributes:
        home: The data folder.
        plans: That somebody asked for.
    """

    def __init__(self, home: Path | None = None) -> None:
        """Open the store, making it when absent.

        Raises:
            StoreError: The folder can't be written, or the database is damaged.
        """
        self.home = home or paths.home()
        self.home.mkdir(parents=True, exist_ok=True)
        self.plans = UniversalPlans(self.home)
        self._database = Database(self.home / "runs.sqlite")
        self._jobs = JobTable(self._database, self.home, "universal")

    def parts(self, plan_id: str) -> Parts:
        """Return what was learned of a plan so far."""
        return Parts(self.home / "universal" / plan_id)

    def is_complete(self, plan: UniversalPlan) -> bool:
        """Tell whether all of a plan was learned."""
        return self.parts(plan.id).is_complete(plan)

    def learning(self, plan_id: str) -> Learning:
        """Return how the learning of a plan stands; one that nobody began has stopped."""
        with self._database.reading() as database:
            row = database.execute("SELECT * FROM universal WHERE id = ?", (plan_id,)).fetchone()
        if row is None:
            return Learning(STOPPED)
        active = row["state"] in (QUEUED, RUNNING)
        return Learning(row["state"], active and bool(row["cancel"]), row["message"])

    def queue(self, plan: UniversalPlan) -> bool:
        """Keep a plan, and queue it unless it goes on already; False when it does.

        Raises:
            NotAllowedError: Who acts may not ask for it, or it is somebody else's.
            StoreError: The data folder can't be written.
        """
        author = check_making().name
        self._database.check_writable()
        known = self._author(plan.id)
        if known is not None:
            check_changing(known, f"plan {plan.id}")
        values = (plan.id, time.time(), QUEUED, this_process(self.home), author)
        with self._database.writing() as database:
            self.plans.keep(plan)
            added = database.execute(
                "INSERT OR IGNORE INTO universal (id, created, state, owner, author) "
                "VALUES (?, ?, ?, ?, ?)",
                values,
            ).rowcount
        queued = bool(added) or self._jobs.queue(plan.id, ENDED)
        if queued:
            audit.record("ask for", f"plan {plan.id}", self.home)
        return queued

    def _author(self, plan_id: str) -> str | None:
        """Return whose a plan is; None of one that nobody began."""
        query = "SELECT author FROM universal WHERE id = ?"
        with self._database.reading() as database:
            row = database.execute(query, (plan_id,)).fetchone()
        return None if row is None else str(row["author"])

    def claim(self, plan_id: str) -> bool:
        """Take a queued plan for this process; False when it is not queued any more."""
        return self._jobs.claim(plan_id)

    def waiting(self) -> list[Waiting]:
        """Return the queued plans that this process is to carry out, each author's in order."""
        return self._jobs.waiting()

    def is_queued(self, plan_id: str) -> bool:
        """Tell whether there is such a plan and it waits for its turn."""
        return self._jobs.is_queued(plan_id)

    def end(self, plan_id: str, state: str, message: str = "") -> None:
        """Say how the learning of a plan ended, and why."""
        self._jobs.end(plan_id, state, message=message)

    def fail(self, plan_id: str, message: str) -> None:
        """Say that the learning of a plan failed, and why."""
        self.end(plan_id, FAILED, message)

    def ask_to_stop(self, plan_id: str) -> None:
        """Ask the learning to stop after its step; one that waits stops at once.

        Raises:
            NotAllowedError: It is somebody else's.
        """
        check_changing(self._author(plan_id) or "", f"plan {plan_id}")
        self._jobs.ask_to_stop(plan_id, STOPPED)

    def delete(self, plan_id: str) -> None:
        """Remove a plan that nobody carries out, with what was learned.

        Raises:
            UnknownExperimentError: There is none of that id.
            RunStateError: It goes on.
            StoreError: It can't be removed.
            NotAllowedError: It is somebody else's.
        """
        self.plans.get(plan_id)
        check_changing(self._author(plan_id) or "", f"plan {plan_id}")
        if not self._jobs.delete(plan_id) and self.learning(plan_id).active:
            raise RunStateError("it goes on; stop it before deleting it")
        with self._database.writing() as database:
            # A plan that nobody began has no row.
            note = "INSERT OR REPLACE INTO deleted (kind, name) VALUES ('universal', ?)"
            database.execute(note, (plan_id,))
        finish_deletion(self._database, self.home, "universal", plan_id)

    def recover(self) -> list[str]:
        """Settle what ran in a dead process, and take over the plans that waited for it.

        Returns:
            The plans that this process has taken over and must now carry out, the oldest first.
        """
        return [] if self._database.read_only else self._jobs.recover(self._settle)

    def _settle(self, plan_id: str, holder: str) -> None:
        message = "its process ended before all was learned; what was learned is kept, go on"
        self._jobs.end(plan_id, INTERRUPTED, holder=holder, message=message)
