"""Names that are made of what a person has called something."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 56


def plain_name(text: str) -> str:
    """Return a text as small letters, digits and dashes; "own" where nothing is left of it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "own"


def free_among(wanted: str, taken: Iterable[str]) -> str:
    """Return a plain name near the one that is wanted, which is not among the taken ones."""
    plain, known = plain_name(wanted)[:LONGEST], set(taken)
    names = (plain, *(f"{plain}-{number}" for number in range(2, len(known) + 3)))
    return next(name for name in names if name not in known)
