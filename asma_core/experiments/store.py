"""The experiments that were asked for: their plans, and which run is which cell's.

They live in the store's database. An experiment has no state of its own: a cell is done when its
run is, and somebody carries the experiment out as long as the process that claimed it lives.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from asma_core.accounts import audit
from asma_core.accounts.belongings import DATASET, may_see_it
from asma_core.accounts.rights import check_changing, check_making
from asma_core.attacks.settings import TOWARDS
from asma_core.errors import InputError, RunStateError, StoreError, UnknownExperimentError
from asma_core.experiments.cells import Cell
from asma_core.experiments.plan import Plan, plan_from_dict
from asma_core.runs.database import Database
from asma_core.runs.leftovers import finish_deletion
from asma_core.runs.process_locks import is_alive, this_process
from asma_core.runs.row_copies import copy_row
from asma_core.runs.rows import run_of_row
from asma_core.runs.run import DAMAGED, DONE, FAILED, Run
from asma_core.runs.store import RunStore
from asma_core.runs.visibility import seen


@dataclass(frozen=True)
class Experiment:
    """An experiment as the store knows it.

    Attributes:
        id: Eight hexadecimal digits.
        created: Seconds since 1970.
        plan: What to do.
        active: Whether a living process carries it out.
        stop: Whether somebody asked it to stop.
        message: Why it ended before its time, in a sentence; "" when it did not.
        author: Who asked for it; "" of before people signed in.
    """

    id: str
    created: float
    plan: Plan
    active: bool
    stop: bool
    message: str
    author: str = ""


class ExperimentStore:
    """The experiments under one data folder.

    Attributes:
        runs: The store of their runs.
    """

    def __init__(self, runs: RunStore) -> None:
        """Open the experiments beside a store of runs.

        Raises:
            StoreError: The database can't be written.
        """
        self.runs = runs
        self._database = Database(runs.home / "runs.sqlite")

    def open(self, plan: Plan) -> Experiment:
        """Return the experiment of a plan, a new one if nobody asked for the same before.

        Raises:
            NotAllowedError: It would be new, and who acts may not ask for one.
            StoreError: The store can't be written.
        """
        text = json.dumps(plan.as_dict(), sort_keys=True)
        with self._database.writing() as database:
            row = database.execute("SELECT id FROM experiments WHERE plan = ?", (text,)).fetchone()
            known = str(row["id"]) if row else secrets.token_hex(4)
            if row is None:
                database.execute(
                    "INSERT INTO experiments (id, created, plan, author) VALUES (?, ?, ?, ?)",
                    (known, time.time(), text, check_making().name),
                )
                copy_row(database, self.runs.home, "experiments", known)
        if row is None:
            audit.record("ask for", f"experiment {known}", self.runs.home)
        return self.get(known)

    def get(self, experiment_id: str) -> Experiment:
        """Return an experiment.

        Raises:
            UnknownExperimentError: There is none of that id that who acts may see.
        """
        with self._database.reading() as database:
            row = database.execute(
                "SELECT * FROM experiments WHERE id = ?", (experiment_id,)
            ).fetchone()
        found = None if row is None else self._of_row(row)
        if found is None or not _is_seen(found):
            raise UnknownExperimentError(
                f"no experiment is called {experiment_id[:40]!r}; the Experiments page lists those "
                "there are"
            )
        return found

    def newest(self, most: int | None = None) -> list[Experiment]:
        """Return the experiments that who acts may see, the newest first; see `damaged`.

        Args:
            most: How many at most; None for all.
        """
        with self._database.reading() as database:
            return list(islice(filter(_is_seen, self._readable(database, [])), most))

    def damaged(self, most: int | None = None) -> list[str]:
        """Return why experiments can't be read, a sentence each.

        Args:
            most: How many of the newest are looked at; None for all.
        """
        damaged: list[str] = []
        with self._database.reading() as database:
            for _ in self._readable(database, damaged, most):
                continue
        return damaged

    def _readable(
        self, database: sqlite3.Connection, damaged: list[str], most: int | None = None
    ) -> Iterator[Experiment]:
        """Yield those that can be read, the newest first; why others can't goes into `damaged`."""
        query = "SELECT * FROM experiments ORDER BY created DESC, rowid DESC LIMIT ?"
        for row in database.execute(query, (-1 if most is None else most,)):
            try:
                yield self._of_row(row)
            except StoreError as error:
                damaged.append(str(error))

    def _of_row(self, row: sqlite3.Row) -> Experiment:
        try:
            return Experiment(
                id=row["id"],
                created=float(row["created"]),
                plan=plan_from_dict(json.loads(row["plan"])),
                active=is_alive(self.runs.home, row["owner"]),
                stop=bool(row["stop"]),
                message=row["message"],
                author=row["author"],
            )
        except (LookupError, TypeError, ValueError, AttributeError, InputError) as error:
            raise StoreError(
                f"the record of experiment {row['id']} is damaged; its runs are on the Runs page, "
                "and a backup may have the record"
            ) from error

    def delete(self, experiment_id: str) -> None:
        """Forget an experiment that nobody carries out; its runs stay.

        Raises:
            RunStateError: It is being carried out.
            NotAllowedError: It is somebody else's.
        """
        experiment = self.get(experiment_id)
        check_changing(experiment.author, f"experiment {experiment_id}")
        if experiment.active:
            raise RunStateError(f"experiment {experiment_id} goes on; stop it before deleting it")
        with self._database.writing() as database:
            database.execute("DELETE FROM experiments WHERE id = ?", (experiment_id,))
            database.execute("DELETE FROM experiment_cells WHERE experiment = ?", (experiment_id,))
        audit.record("delete", f"experiment {experiment_id}", self.runs.home)
        finish_deletion(self._database, self.runs.home, "experiments", experiment_id)

    # Who carries it out ---------------------------------------------------------------------

    def claim(self, experiment_id: str) -> bool:
        """Take an experiment for this process; False when a living process has it."""
        own = this_process(self.runs.home)
        with self._database.writing() as database:
            row = database.execute(
                "SELECT owner FROM experiments WHERE id = ?", (experiment_id,)
            ).fetchone()
            if row is None or is_alive(self.runs.home, row["owner"]):
                return False
            database.execute(
                "UPDATE experiments SET owner = ?, stop = 0, message = '' WHERE id = ?",
                (own, experiment_id),
            )
            return True

    def release(self, experiment_id: str, message: str = "") -> None:
        """Say that this process carries an experiment out no longer, and why if before its time."""
        with self._database.writing() as database:
            database.execute(
                "UPDATE experiments SET owner = '', message = ? WHERE id = ?",
                (message, experiment_id),
            )
            copy_row(database, self.runs.home, "experiments", experiment_id)

    def left_behind(self) -> list[str]:
        """Return the experiments, the oldest first, whose process is gone though none said stop."""
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT id, owner FROM experiments WHERE owner <> '' AND stop = 0 "
                "ORDER BY created, rowid"
            ).fetchall()
        return [row["id"] for row in rows if not is_alive(self.runs.home, row["owner"])]

    def ask_to_stop(self, experiment_id: str) -> None:
        """Ask whoever carries an experiment out to stop; what is done stays done.

        Raises:
            NotAllowedError: It is somebody else's.
        """
        check_changing(self.get(experiment_id).author, f"experiment {experiment_id}")
        with self._database.writing() as database:
            database.execute("UPDATE experiments SET stop = 1 WHERE id = ?", (experiment_id,))
        audit.record("stop", f"experiment {experiment_id}", self.runs.home)

    # Cells ----------------------------------------------------------------------------------

    def attach(self, experiment_id: str, place: int, run_id: str) -> None:
        """Say which run is a cell's."""
        self._put(experiment_id, place, run_id, "")

    def refuse(self, experiment_id: str, place: int, message: str) -> None:
        """Say why a cell can't have a run."""
        self._put(experiment_id, place, "", message)

    def _put(self, experiment_id: str, place: int, run_id: str, message: str) -> None:
        with self._database.writing() as database:
            database.execute(
                "INSERT OR REPLACE INTO experiment_cells (experiment, place, run, message) "
                "VALUES (?, ?, ?, ?)",
                (experiment_id, place, run_id, message),
            )

    def cell_runs(self, experiment_id: str) -> dict[int, Run]:
        """Return the runs of cells, in whatever state, by the cell's place."""
        may, values = seen()
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT place, runs.* FROM experiment_cells JOIN runs ON run = runs.id "
                f"WHERE experiment = ? AND {may}",
                (experiment_id, *values),
            ).fetchall()
        return {row["place"]: run_of_row(row) for row in rows}

    def count_ended(self, experiment_id: str) -> int:
        """Return how many cells have ended, without reading their runs."""
        with self._database.reading() as database:
            row = database.execute(
                "SELECT count(*) FROM experiment_cells AS cell LEFT JOIN runs ON run = runs.id "
                "WHERE experiment = ? AND (state IN (?, ?) OR cell.message <> '')",
                (experiment_id, DONE, FAILED),
            ).fetchone()
        return int(row[0])

    def cells(
        self, experiment: Experiment, runs: Mapping[int, Run] | None = None
    ) -> list[Cell | None]:
        """Return what became of each cell of the plan; None of those that have not ended.

        Args:
            experiment: The experiment.
            runs: Of its cells, where `cell_runs` has read them already.
        """
        runs = self.cell_runs(experiment.id) if runs is None else runs
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT place, message FROM experiment_cells "
                "WHERE experiment = ? AND message <> ''",
                (experiment.id,),
            ).fetchall()
        refused = {row["place"]: row["message"] for row in rows}
        return _cells(experiment.plan, runs, refused)


def _is_seen(experiment: Experiment) -> bool:
    """Tell whether who acts may see an experiment: whose images it is on, decides."""
    return may_see_it(DATASET, experiment.plan.dataset)


def _cells(plan: Plan, runs: Mapping[int, Run], refused: Mapping[int, str]) -> list[Cell | None]:
    cells: list[Cell | None] = []
    for place, (names, row) in enumerate(plan.cells()):
        run = runs.get(place)
        if run is not None and run.state in (DONE, FAILED, DAMAGED):
            aim = run.aim
            cells.append(Cell(row.label, row.attack, *names, run.id, run.results, run.message, aim))
        elif place in refused:
            aim = str(row.config.get("goal_is", TOWARDS))
            cells.append(Cell(row.label, row.attack, *names, "", {}, refused[place], aim))
        else:
            cells.append(None)
    return cells


def ended(cells: Sequence[Cell | None]) -> list[Cell]:
    """Return the cells that have ended."""
    return [cell for cell in cells if cell is not None]
