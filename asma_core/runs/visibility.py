"""Which runs the person who acts may see: all that are not somebody else's alone."""

from __future__ import annotations

from asma_core.accounts.account import OWNER
from asma_core.accounts.current import account


def seen() -> tuple[str, tuple[str, ...]]:
    """Return a condition of SQL on the table `runs`, and its values, for who acts."""
    who = account()
    if who.role == OWNER:
        return "1", ()
    return "(runs.private = 0 OR runs.author = ?)", (who.name,)
