"""The list of runs: a narrow table beside `runs` with all that is filtered, sorted and searched on.

    run_list      one short row a run: see `runs.facts`; it has an index for each order
    run_words     the folded words of each run, in sequences of three letters (FTS5)
    run_changes   the runs whose row has changed since the list was brought up to date
    run_revision  one number that is another one after every change of a run or of a cell

Triggers note every change of `runs`, whoever makes it; `follow` brings the list up to date in the
same transaction. So the list can't tell anything else than the runs do.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from asma_core.runs.facts import facts_of

BATCH: Final = 500
# The newest first among equals, as everywhere.
_THEN: Final = "created DESC, place DESC"
# Orders by their name; each is an index. What has no figure comes last.
ORDERS: Final = {
    "newest": _THEN,
    "oldest": "created, place DESC",
    "iou": f"iou IS NULL, iou DESC, {_THEN}",
    "iou-lowest": f"iou IS NULL, iou, {_THEN}",
    "l2": f"l2 IS NULL, l2, {_THEN}",
    "l2-largest": f"l2 IS NULL, l2 DESC, {_THEN}",
    "linf": f"linf IS NULL, linf, {_THEN}",
    "ciede2000": f"ciede2000 IS NULL, ciede2000, {_THEN}",
    "steps": f"steps IS NULL, steps, {_THEN}",
    "seconds": f"seconds IS NULL, seconds, {_THEN}",
}
_TABLES: Final = (
    """CREATE TABLE run_list (
        place INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        created REAL NOT NULL,
        author TEXT NOT NULL,
        private INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        stopped INTEGER NOT NULL,
        has_result INTEGER NOT NULL,
        attack TEXT NOT NULL,
        model TEXT NOT NULL,
        dataset TEXT NOT NULL,
        sample TEXT NOT NULL,
        verdict TEXT NOT NULL,
        tags TEXT NOT NULL,
        iou REAL,
        l2 REAL,
        linf REAL,
        ciede2000 REAL,
        steps REAL,
        seconds REAL,
        image_hash TEXT NOT NULL
    )""",
    "CREATE VIRTUAL TABLE run_words USING fts5(words, tokenize = 'trigram case_sensitive 1')",
    "CREATE TABLE run_changes (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE)",
    "CREATE TABLE run_revision (number INTEGER NOT NULL)",
    "INSERT INTO run_revision VALUES (0)",
    "CREATE INDEX run_list_by_image ON run_list (image_hash, created)",
    "CREATE INDEX run_list_by_sample ON run_list (dataset, sample)",
    "CREATE INDEX run_list_by_tags ON run_list (tags) WHERE tags <> ''",
    "CREATE INDEX runs_by_inputs ON runs (inputs_hash)",
    "CREATE INDEX runs_by_end ON runs (finished)",
)
_BUMP: Final = "UPDATE run_revision SET number = number + 1;"
_CHANGED: Final = f"INSERT OR IGNORE INTO run_changes (id) VALUES (new.id); {_BUMP}"
_TRIGGERS: Final = (
    *(
        f"CREATE TRIGGER run_cell_{event.lower()} AFTER {event} ON experiment_cells "
        f"BEGIN {_BUMP} END"
        for event in ("INSERT", "UPDATE", "DELETE")
    ),
    f"CREATE TRIGGER run_added AFTER INSERT ON runs BEGIN {_CHANGED} END",
    f"CREATE TRIGGER run_changed AFTER UPDATE ON runs BEGIN {_CHANGED} END",
    f"""CREATE TRIGGER run_deleted AFTER DELETE ON runs BEGIN
        DELETE FROM run_words WHERE rowid = (SELECT place FROM run_list WHERE id = old.id);
        DELETE FROM run_list WHERE id = old.id;
        DELETE FROM run_changes WHERE id = old.id;
        {_BUMP}
    END""",
)


def list_runs(database: sqlite3.Connection) -> None:
    """Make the tables of the list, for `follow` to fill with the runs there are."""
    for statement in (*_TABLES, *_TRIGGERS):
        database.execute(statement)
    for name, order in ORDERS.items():
        database.execute(f"CREATE INDEX run_list_{name.replace('-', '_')} ON run_list ({order})")
    database.execute("INSERT INTO run_changes (id) SELECT id FROM runs ORDER BY rowid")


def has_changes(database: sqlite3.Connection) -> bool:
    """Tell whether runs have changed that the list does not know of yet."""
    return database.execute("SELECT 1 FROM run_changes LIMIT 1").fetchone() is not None


def follow(database: sqlite3.Connection) -> None:
    """Bring the list up to date with the runs that have changed.

    Args:
        database: A connection that is inside a transaction.
    """
    reader = database.cursor()
    reader.row_factory = sqlite3.Row
    while changed := reader.execute(
        "SELECT run_changes.place AS change, runs.* FROM run_changes LEFT JOIN runs USING (id) "
        "ORDER BY run_changes.place LIMIT ?",
        (BATCH,),
    ).fetchall():
        _list(database, [row for row in changed if row["id"] is not None])
        database.execute("DELETE FROM run_changes WHERE place <= ?", (changed[-1]["change"],))


def _list(database: sqlite3.Connection, rows: Sequence[sqlite3.Row]) -> None:
    for row in rows:
        facts, words = facts_of(row)
        names = list(facts)
        place = database.execute(
            f"INSERT INTO run_list ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) "
            f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in names[1:])} "
            "RETURNING place",
            tuple(facts.values()),
        ).fetchone()[0]
        known = database.execute("SELECT words FROM run_words WHERE rowid = ?", (place,)).fetchone()
        if known is None or known[0] != words:
            database.execute(
                "INSERT OR REPLACE INTO run_words (rowid, words) VALUES (?, ?)", (place, words)
            )
