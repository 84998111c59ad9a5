"""TOML that anybody may have written: read within limits, or refused in a sentence.

Python's reader needs memory and time by the square of the names that dots join in one key, and a
stack as deep as lists lie in each other, so both are counted before it reads.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any, Final

from asma_core.errors import InputError

MOST_BYTES: Final = 300_000
# Names that dots join, in one key; more is no name.
MOST_JOINED: Final = 16
_NAME: Final = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
_JOINED: Final = re.compile(rf"(?<![\w-]){_NAME}(?:[ \t]*+\.[ \t]*+{_NAME}){{{MOST_JOINED},}}+")


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file holds; dates and times are texts.

    Raises:
        InputError: It can't be read, is too large, too deep, or no TOML; what is wrong, in words
            that stand well in brackets.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"it is larger than {MOST_BYTES // 1000} kB")
        text = path.read_text(encoding="utf-8")
        if _JOINED.search(text):
            raise InputError(f"a key of more than {MOST_JOINED} names with dots between them")
        content: dict[str, Any] = _plain(tomllib.loads(text))
        return content
    except RecursionError as error:
        raise InputError("lists lie too deep in each other") from error
    except OSError as error:
        raise InputError(error.strerror or "it can't be opened") from error
    except ValueError as error:
        # Of a long number Python tells how its own limit is raised.
        raise InputError(str(error).partition(";")[0]) from error


def _plain(value: Any) -> Any:
    """Return a value as JSON and cards can hold it too.

    Raises:
        ValueError: A whole number that TOML does not allow.
    """
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if type(value) is int and value.bit_length() > 63:
        raise ValueError("a whole number of more than 64 bits")
    return value
