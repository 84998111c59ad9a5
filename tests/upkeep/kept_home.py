"""A small data folder with all that a data folder has: it was made by the code of 2026-11-29."""

from __future__ import annotations

import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

from asma_core.upkeep.check import Report, check

STORES = Path(__file__).resolve().parents[1] / "runs" / "stores"
DONE, OF_CELL = "aa3bd7b0", "27e0379e"


def unpack(home: Path, name: str = "2026-11-29") -> Path:
    """Put a store of some day into a data folder."""
    with zipfile.ZipFile(STORES / f"{name}.zip") as archive:
        archive.extractall(home)
    return home


def whole(home: Path) -> Path:
    """Put a store there in which nothing is wrong."""
    unpack(home)
    check(repair=True)
    assert check() == Report()
    return home


def ask(home: Path, query: str, *values: Any) -> list[Any]:
    """Ask, or change, the database behind the program's back."""
    with closing(sqlite3.connect(home / "runs.sqlite")) as database, database:
        return database.execute(query, values).fetchall()


def tree(home: Path) -> dict[str, bytes]:
    """Return the files that a person would miss, by name."""
    files = [path for path in sorted(home.rglob("*")) if path.is_file()]
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in files
        if not path.name.startswith(("runs.sqlite", "audit.")) and path.suffix != ".lock"
    }
