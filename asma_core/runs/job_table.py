"""The state and the holder of each job of a table: what all kinds of jobs have in common.

A job is queued, then running, then ended in one state or another. It belongs to the process that
queued it or, once it runs, to the one that claimed it. Every change of state is one conditional
UPDATE, so any number of processes may use a table.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asma_core.errors import StoreError
from asma_core.runs.database import Database
from asma_core.runs.process_locks import is_alive, this_process
from asma_core.runs.run import QUEUED, RUNNING
from asma_core.runs.texts import storable

_IN_ORDER: Final = "ORDER BY turn, created, rowid"


@dataclass(frozen=True)
class Waiting:
    """A job that waits for its turn.

    Attributes:
        id: Of the job.
        author: Who asked for it; "" for nobody in particular.
    """

    id: str
    author: str


class JobTable:
    """A table with the columns id, created, finished, state, owner, cancel, message, author, turn.

    `turn` orders the queued jobs of one author; those with the same turn come as they were made.
    """

    def __init__(self, database: Database, home: Path, name: str) -> None:
        """Use a table of a database.

        Args:
            database: The database.
            home: The data folder, under which the holders have their locks.
            name: Of the table.
        """
        self._database = database
        self._home = home
        self._name = name

    def is_queued(self, job_id: str) -> bool:
        """Tell whether there is such a job and it waits for its turn."""
        query = f"SELECT 1 FROM {self._name} WHERE id = ? AND state = ?"
        with self._database.reading() as database:
            return database.execute(query, (job_id, QUEUED)).fetchone() is not None

    def waiting(self) -> list[Waiting]:
        """Return the queued jobs that this process is to carry out, each author's in order."""
        if self._database.read_only:
            # Nothing of an archive is carried out.
            return []
        query = f"SELECT id, author FROM {self._name} WHERE state = ? AND owner = ? {_IN_ORDER}"
        with self._database.reading() as database:
            rows = database.execute(query, (QUEUED, this_process(self._home))).fetchall()
        return [Waiting(row["id"], row["author"]) for row in rows]

    def move(self, job_ids: Collection[str], by: int) -> list[str]:
        """Move queued jobs among those of their authors, as far as there are any.

        Several of one author keep their order.

        Args:
            job_ids: The jobs.
            by: Places; negative for sooner.

        Returns:
            Those of them that are queued.
        """
        moved: list[str] = []
        with self._database.writing() as database:
            for theirs in self._lines(database):
                asked = [one for one in theirs if one in job_ids]
                if not asked:
                    continue
                moved += asked
                placed = _moved(theirs, asked, by)
                # All below 0, as what is asked for later comes behind.
                database.executemany(
                    f"UPDATE {self._name} SET turn = ? WHERE id = ?",
                    [(place - len(placed), one) for place, one in enumerate(placed)],
                )
        return moved

    def claim(self, job_id: str) -> bool:
        """Take a queued job for this process; False when it is not queued any more."""
        own = this_process(self._home)
        return self._change(job_id, (QUEUED,), {"state": RUNNING, "owner": own})

    def queue(self, job_id: str, states: Sequence[str]) -> bool:
        """Queue a job anew that ended in one of these states; False when it did not."""
        own = this_process(self._home)
        fresh = {"cancel": 0, "finished": None, "message": ""}
        return self._change(job_id, states, {"state": QUEUED, "owner": own, **fresh})

    def give_back(self, job_id: str) -> bool:
        """Queue a job again that this process claimed; False when it is not running."""
        own = this_process(self._home)
        return self._change(job_id, (RUNNING,), {"state": QUEUED}, own)

    def hold(self, job_id: str) -> bool:
        """Hold a running job whose process is about to be ended; False when it does not run.

        So nobody takes it for one whose process has died.
        """
        return self._change(job_id, (RUNNING,), {"owner": this_process(self._home)})

    def end(self, job_id: str, state: str, *, holder: str | None = None, **columns: Any) -> bool:
        """Say how a running job ended; False when it does not run.

        Args:
            job_id: The job.
            state: In which it ended.
            holder: Whose it must be; None for anybody's.
            columns: Values of more columns.
        """
        values = {"state": state, "finished": time.time(), **columns}
        try:
            return self._change(job_id, (RUNNING,), values, holder)
        except StoreError:
            # Of a job that a full disk has ended, at least that must be said.
            if not self._database.use_reserve():
                raise
        return self._change(job_id, (RUNNING,), values, holder)

    def ask_to_stop(self, job_id: str, state: str) -> None:
        """Ask a running job to stop, and end a queued one at once, in a given state."""
        with self._database.writing() as database:
            database.execute(
                f"UPDATE {self._name} SET cancel = 1,"
                " finished = CASE state WHEN ? THEN ? ELSE finished END,"
                " state = CASE state WHEN ? THEN ? ELSE state END"
                " WHERE id = ? AND state IN (?, ?)",
                (QUEUED, time.time(), QUEUED, state, job_id, QUEUED, RUNNING),
            )

    def delete(self, job_id: str) -> bool:
        """Delete the row of a job that has ended; False when it has not or there is none."""
        query = f"DELETE FROM {self._name} WHERE id = ? AND state NOT IN (?, ?)"
        with self._database.writing() as database:
            return database.execute(query, (job_id, QUEUED, RUNNING)).rowcount == 1

    def recover(self, settle: Callable[[str, str], object]) -> list[str]:
        """Settle the running jobs whose process is gone, and take over the queued ones.

        Args:
            settle: Called with the id and the holder of each that ran.

        Returns:
            The queued jobs that this process has taken over, the oldest first.
        """
        with self._database.reading() as database:
            rows = database.execute(
                f"SELECT id, state, owner FROM {self._name} WHERE state IN (?, ?) "
                "ORDER BY created, rowid",
                (QUEUED, RUNNING),
            ).fetchall()
        alive = {holder: is_alive(self._home, holder) for holder in {row["owner"] for row in rows}}
        orphans = [row for row in rows if not alive[row["owner"]]]
        for row in orphans:
            if row["state"] == RUNNING:
                settle(row["id"], row["owner"])
        waiting = [row for row in orphans if row["state"] == QUEUED]
        return [row["id"] for row in waiting if self._adopt(row["id"], row["owner"])]

    def _adopt(self, job_id: str, holder: str) -> bool:
        return self._change(job_id, (QUEUED,), {"owner": this_process(self._home)}, holder)

    def _lines(self, database: sqlite3.Connection) -> list[list[str]]:
        """Return the queued jobs of each author, in their order."""
        query = f"SELECT id, author FROM {self._name} WHERE state = ? {_IN_ORDER}"
        found: dict[str, list[str]] = {}
        for row in database.execute(query, (QUEUED,)).fetchall():
            found.setdefault(row["author"], []).append(row["id"])
        return list(found.values())

    def _change(
        self,
        job_id: str,
        states: Sequence[str],
        columns: Mapping[str, Any],
        holder: str | None = None,
    ) -> bool:
        """Set columns of a job if it is in one of the states, and of a holder if one is given."""
        values = [storable(one) if isinstance(one, str) else one for one in columns.values()]
        query = (
            f"UPDATE {self._name} SET {', '.join(f'{name} = ?' for name in columns)}"
            f" WHERE id = ? AND state IN ({', '.join('?' for _ in states)})"
        )
        conditions = [job_id, *states]
        if holder is not None:
            query += " AND owner = ?"
            conditions.append(holder)
        with self._database.writing() as database:
            return database.execute(query, (*values, *conditions)).rowcount == 1


def _moved(line: Sequence[str], asked: Sequence[str], by: int) -> list[str]:
    """Return a line in which some, in their order, have moved by so many places, or to its end."""
    moved, bound = list(line), 0 if by < 0 else len(line) - 1
    for one in asked if by < 0 else reversed(asked):
        at = moved.index(one)
        to = max(at + by, bound) if by < 0 else min(at + by, bound)
        moved.insert(to, moved.pop(at))
        # The next of them stops behind, or before, this one.
        bound = to + 1 if by < 0 else to - 1
    return moved
