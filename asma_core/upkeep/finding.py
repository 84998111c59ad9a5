"""What is wrong with a data folder, a sentence each, and what mends it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_MOST: Final = 5


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        sentence: What it is.
        mend: Puts it right without losing anything; None where only a person can.
        harmless: Whether nothing hangs on it, such as a time that can't be.
    """

    sentence: str
    mend: Callable[[], object] | None = None
    harmless: bool = False


def listed(names: Sequence[str]) -> str:
    """Return names for a sentence: the first of many, and how many more there are."""
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
