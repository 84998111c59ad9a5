"""The audit log: one line of JSON per action, in the data folder, rotated.

    ASMA_HOME/logs/audit.jsonl      the newest; audit.1.jsonl, audit.2.jsonl, ... are older

A line has `time` (ISO 8601, UTC), `who`, `role`, `action`, `thing`, and what else the action says.
It is written by one call to the system, so lines of several processes do not mix.
"""

from __future__ import annotations

import itertools
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from asma_core import paths
from asma_core.accounts.current import account
from asma_core.files import as_store_error

FOLDER: Final = "logs"
NAME: Final = "audit"
# Bytes of a file, and how many older ones are kept.
LARGEST: Final = 10_000_000
KEPT: Final = 20


def record(action: str, thing: str, home: Path | None = None, **more: Any) -> None:
    """Write down what who acts has done.

    Args:
        action: A word such as "delete".
        thing: What it was done to, such as "run 1234abcd".
        home: The data folder; the usual one by default.
        more: What else is to be known, as plain values; nothing that a person may ask to forget,
            such as the name of an image.

    Raises:
        StoreError: The log can't be written.
    """
    who = account()
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = {"time": now, "who": who.name, "role": who.role, "action": action, "thing": thing} | more
    file = log_file(home)
    with as_store_error(file):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _rotate(file)
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, (json.dumps(line) + "\n").encode())
        finally:
            os.close(handle)


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
