"""Texts as the database holds and finds them."""

from __future__ import annotations

# What SQLite's search can't tell from U+FFFD, or takes for the end of a text.
_UNTOLD = dict.fromkeys((0x0, 0xFFFE, 0xFFFF), "\N{REPLACEMENT CHARACTER}")


def storable(text: str) -> str:
    """Return a text that SQLite can hold: bytes of a file's name that are no text are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def folded(text: str) -> str:
    """Return a text without the difference of capitals, as it is kept to be searched."""
    return storable(text).casefold().translate(_UNTOLD)
