"""Signs of life of an attack: when it began, and whether anything of it still changes.

A step that hangs says nothing, so whoever waits for it looks from outside, at the work folders of
its runs. No clock is compared with that of another process or machine: who looks remembers when it
first saw a beginning, and when it last saw a change.

    ASMA_HOME/work/ID/began       a word of the attack's own, the same for runs attacked at once
    ASMA_HOME/work/ID/live.json   the step that was shown last; see `runs.live`
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from asma_core.files import write_bytes

BEGAN: Final = "began"
LIVE: Final = "live.json"

Signs = frozenset[tuple[str, int, int]]


def say_begun(folders: Iterable[Path]) -> None:
    """Say in the work folders of runs that an attack on all of them begins.

    Raises:
        StoreError: They can't be written.
    """
    word = secrets.token_hex(8).encode()
    for folder in folders:
        write_bytes(folder / BEGAN, word)


def begun(folder: Path) -> tuple[int, str]:
    """Return when, by the disk's clock, and by what word the attack began that a run is under.

    Both are empty of a run that is under none.
    """
    file = folder / BEGAN
    try:
        return file.stat().st_mtime_ns, file.read_text("ascii", "replace")
    except OSError:
        return 0, ""


def signs(folders: Iterable[Path]) -> Signs:
    """Return what changes with everything that is written into work folders."""
    return frozenset(sign for folder in folders for sign in _of(folder))


def _of(folder: Path) -> Iterable[tuple[str, int, int]]:
    for path in folder.rglob("*"):
        try:
            status = path.stat()
        except OSError:
            # Written aside and renamed meanwhile.
            continue
        yield str(path), status.st_mtime_ns, status.st_size
