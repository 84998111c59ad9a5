"""A run, and the states that it goes through."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from asma_core.runs.spec import RunSpec

QUEUED: Final = "queued"
RUNNING: Final = "running"
DONE: Final = "done"
CANCELLED: Final = "cancelled"
FAILED: Final = "failed"
INTERRUPTED: Final = "interrupted"
ENDED: Final = (DONE, CANCELLED, FAILED, INTERRUPTED)


@dataclass(frozen=True)
class Run:
    """A run as the store knows it.

    Attributes:
        id: Eight hexadecimal digits.
        created: Seconds since 1970.
        finished: The same, or None.
        state: One of queued, running, done, cancelled, failed, interrupted.
        cancel: Whether somebody asked it to stop.
        spec: What it is made from.
        results: Figures; empty without a result.
        message: Why it failed or was interrupted, in a sentence.
        verdict: A person's judgement.
        note: A person's words.
        tags: Words, separated by commas.
    """

    id: str
    created: float
    finished: float | None
    state: str
    cancel: bool
    spec: RunSpec
    results: Mapping[str, Any]
    message: str
    verdict: str
    note: str
    tags: str

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED


def run_of_row(row: sqlite3.Row) -> Run:
    """Return the run of a row of the store's table."""
    return Run(
        id=row["id"],
        created=row["created"],
        finished=row["finished"],
        state=row["state"],
        cancel=bool(row["cancel"]),
        spec=RunSpec(**json.loads(row["spec"])),
        results=json.loads(row["results"]),
        message=row["message"],
        verdict=row["verdict"],
        note=row["note"],
        tags=row["tags"],
    )
