"""What is wrong with the database file itself: is it one, of this version, with all its parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from asma_core.errors import StoreError
from asma_core.runs.database import Database, is_read_only
from asma_core.runs.migrations import VERSION, version
from asma_core.runs.schema import missing_parts
from asma_core.upkeep.finding import Finding, listed

# What `PRAGMA integrity_check` says of an index that does not fit its table, which has all.
_OF_INDEX: Final = ("missing from index", "wrong # of entries in index", "entry in index")
_ANEW: Final = "`python -m asma_core store reindex` makes it anew from the folders"


def database_findings(file: Path) -> Iterator[Finding]:
    """Yield what is wrong with a database; after one that can't be mended nothing more is."""
    try:
        with closing(_opened(file)) as database:
            found = version(database)
            if found > VERSION:
                yield Finding(
                    f"{file} is of a newer version of the workbench (schema {found}, this one "
                    f"knows {VERSION}); upgrade the program"
                )
                return
            damage = [row[0] for row in database.execute("PRAGMA integrity_check")]
            lost = missing_parts(database) if found == VERSION else []
    except sqlite3.Error as error:
        yield Finding(f"{file} is damaged ({error}); {_ANEW}")
        return
    if damage != ["ok"]:
        yield _damaged(file, damage)
    if lost:
        names = [part.called for part in lost]
        yield Finding(f"{file} lacks {listed(names)}", lambda: _add_parts(file))


def is_usable(file: Path) -> bool:
    """Tell whether a database can be opened."""
    try:
        Database(file)
    except StoreError:
        return False
    return True


def _opened(file: Path) -> sqlite3.Connection:
    """Open a database as it is, whatever is wrong with it."""
    ending = "?mode=ro&immutable=1" if is_read_only(file) else "?mode=rw"
    return sqlite3.connect(f"file:{quote(str(file))}{ending}", uri=True, isolation_level=None)


def _damaged(file: Path, damage: list[str]) -> Finding:
    first = " ".join(damage[0].split())
    text = f"{file} is damaged ({first})" + f", in {len(damage)} places" * (len(damage) > 1)
    if all(any(words in line for words in _OF_INDEX) for line in damage):
        return Finding(f"{text}, in its indexes alone", lambda: _rebuild_indexes(file))
    return Finding(f"{text}; {_ANEW}")


def _rebuild_indexes(file: Path) -> None:
    with closing(_opened(file)) as database:
        database.execute("REINDEX")


def _add_parts(file: Path) -> None:
    """Add what is missing; a part may bring others along, so it is looked again each time."""
    with closing(_opened(file)) as database:
        while parts := missing_parts(database):
            database.execute(parts[0].statement)
