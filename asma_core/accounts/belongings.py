"""Whose data sets, networks, uploaded images and plans are: what lies in folders, in no table.

    ASMA_HOME/belongings/KIND/HASH.json     one a thing: name, author, time, shared or not

What has no such file is of before people signed in, or was put there by the owner of the server:
it is nobody's, and everybody sees it.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from asma_core import paths
from asma_core.accounts import audit
from asma_core.accounts.account import OWNER, Account
from asma_core.accounts.current import account
from asma_core.accounts.rights import check_changing, may_see
from asma_core.errors import StoreError
from asma_core.files import as_store_error, read_json, write_json
from asma_core.server_config import settings

DATASET: Final = "dataset"
NETWORK: Final = "network"
UPLOAD: Final = "upload"
PLAN: Final = "plan"
_WORDS: Final = {
    DATASET: "data set",
    NETWORK: "network",
    UPLOAD: "uploaded image",
    PLAN: "plan",
}


@dataclass(frozen=True)
class Belonging:
    """Whose a thing is.

    Attributes:
        name: Of the thing.
        author: Who brought or made it; "" for nobody.
        created: When, in seconds since 1970.
        shared: Whether others see it.
    """

    name: str
    author: str = ""
    created: float = 0.0
    shared: bool = True


def claim(kind: str, name: str, who: Account, *, shared: bool = False) -> None:
    """Say that a new thing is somebody's.

    Where nobody signs in, everybody sees everything, and what was made then is shared.

    Raises:
        StoreError: The data folder can't be written.
    """
    open_to_all = shared or not settings().people_sign_in
    write_json(_file(kind, name), asdict(Belonging(name, who.name, time.time(), open_to_all)))


def belonging(kind: str, name: str) -> Belonging:
    """Return whose a thing is."""
    file = _file(kind, name)
    if not file.exists():
        return Belonging(name)
    try:
        said = read_json(file)
        return Belonging(
            name, str(said["author"]), float(said["created"]), said["shared"] is not False
        )
    except (StoreError, KeyError, TypeError, ValueError):
        # Damaged: only an owner sees it then, rather than everybody.
        return Belonging(name, "", 0.0, shared=False)


def may_see_it(kind: str, name: str) -> bool:
    """Tell whether who acts may see a thing."""
    if account().role == OWNER:
        return True
    known = belonging(kind, name)
    return may_see(known.author, private=not known.shared)


def check_changing_it(kind: str, name: str) -> Account:
    """Return who acts, if they may change or delete a thing.

    Raises:
        NotAllowedError: They may not.
    """
    return check_changing(belonging(kind, name).author, f"the {_WORDS[kind]} {name}")


def share(kind: str, name: str) -> None:
    """Let everybody see a thing.

    Raises:
        NotAllowedError: Who acts may not change it.
        StoreError: The data folder can't be written.
    """
    who = check_changing_it(kind, name)
    known = belonging(kind, name)
    said = Belonging(name, known.author or who.name, known.created, shared=True)
    write_json(_file(kind, name), asdict(said))
    audit.record("share", f"{kind} {name}")


def forget(kind: str, name: str) -> None:
    """Forget whose a thing was that is deleted.

    Raises:
        StoreError: The data folder can't be written.
    """
    file = _file(kind, name)
    with as_store_error(file):
        file.unlink(missing_ok=True)


def theirs_of(author: str, kind: str) -> list[Belonging]:
    """Return what is a person's, by name."""
    folder = _file(kind, "").parent
    found = []
    for file in folder.glob("*.json") if folder.is_dir() else ():
        try:
            known = belonging(kind, str(read_json(file)["name"]))
        except (StoreError, KeyError, TypeError):
            continue
        if known.author == author:
            found.append(known)
    return sorted(found, key=lambda one: one.name)


def _file(kind: str, name: str) -> Path:
    digest = hashlib.sha256(name.encode("utf-8", "backslashreplace")).hexdigest()[:32]
    return paths.home() / "belongings" / kind / f"{digest}.json"
