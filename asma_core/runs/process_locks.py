"""Which process holds a run, and whether it still lives.

A process holds a lock on a file of its own as long as it lives; the system lets go of it however
the process ends. So a reused process number, a clock that was set, another container or a zombie
do not deceive.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import socket
import threading
from pathlib import Path
from typing import Final

from asma_core.files import as_store_error

# As it is in the data folders that there are; the tables call a holder `owner`, too.
FOLDER: Final = "owners"
_LOCKS: Final[dict[Path, tuple[str, int]]] = {}
_GUARD: Final = threading.Lock()


def this_process(home: Path) -> str:
    """Return the name of this process under a data folder; its lock is held from then on.

    Raises:
        StoreError: The folder can't be written.
    """
    with _GUARD:
        held = _LOCKS.get(home)
        if held is None or not _file(home, held[0]).exists():
            if held is not None:
                os.close(held[1])
            held = _LOCKS[home] = _locked(home)
        return held[0]


def held_here(home: Path) -> str:
    """Return the name of this process under a data folder; "" as long as it has none."""
    held = _LOCKS.get(home)
    return held[0] if held is not None else ""


def is_alive(home: Path, holder: str) -> bool:
    """Tell whether the process of that name lives."""
    held = _LOCKS.get(home)
    if held is not None and held[0] == holder:
        return True
    return bool(holder) and _is_locked(_file(home, holder))


def forget_dead(home: Path) -> None:
    """Remove the lock files of processes that have ended."""
    for path in (home / FOLDER).glob("*.lock"):
        if not is_alive(home, path.stem):
            path.unlink(missing_ok=True)


def _locked(home: Path) -> tuple[str, int]:
    """Make a lock file aside, lock it, and only then give it the name that others look for."""
    host = re.sub(r"[^A-Za-z0-9]+", "-", socket.gethostname())
    name = f"{host}-{os.getpid()}-{secrets.token_hex(8)}"
    file = _file(home, name)
    aside = file.with_suffix(".aside")
    with as_store_error(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        aside.rename(file)
    return name, descriptor


def _is_locked(file: Path) -> bool:
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        # A process of another user: as long as it can't be asked, its runs are left alone.
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _file(home: Path, holder: str) -> Path:
    return home / FOLDER / f"{holder}.lock"


def _forget_in_child() -> None:
    """A forked child is another process: it must neither use nor keep its parent's locks."""
    for _, descriptor in _LOCKS.values():
        os.close(descriptor)
    _LOCKS.clear()


os.register_at_fork(after_in_child=_forget_in_child)
