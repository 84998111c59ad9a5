"""Is anybody using a data folder just now?"""

from __future__ import annotations

from pathlib import Path

from asma_core.errors import StoreError
from asma_core.runs import process_locks


def living(home: Path) -> list[str]:
    """Return the names of the other processes that hold a lock in a data folder."""
    own = process_locks.held_here(home)
    names = sorted(path.stem for path in (home / process_locks.FOLDER).glob("*.lock"))
    return [name for name in names if name != own and process_locks.is_alive(home, name)]


def check_nobody_lives(home: Path, then: str) -> None:
    """Check that no other process uses a data folder.

    Args:
        home: The data folder.
        then: What to do otherwise, for the sentence.

    Raises:
        StoreError: One does.
    """
    names = living(home)
    if names:
        raise StoreError(f"a living process uses {home} ({names[0]}); {then}")
