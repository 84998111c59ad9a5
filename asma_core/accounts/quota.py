"""How much disk a person's things take, and the limit that the owner of a server has set."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Final

from asma_core import paths
from asma_core.accounts.account import Account
from asma_core.accounts.belongings import DATASET, UPLOAD, theirs_of
from asma_core.errors import InputError
from asma_core.files import folder_size
from asma_core.server_config import settings

GB: Final = 1_000_000_000
# From which share on a person is told.
NEARLY: Final = 0.9
# Seconds for which a sum is good enough.
KNOWN_FOR: Final = 30.0
_LOCK: Final = Lock()
_KNOWN: Final[dict[tuple[Path, str], tuple[float, int]]] = {}


def check_quota(who: Account, more: int = 0) -> None:
    """Check that a person may keep some bytes more.

    Args:
        who: The person.
        more: How many bytes are to be kept.

    Raises:
        InputError: Their things would take more than their quota.
    """
    limit = settings().quota_gb * GB
    if not limit or not who.name:
        return
    taken = used(who.name)
    if taken + more > limit:
        raise InputError(
            f"your runs, images and data sets take {in_gb(taken)} of the {in_gb(limit)} that one "
            "person may have on this server; delete some, or ask its owner for more"
        )


def nearly_full(who: Account) -> str:
    """Return a sentence when a person has used most of their quota; "" before."""
    limit = settings().quota_gb * GB
    if not limit or not who.name:
        return ""
    taken = used(who.name)
    if taken < NEARLY * limit:
        return ""
    return (
        f"Your runs, images and data sets take {in_gb(taken)} of the {in_gb(limit)} that one "
        "person may have on this server: delete what you no longer need."
    )


def used(name: str) -> int:
    """Return how many bytes a person's runs, uploaded images and data sets take."""
    home, now = paths.home(), time.monotonic()
    with _LOCK:
        at, known = _KNOWN.get((home, name), (-KNOWN_FOR, 0))
        if now - at < KNOWN_FOR:
            return known
    found = _of_runs(home, name) + _of_folders(home, name)
    with _LOCK:
        _KNOWN[home, name] = now, found
    return found


def forget_sums() -> None:
    """Count anew at the next question, such as when something was deleted."""
    with _LOCK:
        _KNOWN.clear()


def in_gb(size: float) -> str:
    """Return bytes in words."""
    if size >= GB:
        return f"{size / GB:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e7 else f"{size / 1e6:.1f} MB"


def _of_folders(home: Path, name: str) -> int:
    sets = sum(folder_size(home / "datasets" / one.name) for one in theirs_of(name, DATASET))
    images = 0
    for one in theirs_of(name, UPLOAD):
        file = home / "uploads" / f"{one.name}.image"
        images += file.stat().st_size if file.exists() else 0
    return sets + images


def _of_runs(home: Path, name: str) -> int:
    """Return what the table of runs says; it is of a room above, so it is only read here."""
    file = home / "runs.sqlite"
    if not file.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            query = "SELECT coalesce(sum(bytes), 0) FROM runs WHERE author = ?"
            return int(database.execute(query, (name,)).fetchone()[0])
    except sqlite3.Error:
        # Whoever opens the store says what is wrong with it.
        return 0
