"""Rows of what lies in folders, and of copies of rows: runs, trainings, experiments."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from asma_core.errors import AsmaError, StoreError
from asma_core.files import as_store_error, read_json
from asma_core.runs.database import Database
from asma_core.runs.leftovers import RECORD, folders_without_row
from asma_core.runs.row_copies import FOLDER, read_copy
from asma_core.runs.run import CANCELLED, DONE, INTERRUPTED, QUEUED
from asma_core.runs.spec import spec_from_dict
from asma_core.server_config import NO_SIGN_IN, settings
from asma_core.training.plan import plan_from_dict as training_plan
from asma_core.training.record import ENDED
from asma_core.upkeep.salvage import insert

_LOST: Final = "its row was lost while it was under way; go on with it"
_UNREADABLE: Final = (AsmaError, LookupError, TypeError, ValueError, AttributeError)


def take_in_folders(database: Database, home: Path) -> tuple[list[str], list[str]]:
    """Give folders without a row theirs again.

    Args:
        database: Gets the rows.
        home: The data folder.

    Returns:
        The runs that came back, and why folders of runs are none, a sentence each.
    """
    taken_in, problems = [], []
    with database.writing() as connection:
        for folder in folders_without_row(connection, home):
            copy = read_copy(home, "runs", folder.name)
            try:
                insert(connection, "runs", _run(folder, copy))
            except _UNREADABLE as error:
                problems.append(f"{folder} is no run that can be read ({error})")
                continue
            for said in _rows(copy, "judged"):
                insert(connection, "judged", {**said, "run": folder.name})
            taken_in.append(folder.name)
        without_folder, more = _take_in_copies(connection, home)
        _take_in_trainings(connection, home)
        _take_in_experiments(connection, home)
    return taken_in + without_folder, problems + more


def _take_in_copies(connection: sqlite3.Connection, home: Path) -> tuple[list[str], list[str]]:
    """Give runs without a folder, which waited, ran or came to nothing, their rows again."""
    taken_in, problems = [], []
    known = {str(row[0]) for row in connection.execute("SELECT id FROM runs")}
    known |= {str(row[0]) for row in connection.execute("SELECT name FROM deleted")}
    for file in sorted((home / FOLDER / "runs").glob("*.json")):
        if file.stem in known:
            continue
        try:
            row = _asked(file, home)
        except _UNREADABLE as error:
            problems.append(f"{file} is no copy of a run that can be read ({error})")
            continue
        if row is not None:
            insert(connection, "runs", row)
            for said in _rows(row, "judged"):
                insert(connection, "judged", {**said, "run": file.stem})
            taken_in.append(file.stem)
    return taken_in, problems


def _asked(file: Path, home: Path) -> dict[str, Any] | None:
    """Return the row of a run without a result; None of one with a result, whose folder is gone."""
    copy = read_json(file)
    if "spec" not in copy:
        return None
    inputs = spec_from_dict(json.loads(copy["spec"])).inputs_hash
    if copy.get("state", QUEUED) == QUEUED and not (home / "inputs" / f"{inputs}.npz").exists():
        raise StoreError("its image is gone")
    # One that had not ended waits again, for whoever starts next.
    own = {"id": file.stem, "owner": "", "inputs_hash": inputs, "results": "{}"}
    return {"state": QUEUED, **copy, **own}


def _run(folder: Path, copy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of a run: its record is what counts, the copy tells the rest."""
    file = folder / RECORD
    record = read_json(file)
    spec, results = record["spec"], record["results"]
    spec_from_dict(spec)
    if record["state"] not in (DONE, CANCELLED) or not isinstance(results, dict):
        raise StoreError(f"{file} is no record of a run that has ended")
    with as_store_error(file):
        ended = file.stat().st_mtime
    seconds = results.get("seconds")
    began = ended - (seconds if isinstance(seconds, float | int) else 0)
    return {
        "created": began,
        "finished": ended,
        # Where people sign in, a run of which nobody knows whose it is is shown to owners alone.
        "private": int(settings().sign_in != NO_SIGN_IN),
        **copy,
        "id": folder.name,
        "state": record["state"],
        "owner": "",
        "inputs_hash": str(spec["inputs_hash"]),
        "spec": json.dumps(spec),
        "results": json.dumps(results),
    }


def _take_in_trainings(connection: sqlite3.Connection, home: Path) -> None:
    for folder in sorted((home / "trainings").glob("*")):
        # One of the first days says itself how it stands, and is taken in when it is opened.
        if not _is_known(connection, "trainings", folder.name) and folder.is_dir():
            if (folder / "state.json").exists():
                continue
            try:
                content = read_json(folder / "plan.json")
                training_plan(content["plan"])
                insert(connection, "trainings", _training(folder, content, home))
            except _UNREADABLE:
                continue


def _training(folder: Path, content: Mapping[str, Any], home: Path) -> dict[str, Any]:
    copy = read_copy(home, "trainings", folder.name)
    if copy.get("state") not in ENDED:
        copy |= {"state": INTERRUPTED, "message": _LOST}
    return {"created": float(content["created"]), **copy, "id": folder.name, "owner": ""}


def _take_in_experiments(connection: sqlite3.Connection, home: Path) -> None:
    for file in sorted((home / FOLDER / "experiments").glob("*.json")):
        copy = read_copy(home, "experiments", file.stem)
        if "plan" in copy and not _is_known(connection, "experiments", file.stem):
            insert(connection, "experiments", {**copy, "id": file.stem})
            for cell in _rows(copy, "cells"):
                insert(connection, "experiment_cells", {**cell, "experiment": file.stem})


def _rows(copy: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    rows = copy.get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _is_known(connection: sqlite3.Connection, kind: str, name: str) -> bool:
    query = f"SELECT 1 FROM {kind} WHERE id = ? UNION SELECT 1 FROM deleted WHERE name = ?"
    return connection.execute(query, (name, name)).fetchone() is not None
