"""The store of trainings: a row for how each stands, a folder for what it is made of.

    ASMA_HOME/runs.sqlite       table `trainings`, one row a training: state, holder, figures
    ASMA_HOME/trainings/ID/     plan, curve, checkpoint

Every change of state is one conditional UPDATE, so any number of processes may use a store.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.belongings import DATASET, may_see_it
from asma_core.accounts.rights import check_changing, check_making
from asma_core.errors import AsmaError, StoreError
from asma_core.files import as_store_error, read_json, write_json
from asma_core.runs.database import Database, is_read_only
from asma_core.runs.job_table import JobTable, Waiting
from asma_core.runs.leftovers import finish_deletion
from asma_core.runs.process_locks import this_process
from asma_core.runs.row_copies import copy_row
from asma_core.runs.run import DONE, FAILED, INTERRUPTED, QUEUED, RUNNING
from asma_core.training.old_records import as_now, take_in
from asma_core.training.plan import TrainingPlan, plan_from_dict
from asma_core.training.record import ENDED, HALTED, STOPPED, Training

__all__ = [
    "DONE",
    "ENDED",
    "FAILED",
    "INTERRUPTED",
    "QUEUED",
    "RUNNING",
    "STOPPED",
    "Training",
    "TrainingStore",
]

_PLAN: Final = "plan.json"
_CURVE: Final = "curve.json"


class TrainingStore:
    """The trainings of a data folder.

    Attributes:
        home: The data folder.
    """

    def __init__(self, home: Path | None = None) -> None:
        """Open the store, making it when absent; records of older versions are taken in.

        Raises:
            StoreError: The folder can't be written, or the database is damaged.
        """
        self.home = home or paths.home()
        if not is_read_only(self.home / "runs.sqlite"):
            with as_store_error(self.home):
                (self.home / "trainings").mkdir(parents=True, exist_ok=True)
        self._database = Database(self.home / "runs.sqlite")
        self._jobs = JobTable(self._database, self.home, "trainings")
        self._take_in()

    # What goes in ---------------------------------------------------------------------------

    def create(self, plan: TrainingPlan) -> Training:
        """Keep a plan; the training is then queued.

        Raises:
            NotAllowedError: Who acts may not train.
            StoreError: The data folder can't be written.
        """
        author = check_making().name
        self._database.check_writable()
        holder, created = this_process(self.home), time.time()
        training_id = secrets.token_hex(4)
        # Until it is there as a whole, it counts as deleted: a crash leaves nothing of it.
        with self._database.writing() as database:
            database.execute(
                "INSERT INTO deleted (kind, name) VALUES ('trainings', ?)", (training_id,)
            )
        with self._database.writing() as database:
            database.execute("DELETE FROM deleted WHERE name = ?", (training_id,))
            database.execute(
                "INSERT INTO trainings (id, created, state, owner, author) VALUES (?, ?, ?, ?, ?)",
                (training_id, created, QUEUED, holder, author),
            )
            content = {"created": created, "plan": plan.as_dict()}
            write_json(self.folder(training_id) / _PLAN, content)
            copy_row(database, self.home, "trainings", training_id)
        audit.record("train", f"training {training_id}", self.home)
        return self.get(training_id)

    def claim(self, training_id: str) -> bool:
        """Begin, or go on with, a queued training in this process; False when it isn't queued."""
        return self._jobs.claim(training_id)

    def queue(self, training_id: str) -> bool:
        """Queue a training that was stopped, interrupted or failed; False when it was not.

        Raises:
            NotAllowedError: It is somebody else's.
        """
        check_changing(self.get(training_id).author, f"training {training_id}")
        return self._jobs.queue(training_id, HALTED)

    def ask_to_stop(self, training_id: str) -> None:
        """Ask a training to stop after its step; one that waits stops at once.

        Raises:
            NotAllowedError: It is somebody else's.
        """
        check_changing(self.get(training_id).author, f"training {training_id}")
        self._jobs.ask_to_stop(training_id, STOPPED)
        audit.record("stop", f"training {training_id}", self.home)

    def keep_curve(self, training_id: str, curve: Mapping[str, Any]) -> None:
        """Keep how far a training is."""
        write_json(self.folder(training_id) / _CURVE, curve)

    def end(
        self,
        training_id: str,
        state: str,
        *,
        message: str = "",
        network: str = "",
        figures: Mapping[str, Any] | None = None,
    ) -> None:
        """Say how a running training ended.

        Args:
            training_id: The training.
            state: In which it ended.
            message: Why it failed.
            network: Name of the network that it gave.
            figures: Scores on the test images.
        """
        text = json.dumps(figures or {}, allow_nan=False)
        self._jobs.end(training_id, state, message=message, network=network, figures=text)
        with self._database.writing() as database:
            copy_row(database, self.home, "trainings", training_id)

    def fail(self, training_id: str, message: str) -> None:
        """Say that a running training failed, and why."""
        self.end(training_id, FAILED, message=message)

    def delete(self, training_id: str) -> None:
        """Remove the record of a training that has ended; its network stays.

        Raises:
            StoreError: It has not ended, or can't be removed.
            NotAllowedError: It is somebody else's.
        """
        check_changing(self.get(training_id).author, f"training {training_id}")
        if not self._jobs.delete(training_id):
            raise StoreError("this training has not ended; stop it first")
        audit.record("delete", f"training {training_id}", self.home)
        finish_deletion(self._database, self.home, "trainings", training_id)

    # What comes out -------------------------------------------------------------------------

    def get(self, training_id: str) -> Training:
        """Return a training.

        Raises:
            StoreError: There is none of that id, or its files are damaged.
        """
        row = self._row(training_id)
        if row is None:
            raise StoreError(f"no training has the id {training_id!r}; the Models page lists them")
        return self._of_row(row)

    def all(self) -> list[Training]:
        """Return all trainings, newest first; `damaged` has those that can't be read."""
        return self._all()[0]

    def damaged(self) -> list[str]:
        """Return why trainings can't be read, a sentence each."""
        return self._all()[1]

    def _all(self) -> tuple[list[Training], list[str]]:
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT * FROM trainings ORDER BY created DESC, rowid DESC"
            ).fetchall()
        found, damaged = [], []
        for row in rows:
            try:
                found.append(self._of_row(row))
            except AsmaError as error:
                damaged.append(str(error))
        return [one for one in found if may_see_it(DATASET, one.plan.dataset)], damaged

    def waiting(self) -> list[Waiting]:
        """Return the queued trainings that this process is to carry out, each author's in order."""
        return self._jobs.waiting()

    def is_queued(self, training_id: str) -> bool:
        """Tell whether there is such a training and it waits for its turn."""
        return self._jobs.is_queued(training_id)

    def shall_stop(self, training_id: str) -> bool:
        """Tell whether somebody has asked it to stop, or has deleted it."""
        row = self._row(training_id)
        return row is None or bool(row["cancel"])

    def folder(self, training_id: str) -> Path:
        """Return the folder of a training."""
        return self.home / "trainings" / training_id

    def checkpoint(self, training_id: str) -> Path:
        """Return the file from which a training goes on."""
        return self.folder(training_id) / "checkpoint"

    def _row(self, training_id: str) -> sqlite3.Row | None:
        # What the address bar says may hold what SQLite can't.
        if not training_id.isalnum():
            return None
        with self._database.reading() as database:
            row: sqlite3.Row | None = database.execute(
                "SELECT * FROM trainings WHERE id = ?", (training_id,)
            ).fetchone()
        return row

    def _of_row(self, row: sqlite3.Row) -> Training:
        folder = self.folder(row["id"])
        curve = folder / _CURVE
        try:
            return Training(
                id=row["id"],
                plan=plan_from_dict(read_json(folder / _PLAN)["plan"]),
                created=float(row["created"]),
                state=row["state"],
                message=row["message"],
                network=row["network"],
                curve=as_now(read_json(curve)) if curve.exists() else None,
                figures=dict(json.loads(row["figures"])),
                author=row["author"],
            )
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(
                f"the record of training {row['id']} is damaged ({error}); delete it, or put "
                f"{folder} back from a backup"
            ) from error

    # After a crash --------------------------------------------------------------------------

    def recover(self) -> list[str]:
        """Settle the trainings whose process is gone: one that ran is interrupted.

        Returns:
            The queued trainings that this process has taken over and must now carry out, the
            oldest first.
        """
        if self._database.read_only:
            return []
        self._take_in()
        return self._jobs.recover(self._settle)

    def _take_in(self) -> None:
        """Take in records of older versions; an archive stays as it is."""
        if not self._database.read_only:
            take_in(self._database, self.home)

    def _settle(self, training_id: str, holder: str) -> None:
        message = "its process ended before the training did; go on with it"
        self._jobs.end(training_id, INTERRUPTED, holder=holder, message=message)
