"""What is wrong with rows: what they say, and whether their files are there."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

from asma_core.errors import AsmaError, StoreError
from asma_core.files import read_json
from asma_core.runs.database import Database
from asma_core.runs.leftovers import RECORD, finish_deletions, folders_without_row
from asma_core.runs.process_locks import is_alive
from asma_core.runs.row_copies import KINDS, copy_row, stale_copies
from asma_core.runs.run import RUNNING, STATES
from asma_core.runs.spec import spec_from_dict
from asma_core.runs.store import RunStore
from asma_core.upkeep.finding import Finding, listed
from asma_core.upkeep.folder_rows import take_in_folders

_ID: Final = re.compile(r"[0-9a-f]{8}")
_NO_MORE: Final = "restore them from a backup, or delete the run"
_DAY: Final = 24 * 3600


def row_findings(database: Database, home: Path) -> Iterator[Finding]:
    """Yield what is wrong with the rows of a database that can be opened."""
    with still(database) as connection:
        rows = [_Looked.at(row, home) for row in connection.execute("SELECT * FROM runs")]
        orphans = [path.name for path in folders_without_row(connection, home)]
        lost_judgements = _judged_of_none(connection)
        unfinished = connection.execute("SELECT count(*) FROM deleted").fetchone()[0]
        stale = [(k, name) for k in KINDS for name in stale_copies(connection, home, k)]
    yield from _of_runs(rows)
    if crashed := [one.id for one in rows if one.crashed]:
        yield Finding(
            f"these runs ended with their process: {listed(crashed)}",
            lambda: RunStore(home).recover(),
        )
    if orphans:
        yield Finding(
            f"these folders of runs have no row: {listed(orphans)}",
            lambda: take_in_folders(database, home),
        )
    if lost_judgements:
        yield Finding(
            f"judgements of runs that there are not: {lost_judgements}",
            lambda: _forget_judged(database),
        )
    if unfinished:
        yield Finding(
            f"deletions that were not finished: {unfinished}",
            lambda: finish_deletions(database, home),
        )
    if stale:
        names = [name for _, name in stale]
        yield Finding(
            f"these rows have no copy beside the database, or one that differs: {listed(names)}",
            lambda: _copy(database, home, stale),
        )


def still(database: Database) -> AbstractContextManager[sqlite3.Connection]:
    """Open a connection while nobody writes, so that rows and files fit."""
    return database.reading() if database.read_only else database.writing()


class _Looked:
    """A row of a run, as it was found."""

    def __init__(self, row: sqlite3.Row, home: Path) -> None:
        self.id = str(row["id"])
        self.bad = _why_bad(row)
        folder = home / "runs" / self.id
        self.lost = not self.bad and row["results"] != "{}" and not folder.is_dir()
        self.no_record = folder.is_dir() and not _has_record(folder)
        inputs = home / "inputs" / f"{row['inputs_hash']}.npz"
        self.no_inputs = not inputs.is_file() or not inputs.stat().st_size
        alive = row["state"] == RUNNING and is_alive(home, str(row["owner"]))
        self.crashed = row["state"] == RUNNING and not alive
        self.odd_time = "" if self.bad else _odd_time(row["created"], row["finished"])

    @classmethod
    def at(cls, row: sqlite3.Row, home: Path) -> _Looked:
        """Look at a row."""
        return cls(row, home)


def _of_runs(rows: Sequence[_Looked]) -> Iterator[Finding]:
    for one in rows:
        if one.bad:
            yield Finding(f"the row of run {one.id} can't be read ({one.bad}); delete the run")
    kinds = {
        "lost": ("have lost their files", _NO_MORE),
        "no_record": (f"have no {RECORD} that can be read", "restore it from a backup"),
        "no_inputs": ("have lost their image and masks, and can't be repeated", _NO_MORE),
    }
    for name, (what, then) in kinds.items():
        if ids := [one.id for one in rows if getattr(one, name)]:
            yield Finding(f"these runs {what}: {listed(ids)}; {then}")
    if odd := [f"{one.id}: {one.odd_time}" for one in rows if one.odd_time]:
        yield Finding(f"the clock was wrong for these runs: {listed(odd)}", harmless=True)


def _why_bad(row: sqlite3.Row) -> str:
    """Return why a row can't be read; "" of one that can."""
    if not _ID.fullmatch(str(row["id"])):
        return "its id has not eight hexadecimal digits"
    if row["state"] not in STATES:
        return f"its state is {str(row['state'])[:40]!r}"
    if not isinstance(row["created"], float | int):
        return f"it was created at {str(row['created'])[:40]!r}"
    try:
        spec_from_dict(json.loads(row["spec"]))
        if not isinstance(json.loads(row["results"]), dict):
            return "its results are no figures"
    except (LookupError, TypeError, ValueError, AttributeError, AsmaError) as error:
        return f"{type(error).__name__}: {str(error)[:80]}"
    return ""


def _has_record(folder: Path) -> bool:
    try:
        return isinstance(read_json(folder / RECORD), dict)
    except StoreError:
        return False


def _odd_time(created: float, finished: Any) -> str:
    if created > time.time() + _DAY:
        return "made in the future"
    early = isinstance(finished, float | int) and finished < created
    return "ended before it was made" if early else ""


def _judged_of_none(connection: sqlite3.Connection) -> int:
    query = "SELECT count(*) FROM judged WHERE run NOT IN (SELECT id FROM runs)"
    return int(connection.execute(query).fetchone()[0])


def _forget_judged(database: Database) -> None:
    with database.writing() as connection:
        connection.execute("DELETE FROM judged WHERE run NOT IN (SELECT id FROM runs)")


def _copy(database: Database, home: Path, stale: Sequence[tuple[str, str]]) -> None:
    for kind, name in stale:
        with database.writing() as connection:
            copy_row(connection, home, kind, name)
