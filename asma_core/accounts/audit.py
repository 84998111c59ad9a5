"""The audit log: one line of JSON per action, in the data folder, rotated.

    ASMA_HOME/logs/audit.jsonl      the newest; audit.1.jsonl, audit.2.jsonl, ... are older

A line has `time` (ISO 8601, UTC), `who`, `role`, `action`, `thing`, and what else the action says.
It is written by one call to the system, so lines of several processes do not mix. It comes after
what it tells of: what was refused or failed has none, and what is done is done also where the line
can't be written.
"""

from __future__ import annotations

import itertools
import json
import logging
from collections import deque
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

from asma_core import paths
from asma_core.accounts.current import account
from asma_core.errors import StoreError
from asma_core.files import append, as_store_error

FOLDER: Final = "logs"
NAME: Final = "audit"
# Bytes of a file, and how many older ones are kept.
LARGEST: Final = 10_000_000
KEPT: Final = 20
# Lines that could not be written; of more the oldest are in the program's log alone.
MOST_WAITING: Final = 1000
_WAITING: Final[dict[Path, deque[str]]] = {}
_LOCK: Final = Lock()
_PROGRAM: Final = logging.getLogger(__name__)


def record(action: str, thing: str, home: Path | None = None, **more: Any) -> None:
    """Write down what who acts has done; to be called after it is done.

    Never raises where the log can't be written, such as on a full disk: what is done is done, and
    who fills the disk must be able to delete. The line is said in the program's log then, and is
    written with the next one that can be.

    Args:
        action: A word such as "delete".
        thing: What it was done to, such as "run 1234abcd".
        home: The data folder; the usual one by default.
        more: What else is to be known, as plain values; nothing that a person may ask to forget,
            such as the name of an image.
    """
    who = account()
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    said = {"time": now, "who": who.name, "role": who.role, "action": action, "thing": thing} | more
    line, file = json.dumps(said), log_file(home)
    with _LOCK:
        waiting = _WAITING.setdefault(file, deque(maxlen=MOST_WAITING))
        waiting.append(line)
        try:
            with as_store_error(file):
                _rotate(file)
            append(file, "".join(f"{one}\n" for one in waiting).encode())
        except StoreError as error:
            _PROGRAM.warning("not in the audit log yet (%s): %s", error, line)
        else:
            waiting.clear()


def log_file(home: Path | None = None) -> Path:
    """Return where the newest lines are."""
    return (home or paths.home()) / FOLDER / f"{NAME}.jsonl"


def _rotate(file: Path) -> None:
    """Make room when the file is full; a line that somebody writes just then lands in the older."""
    if not file.exists() or file.stat().st_size < LARGEST:
        return
    older = [file.with_name(f"{NAME}.{number}.jsonl") for number in range(1, KEPT + 1)]
    for newer, one in reversed(list(itertools.pairwise(older))):
        if newer.exists():
            newer.replace(one)
    file.replace(older[0])
