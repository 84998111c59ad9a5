"""Trainings of before: what a curve called `looks`, and those from before their table.

A `state.json` beside the plan said then how one stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from asma_core.errors import StoreError
from asma_core.files import as_store_error, read_json
from asma_core.runs.database import Database
from asma_core.runs.process_locks import is_alive
from asma_core.runs.run import QUEUED, RUNNING
from asma_core.runs.texts import storable
from asma_core.training.record import STATES, STOPPED

_PLAN: Final = "plan.json"
_STATE: Final = "state.json"
_STOP: Final = "stop"
_CURVE_NAMES: Final = {"looks": "validations"}


def take_in(database: Database, home: Path) -> None:
    """Give each training that has none its row; its `state.json` goes then.

    A damaged record is left as it is, and so is one whose process still lives: that is of an
    older version, and writes the record once more when it ends.

    Raises:
        StoreError: The database or the folder can't be written.
    """
    for file in (home / "trainings").glob(f"*/{_STATE}"):
        row = _row(file.parent)
        if row is None or (row["state"] == RUNNING and is_alive(home, row["owner"])):
            continue
        with database.writing() as connection:
            # Somebody else may have taken it in meanwhile, or deleted it since.
            if file.exists():
                connection.execute(
                    "INSERT OR IGNORE INTO trainings (id, created, state, owner, network, figures,"
                    " message) VALUES (:id, :created, :state, :owner, :network, :figures,"
                    " :message)",
                    row,
                )
        with as_store_error(file):
            file.unlink(missing_ok=True)
            (file.parent / _STOP).unlink(missing_ok=True)


def as_now(curve: Mapping[str, Any]) -> dict[str, Any]:
    """Return a curve with the names of today: its validations were called `looks`."""
    return {_CURVE_NAMES.get(name, name): value for name, value in curve.items()}


def _row(folder: Path) -> dict[str, Any] | None:
    """Return the values of the row; None of what is not the record of a training."""
    try:
        said, plan = read_json(folder / _STATE), read_json(folder / _PLAN)
        state, created = said["state"], float(plan["created"])
        texts = {name: storable(said.get(name, "")) for name in ("owner", "network", "message")}
    except (StoreError, AttributeError, KeyError, TypeError, ValueError):
        return None
    if state not in STATES or not folder.name.isalnum():
        return None
    if state == QUEUED and (folder / _STOP).exists():
        state = STOPPED
    figures = json.dumps(said.get("figures") or {})
    return {"id": folder.name, "created": created, "state": state, "figures": figures, **texts}
