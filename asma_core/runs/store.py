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
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from asma_core import paths
from asma_core.errors import RunStateError, StoreError, UnknownRunError
from asma_core.files import as_store_error, read_json, write_bytes
from asma_core.runs import leftovers
from asma_core.runs.database import Database, is_read_only, storable
from asma_core.runs.job_table import JobTable
from asma_core.runs.leftovers import RECORD
from asma_core.runs.process_locks import this_process
from asma_core.runs.row_copies import copy_row
from asma_core.runs.run import (
    CANCELLED,
    FAILED,
    INTERRUPTED,
    QUEUED,
    Run,
    run_of_row,
)
from asma_core.runs.spec import RunInputs, RunRequest, RunSpec, make_spec


class RunStore:
    """The runs under one data folder.

    Attributes:
        home: The data folder.
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
        self._database = Database(self.home / "runs.sqlite")
        self._jobs = JobTable(self._database, self.home, "runs")

    # What goes in ---------------------------------------------------------------------------

    def create(self, request: RunRequest, inputs: RunInputs) -> Run:
        """Queue a run.

        Raises:
            InputError: The request or its inputs do not fit.
            StoreError: The disk is full or can't be written.
        """
        packed = inputs.packed()
        spec = make_spec(request, inputs, packed)
        holder = this_process(self.home)
        try:
            with self._database.writing() as database:
                file = self._inputs_file(spec.inputs_hash)
                if not file.exists():
                    write_bytes(file, packed)
                run_id = self._insert(database, spec, holder)
        except StoreError:
            self._forget_inputs(spec.inputs_hash)
            raise
        return self.get(run_id)

    def _insert(self, database: sqlite3.Connection, spec: RunSpec, holder: str) -> str:
        run_id = secrets.token_hex(4)
        while self._is_taken(database, run_id):
            run_id = secrets.token_hex(4)
        database.execute(
            "INSERT INTO runs (id, created, state, owner, inputs_hash, spec) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (run_id, time.time(), QUEUED, holder, spec.inputs_hash, _dump(spec.as_dict())),
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

    def finish(self, run_id: str, state: str, staged: Path, results: Mapping[str, Any]) -> None:
        """Move the files of a run into place, then say that it ended.

        Raises:
            StoreError: The disk is full or can't be written. When the files are in place all the
                same, `fail` and `recover` find them there.
        """
        with as_store_error(staged):
            staged.replace(self.folder(run_id))
        self._end(run_id, state, results=results)

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
        self, run_id: str, state: str, results: Mapping[str, Any] | None = None, message: str = ""
    ) -> None:
        self._jobs.end(run_id, state, results=_dump(results or {}), message=message)
        with self._database.writing() as database:
            copy_row(database, self.home, "runs", run_id)
        shutil.rmtree(self.work_folder(run_id), ignore_errors=True)

    def annotate(
        self,
        run_id: str,
        *,
        verdict: str | None = None,
        note: str | None = None,
        tags: str | None = None,
    ) -> None:
        """Set what a person says of a run; None leaves a field as it is.

        Raises:
            UnknownRunError: No such run.
            StoreError: The store can't be written.
        """
        self.get(run_id)
        given = {"verdict": verdict, "note": note, "tags": tags}
        with self._database.writing() as database:
            for column, value in given.items():
                if value is not None:
                    database.execute(
                        f"UPDATE runs SET {column} = ? WHERE id = ?",
                        (storable(value), run_id),
                    )
            copy_row(database, self.home, "runs", run_id)

    def delete(self, run_id: str) -> None:
        """Delete a run that has ended, with its files.

        Raises:
            RunStateError: It is queued or running.
        """
        run = self.get(run_id)
        if not run.ended:
            raise RunStateError(f"run {run_id} is {run.state}; stop it before deleting it")
        if self._jobs.delete(run_id):
            leftovers.finish_deletion(self._database, self.home, "runs", run_id)

    # What comes out -------------------------------------------------------------------------

    def get(self, run_id: str) -> Run:
        """Return a run.

        Raises:
            UnknownRunError: There is none of that id.
        """
        _checked(run_id)
        with self._database.reading() as database:
            row = database.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise UnknownRunError(
                f"no run is called {run_id!r}; the Runs page and "
                "`python -m asma_core runs` list those there are"
            )
        return run_of_row(row)

    def newest(self, limit: int | None = None) -> list[Run]:
        """Return the newest runs first."""
        with self._database.reading() as database:
            rows = database.execute(
                "SELECT * FROM runs ORDER BY created DESC, rowid DESC LIMIT ?", (limit or -1,)
            ).fetchall()
        return [run_of_row(row) for row in rows]

    def count(self, state: str) -> int:
        """Return how many runs are in a state."""
        with self._database.reading() as database:
            query = "SELECT count(*) FROM runs WHERE state = ?"
            return int(database.execute(query, (state,)).fetchone()[0])

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
        file = self._inputs_file(run.spec.inputs_hash)
        with as_store_error(file):
            packed = file.read_bytes()
        try:
            return RunInputs.unpacked(packed)
        except (ValueError, LookupError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise StoreError(
                f"{file} is damaged; restore it from a copy or delete the run"
            ) from error

    def folder(self, run_id: str) -> Path:
        """Return where the files of a run with a result are."""
        return self.home / "runs" / _checked(run_id)

    def work_folder(self, run_id: str) -> Path:
        """Return where a running attack shows what it is at."""
        return self.home / "work" / _checked(run_id)

    def _inputs_file(self, inputs_hash: str) -> Path:
        return self.home / "inputs" / f"{inputs_hash}.npz"

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
            if not (self.folder(run_id) / RECORD).exists():
                raise
            # Damaged by the same crash; it must not keep the other runs from being settled.
            self._end(run_id, INTERRUPTED, message=f"{error}; repeat the run")

    def tidy(self) -> None:
        """Remove what crashes left: rests of deletions, inputs of no run, what was written aside.

        Other processes may write meanwhile. An archive stays as it is.
        """
        leftovers.tidy(self._database, self.home)


def _checked(run_id: str) -> str:
    """Keep an id from the address bar from leaving the data folder."""
    if len(run_id) != 8 or not set(run_id) <= set("0123456789abcdef"):
        raise UnknownRunError(f"{run_id[:40]!r} is no run; an id has eight hexadecimal digits")
    return run_id


def _dump(value: Mapping[str, Any]) -> str:
    # Only ASCII, as the name of a file may hold bytes that SQLite's texts can't.
    return json.dumps(value, allow_nan=False)
