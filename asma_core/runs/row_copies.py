"""A copy of what the database alone knows of a thing, of which `store reindex` makes its row again.

    ASMA_HOME/rows/runs/ID.json          times, author, verdict, note, tags; of a run without a
                                         result what was asked for, too
    ASMA_HOME/rows/trainings/ID.json     how it stands, its figures
    ASMA_HOME/rows/experiments/ID.json   plan and cells
    ASMA_HOME/rows/reviews/ID.json       question and items
    ASMA_HOME/rows/reviews/ID.jsonl      the answers, a line each, in the order in which they came

The database is what counts. A copy is written inside the transaction that changes the row, so
copies come in the order of the changes; one that a crash has made older or newer than its row, or
that a full disk has kept away, `store check --repair` writes anew. Answers are never taken back, so
it takes in those that a copy alone has; of one that is there twice the last line counts.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from asma_core.errors import StoreError
from asma_core.files import PRIVATE, read_json, write_json
from asma_core.runs.json_lines import add_line, read_lines, write_lines
from asma_core.runs.process_locks import is_alive
from asma_core.runs.run import UNENDED

FOLDER: Final = "rows"
REVIEWS: Final = "reviews"
KINDS: Final = ("runs", "trainings", "experiments", REVIEWS)
# What the folder of the thing has, and what hangs on a process.
_LEFT_OUT: Final = ("spec", "results", "inputs_hash", "owner", "cancel", "stop")
# What a run without a result has nowhere else, and what says nothing as long as it has not ended.
_ASKED: Final = "spec"
_PASSING: Final = ("state", "finished", "message", "turn", "bytes")
# What somebody has said; and of a run with a result, from which it can be made anew, whose it is.
_SAID: Final = ("verdict", "note", "tags")
_WHOSE: Final = ("author", "private", "pinned")
Answers = list[dict[str, Any]]


def copy_row(database: sqlite3.Connection, home: Path, kind: str, name: str) -> None:
    """Write the copy of a row, inside the transaction that has changed it.

    A disk that is full must not keep what somebody says from being saved.
    """
    values = row_values(database, kind, name)
    if values is not None:
        with suppress(StoreError):
            write_json(copy_file(home, kind, name), values, PRIVATE)
            if kind == REVIEWS:
                write_lines(answers_file(home, name), _answers(database, name))


def copy_answer(
    database: sqlite3.Connection, home: Path, review: str, answer: dict[str, Any]
) -> None:
    """Add an answer to the copy of its review, inside the transaction that has inserted it.

    A review of before there were copies gets one.
    """
    if not copy_file(home, REVIEWS, review).exists():
        copy_row(database, home, REVIEWS, review)
        return
    with suppress(StoreError):
        add_line(answers_file(home, review), answer)


def copy_reviews_of_before(database: sqlite3.Connection, home: Path) -> None:
    """Write the copies of the reviews that have none, inside a transaction."""
    for row in database.execute(f"SELECT id FROM {REVIEWS}").fetchall():
        if not copy_file(home, REVIEWS, row["id"]).exists():
            copy_row(database, home, REVIEWS, row["id"])


def row_values(database: sqlite3.Connection, kind: str, name: str) -> dict[str, Any] | None:
    """Return what the copy of a row says; None without a row."""
    row = database.execute(f"SELECT * FROM {kind} WHERE id = ?", (name,)).fetchone()
    if row is None:
        return None
    values = {column: row[column] for column in row.keys() if column not in _LEFT_OUT}  # noqa: SIM118
    if kind == "runs":
        values["judged"] = _plain(database, "judged", "run", name)
        if row["results"] == "{}":
            values[_ASKED] = row[_ASKED]
        if row["state"] in UNENDED:
            values = {column: value for column, value in values.items() if column not in _PASSING}
    if kind == "experiments":
        values["cells"] = _plain(database, "experiment_cells", "experiment", name)
    if kind == REVIEWS:
        values["items"] = _plain(database, "review_items", "review", name)
    return values


def read_copy(home: Path, kind: str, name: str) -> dict[str, Any]:
    """Return what the copy of a row says; nothing where it is absent or can't be read."""
    try:
        values = read_json(copy_file(home, kind, name))
    except StoreError:
        return {}
    return values if isinstance(values, dict) else {}


def read_answers(home: Path, review: str) -> Answers:
    """Return what the copy of a review says of its answers, each once, as far as it can be read."""
    try:
        said = read_lines(answers_file(home, review))
    except StoreError:
        return []
    return list({(repr(one.get("reviewer")), repr(one.get("place"))): one for one in said}.values())


def copy_file(home: Path, kind: str, name: str) -> Path:
    """Return where the copy of a row lies."""
    return home / FOLDER / kind / f"{name}.json"


def answers_file(home: Path, review: str) -> Path:
    """Return where the answers of a review lie."""
    return home / FOLDER / REVIEWS / f"{review}.jsonl"


def copy_files(home: Path, kind: str, name: str) -> list[Path]:
    """Return all that a copy of a row may consist of."""
    copy = copy_file(home, kind, name)
    return [copy, answers_file(home, name)] if kind == REVIEWS else [copy]


def stale_copies(database: sqlite3.Connection, home: Path, kind: str) -> list[str]:
    """Return the rows of which somebody has said something and whose copy does not say so.

    That of an experiment is written when it ends, and waits until then.
    """
    found = []
    for row in database.execute(f"SELECT * FROM {kind}").fetchall():
        if kind == "experiments" and is_alive(home, str(row["owner"])):
            continue
        name = str(row["id"])
        copy = read_copy(home, kind, name)
        if kind == "runs" and row["state"] in UNENDED and not copy:
            # Killed before it was written, or queued by a version that wrote none.
            found.append(name)
            continue
        wanted = kind != "runs" or _is_said(row) or copy
        stale = not _says(copy, database, kind, name)
        if kind == REVIEWS:
            stale = stale or _known(_answers(database, name)) != _known(read_answers(home, name))
        if wanted and stale:
            found.append(name)
    return found


def _known(answers: Answers) -> set[str]:
    return {json.dumps(answer, sort_keys=True) for answer in answers}


def _answers(database: sqlite3.Connection, review: str) -> Answers:
    said = _plain(database, "review_answers", "review", review)
    return sorted(said, key=lambda answer: float(answer["given"]))


def _says(copy: dict[str, Any], database: sqlite3.Connection, kind: str, name: str) -> bool:
    """Tell whether a copy says what its row says; one of before does not say what was asked for."""
    values = row_values(database, kind, name) or {}
    known = {_ASKED: values[_ASKED]} if kind == "runs" and _ASKED in values else {}
    return known | copy == values


def _is_said(row: sqlite3.Row) -> bool:
    columns = _SAID if row["results"] == "{}" else (*_SAID, *_WHOSE)
    return any(row[column] for column in columns)


def _plain(
    database: sqlite3.Connection, table: str, column: str, name: str
) -> list[dict[str, Any]]:
    rows = database.execute(f"SELECT * FROM {table} WHERE {column} = ?", (name,))
    return [{key: row[key] for key in row.keys() if key != column} for row in rows]  # noqa: SIM118
