"""The store of runs: SQLite for what is searched, a folder per run for its files.

    ASMA_HOME/runs.sqlite       one row a run: state, spec, results, verdict, note, tags
    ASMA_HOME/inputs/HASH.npz   image and masks, shared by the runs that use them
    ASMA_HOME/work/ID/          what a running attack shows, and its files as they are written
    ASMA_HOME/runs/ID/          the files of a run that ended with a result; never changed
    ASMA_HOME/rows/             copies of what the database alone knows; see `row_copies`

    ASMA_HOME/owners/*.lock     one a living process; see `asma_core.runs.process_locks`

A result is written aside in work/ID and renamed into runs/ID; only then does the row say so.
Every change of state is one conditional UPDATE, so any number of processes may use a store.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
import time
import zipfile
import zlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.belongings import DATASET, belonging
from asma_core.accounts.quota import check_quota, forget_sums
from asma_core.accounts.rights import check_changing, check_making
from asma_core.errors import RunStateError, StoreError, UnknownRunError
from asma_core.files import as_store_error, close_to_others, read_json, write_bytes
from asma_core.runs import leftovers
from asma_core.runs.database import Database, is_read_only
from asma_core.runs.job_table import JobTable, Waiting
from asma_core.runs.judgements import Judgements
from asma_core.runs.leftovers import RECORD
from asma_core.runs.process_locks import this_process
from asma_core.runs.row_copies import copy_row
from asma_core.runs.rows import run_of_row
from asma_core.runs.run import (
    CANCELLED,
    FAILED,
    INTERRUPTED,
    QUEUED,
    RUNNING,
    Run,
)
from asma_core.runs.search import RunSearch
from asma_core.runs.spec import RunInputs, RunRequest, RunSpec, make_spec
from asma_core.runs.visibility import seen
from asma_core.server_config import settings

# In a run's work folder: somebody asked it to stop. Who has no database reads it there.
STOP: Final = "stop"


class RunStore:
    """The runs under one data folder.

    Attributes:
        home: The data folder.
        search: Finds runs, by pages and without reading all of them.
        judgements: What people say of them.
    """

    def __init__(self, home: Path | None = None) -> None:
        """Open the store, making it when absent.

        Raises:
            StoreError: The folder can't be written, or the database is damaged.
        """
        self.home = home or paths.home()
        if not is_read_only(self.home / "runs.sqlite"):
            with as_store_error(self.home):
                for name in ("runs", "work", "inputs"):
                    (self.home / name).mkdir(parents=True, exist_ok=True)
            close_to_others(self.home)
        self._database = Database(self.home / "runs.sqlite")
        self._jobs = JobTable(self._database, self.home, "runs")
        self.search = RunSearch(self._database)
        self.judgements = Judgements(self._database, self.home, self.get)

    # What goes in ---------------------------------------------------------------------------

    def create(self, request: RunRequest, inputs: RunInputs) -> Run:
        """Queue a run.

        Raises:
            InputError: The request or its inputs do not fit.
            NotAllowedError: Who acts may not attack.
            StoreError: The disk is full or can't be written.
        """
        who = check_making()
        packed = inputs.packed()
        check_quota(who, len(packed))
        spec = make_spec(request, inputs, packed)
        self._database.check_writable()
        holder = this_process(self.home)
        try:
            with self._database.writing() as database:
                file = self._inputs_file(spec.inputs_hash)
                if not file.exists():
                    write_bytes(file, packed)
                run_id = self._insert(database, spec, holder, who.name)
        except StoreError:
            self._forget_inputs(spec.inputs_hash)
            raise
        # Afterwards, so that no crash leaves a copy of a run that there is not.
        with suppress(StoreError):
            self._copy(run_id)
        told = {"attack": spec.attack, "network": spec.model, "dataset": spec.dataset}
        audit.record("attack", f"run {run_id}", self.home, **told)
        return self.get(run_id)

    def _insert(self, database: sqlite3.Connection, spec: RunSpec, holder: str, author: str) -> str:
        run_id = secrets.token_hex(4)
        while self._is_taken(database, run_id):
            run_id = secrets.token_hex(4)
        text, private = _dump(spec.as_dict()), is_private(spec.dataset)
        database.execute(
            "INSERT INTO runs (id, created, state, owner, inputs_hash, spec, author, private) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (run_id, time.time(), QUEUED, holder, spec.inputs_hash, text, author, private),
        )
        return run_id

    def _is_taken(self, database: sqlite3.Connection, run_id: str) -> bool:
        row = database.execute(
            "SELECT 1 FROM runs WHERE id = ? UNION SELECT 1 FROM deleted WHERE name = ?",
            (run_id, run_id),
        ).fetchone()
        return row is not None or self.folder(run_id).exists()

    def _forget_inputs(self, inputs_hash: str) -> None:
        """Remove the inputs that no run uses."""
        with self._database.writing() as database:
            leftovers.forget_inputs(database, self.home, inputs_hash)

    def claim(self, run_id: str) -> bool:
        """Take a queued run for this process; False when it is not queued any more."""
        return self._jobs.claim(run_id)

    def ask_to_stop(self, run_id: str) -> None:
        """Cancel a queued run at once, and ask a running one to stop."""
        self._jobs.ask_to_stop(run_id, CANCELLED)
        self._copy(run_id)
        # It ended, or has not begun, where there is no such folder.
        with suppress(FileNotFoundError):
            (self.work_folder(run_id) / STOP).touch()

    def finish(
        self, run_id: str, state: str, staged: Path, results: Mapping[str, Any], message: str = ""
    ) -> None:
        """Move the files of a run into place, then say that it ended.

        Raises:
            StoreError: The disk is full or can't be written. When the files are in place all the
                same, `fail` and `recover` find them there.
        """
        with as_store_error(staged):
            size = sum(path.stat().st_size for path in staged.rglob("*") if path.is_file())
            staged.replace(self.folder(run_id))
        self._end(run_id, state, results=results, message=message, size=size)

    def fail(self, run_id: str, message: str, state: str = FAILED) -> None:
        """Say that a run ended without a result, and why; what it had written aside goes first.

        A run whose files are in place already has its result, whatever went wrong after that.
        """
        shutil.rmtree(self.work_folder(run_id), ignore_errors=True)
        record = self._record(run_id)
        if record is None:
            self._end(run_id, state, message=message)
        else:
            self._end(run_id, record["state"], results=record["results"])

    def _record(self, run_id: str) -> dict[str, Any] | None:
        file = self.folder(run_id) / RECORD
        if not file.exists():
            return None
        record: dict[str, Any] = read_json(file)
        return record

    def _end(
        self,
        run_id: str,
        state: str,
        results: Mapping[str, Any] | None = None,
        message: str = "",
        size: int = 0,
    ) -> None:
        self._jobs.end(run_id, state, results=_dump(results or {}), message=message, bytes=size)
        self._copy(run_id)
        shutil.rmtree(self.work_folder(run_id), ignore_errors=True)

    def _copy(self, run_id: str) -> None:
        with self._database.writing() as database:
            copy_row(database, self.home, "runs", run_id)

    def share(self, run_id: str) -> None:
        """Let everybody see a run.

        Raises:
            UnknownRunError: No such run.
            NotAllowedError: It is somebody else's.
            StoreError: The store can't be written.
        """
        self._mark(run_id, "private", False, "share")

    def pin(self, run_id: str, pinned: bool = True) -> None:
        """Keep a run when old ones are deleted, or let it go with them.

        Raises:
            UnknownRunError: No such run.
            NotAllowedError: It is somebody else's.
            StoreError: The store can't be written.
        """
        self._mark(run_id, "pinned", pinned, "pin" if pinned else "unpin")

    def _mark(self, run_id: str, column: str, value: bool, action: str) -> None:
        check_changing(self.get(run_id).author, f"run {run_id}")
        with self._database.writing() as database:
            database.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (value, run_id))
            copy_row(database, self.home, "runs", run_id)
        audit.record(action, f"run {run_id}", self.home)

    def delete(self, run_id: str) -> None:
        """Delete a run that has ended, with its files.

        Raises:
            RunStateError: It is queued or running.
            NotAllowedError: It is somebody else's.
        """
        run = self.get(run_id)
        check_changing(run.author, f"run {run_id}")
        if not run.ended:
            raise RunStateError(f"run {run_id} is {run.state}; stop it before deleting it")
        if self._jobs.delete(run_id):
            audit.record("delete", f"run {run_id}", self.home)
            forget_sums()
            leftovers.finish_deletion(self._database, self.home, "runs", run_id)

    # What comes out -------------------------------------------------------------------------

    def get(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            UnknownRunError: There is none of that id.
        """
        _checked(run_id)
        may, values = seen()
        with self._database.reading() as database:
            query = f"SELECT * FROM runs WHERE id = ? AND {may}"
            row = database.execute(query, (run_id, *values)).fetchone()
        if row is None:
            raise UnknownRunError(
                f"no run is called {run_id!r}; the Runs page and "
                "`python -m asma_core runs` list those there are"
            )
        return run_of_row(row)

    def newest(self, limit: int | None = None) -> list[Run]:
        """Return the newest runs first."""
        return self.search.page(most=limit)

    def count(self, state: str) -> int:
        """Return how many runs are in a state."""
        with self._database.reading() as database:
            query = "SELECT count(*) FROM runs WHERE state = ?"
            return int(database.execute(query, (state,)).fetchone()[0])

    def waiting(self) -> list[Waiting]:
        """Return the queued runs that this process is to carry out, each author's in order."""
        return self._jobs.waiting()

    def finished_with(self, inputs_hash: str) -> list[Run]:
        """Return the runs that finished with the same image and target."""
        return self.search.finished_with(inputs_hash)

    def queued(self) -> list[Run]:
        """Return the runs that wait for their turn."""
        with self._database.reading() as database:
            rows = database.execute("SELECT * FROM runs WHERE state = ?", (QUEUED,)).fetchall()
        return [run for run in map(run_of_row, rows) if not run.damage]

    def move(self, run_ids: Collection[str], by: int) -> list[str]:
        """Move queued runs among those of their authors; see `JobTable.move`."""
        return self._jobs.move(run_ids, by)

    def give_back(self, run_id: str) -> bool:
        """Queue a run again that this process claimed; False when it is not running."""
        return self._jobs.give_back(run_id)

    def hold(self, run_id: str) -> bool:
        """Hold a running run whose process is about to be ended; see `JobTable.hold`."""
        return self._jobs.hold(run_id)

    def has_result(self, run_id: str) -> bool:
        """Tell whether the files of a run's result are in place, whatever its row says."""
        return (self.folder(run_id) / RECORD).exists()

    def ended_before(self, moment: float) -> list[str]:
        """Return the runs that ended before a moment and are not pinned, the oldest first.

        Args:
            moment: Seconds since 1970.
        """
        query = (
            "SELECT id FROM runs WHERE finished IS NOT NULL AND finished < ? AND pinned = 0 "
            "AND state NOT IN (?, ?) ORDER BY finished"
        )
        with self._database.reading() as database:
            rows = database.execute(query, (moment, QUEUED, RUNNING)).fetchall()
        return [row["id"] for row in rows]

    def is_queued(self, run_id: str) -> bool:
        """Tell whether there is such a run and it waits for its turn."""
        return self._jobs.is_queued(run_id)

    def stop_wanted(self, run_id: str) -> bool:
        """Tell whether somebody asked a run to stop."""
        return self.get(run_id).cancel

    def inputs(self, run: Run) -> RunInputs:
        """Read the image and the masks of a run.

        Raises:
            StoreError: The file is gone or damaged.
        """
        return read_inputs(self.home, run)

    def folder(self, run_id: str) -> Path:
        """Return where the files of a run with a result are."""
        return self.home / "runs" / _checked(run_id)

    def work_folder(self, run_id: str) -> Path:
        """Return where a running attack shows what it is at."""
        return self.home / "work" / _checked(run_id)

    def staging_folder(self, run_id: str) -> Path:
        """Return where the files of a run's result are written aside."""
        return self.work_folder(run_id) / "result"

    def _inputs_file(self, inputs_hash: str) -> Path:
        return _inputs_file(self.home, inputs_hash)

    # After a crash --------------------------------------------------------------------------

    def recover(self) -> list[str]:
        """Settle the runs whose process is gone.

        A running one whose files were in place is done; another is interrupted.

        Returns:
            The queued runs that this process has taken over and must now carry out, the oldest
            first. None in an archive.
        """
        if self._database.read_only:
            return []
        return self._jobs.recover(lambda run_id, _: self._settle(run_id))

    def _settle(self, run_id: str) -> None:
        try:
            self.fail(run_id, "its process ended before the run did; repeat it", INTERRUPTED)
        except StoreError as error:
            if not self.has_result(run_id):
                raise
            # Damaged by the same crash; it must not keep the other runs from being settled.
            self._end(run_id, INTERRUPTED, message=f"{error}; repeat the run")

    def tidy(self) -> None:
        """Remove what crashes left: rests of deletions, inputs of no run, what was written aside.

        Other processes may write meanwhile. An archive stays as it is.
        """
        leftovers.tidy(self._database, self.home)


def read_inputs(home: Path, run: Run) -> RunInputs:
    """Read the image and the masks of a run from a data folder.

    Raises:
        StoreError: The file is gone or damaged.
    """
    file = _inputs_file(home, run.spec.inputs_hash)
    with as_store_error(file):
        packed = file.read_bytes()
    try:
        return RunInputs.unpacked(packed)
    except (ValueError, LookupError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise StoreError(f"{file} is damaged; restore it from a copy or delete the run") from error


def _inputs_file(home: Path, inputs_hash: str) -> Path:
    return home / "inputs" / f"{inputs_hash}.npz"


def _checked(run_id: str) -> str:
    """Keep an id from the address bar from leaving the data folder."""
    if len(run_id) != 8 or not set(run_id) <= set("0123456789abcdef"):
        raise UnknownRunError(f"{run_id[:40]!r} is no run; an id has eight hexadecimal digits")
    return run_id


def is_private(dataset: str) -> bool:
    """Tell whether a run on an image of a data set is its author's alone at first.

    Args:
        dataset: Its name; "" for an image that somebody has brought.
    """
    if not settings().people_sign_in:
        return False
    return not dataset or not belonging(DATASET, dataset).shared


def _dump(value: Mapping[str, Any]) -> str:
    # Only ASCII, as the name of a file may hold bytes that SQLite's texts can't.
    return json.dumps(value, allow_nan=False)
