"""What people say of runs: verdict, note and tags, by whom and when."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from asma_core.accounts import audit
from asma_core.accounts.rights import check_judging
from asma_core.errors import JudgementChangedError
from asma_core.runs.database import Database
from asma_core.runs.row_copies import copy_row
from asma_core.runs.run import Run
from asma_core.runs.texts import storable


class Judgements:
    """What is said of the runs of a store."""

    def __init__(self, database: Database, home: Path, get: Callable[[str], Run]) -> None:
        """Share a store's database.

        Args:
            database: The store's.
            home: Its data folder.
            get: Returns a run that may be seen, or raises an `UnknownRunError`.
        """
        self._database, self._home, self._get = database, home, get

    def annotate(
        self,
        run_id: str,
        *,
        verdict: str | None = None,
        note: str | None = None,
        tags: str | None = None,
        was: Mapping[str, str] | None = None,
    ) -> None:
        """Set what a person says of a run; None leaves a field as it is.

        Args:
            run_id: The run.
            verdict: A judgement.
            note: Words.
            tags: Words, separated by commas.
            was: What a field was when its editing began; one that is not named is overwritten.

        Raises:
            UnknownRunError: No such run.
            JudgementChangedError: Somebody else has changed such a field meanwhile; nothing is set.
            NotAllowedError: Who acts may not judge.
            StoreError: The store can't be written.
        """
        who = check_judging()
        self._get(run_id)
        said = {"verdict": verdict, "note": note, "tags": tags}
        given = {column: storable(value) for column, value in said.items() if value is not None}
        with self._database.writing() as database:
            for column, before in (was or {}).items():
                known = {given.get(column), storable(before)}
                _check_unchanged(database, run_id, column, known, who.name)
            for column, value in given.items():
                database.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (value, run_id))
                database.execute(
                    "INSERT OR REPLACE INTO judged (run, field, author, at) VALUES (?, ?, ?, ?)",
                    (run_id, column, who.name, time.time()),
                )
            copy_row(database, self._home, "runs", run_id)
        audit.record("judge", f"run {run_id}", self._home, fields=sorted(given))

    def of(self, run_id: str) -> dict[str, tuple[str, float]]:
        """Return who said what is said of a run last, and when, by field.

        Fields are verdict, note and tags; the time is in seconds since 1970.
        """
        query = "SELECT field, author, at FROM judged WHERE run = ?"
        with self._database.reading() as database:
            rows = database.execute(query, (run_id,)).fetchall()
        return {row["field"]: (row["author"], row["at"]) for row in rows}


def _check_unchanged(
    database: sqlite3.Connection, run_id: str, field: str, known: Collection[str | None], who: str
) -> None:
    """Check that what is said of a run is what its editor knows.

    Raises:
        JudgementChangedError: It is something else.
    """
    row = database.execute(
        "SELECT runs.verdict, runs.note, runs.tags, author_of.author FROM runs LEFT JOIN judged "
        "AS author_of ON author_of.run = runs.id AND author_of.field = ? WHERE runs.id = ?",
        (field, run_id),
    ).fetchone()
    if row is None or row[field] in known:
        return
    other = row["author"] if row["author"] not in (None, "", who) else "somebody else"
    # A note may be long.
    what = "" if field == "note" else f", to {row[field]!r}"
    are = "were" if field == "tags" else "was"
    raise JudgementChangedError(
        f"the {field} of run {run_id} {are} changed by {other} meanwhile{what}; look at it, and "
        "say once more what is to stay"
    )
