"""Files of one JSON object a line, to which lines are added; a crash costs no line but its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from asma_core.files import PRIVATE, append, as_store_error, write_bytes

_END: Final = b"\n"


def add_line(file: Path, value: Mapping[str, Any]) -> None:
    """Add a line; it stands alone also where a crash or a full disk has left half of one.

    Nobody else may add one meanwhile.

    Raises:
        StoreError: The disk is full or the folder can't be written.
    """
    append(file, _line(value), sync=True)


def write_lines(file: Path, values: Sequence[Mapping[str, Any]]) -> None:
    """Write a file anew, aside and then renamed into place.

    Raises:
        StoreError: The disk is full or the folder can't be written.
    """
    write_bytes(file, b"".join(map(_line, values)), PRIVATE)


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Return what the lines say, those that are none left out; nothing of a file that is absent.

    Raises:
        StoreError: It can't be read.
    """
    with as_store_error(file):
        if not file.exists():
            return []
        content = file.read_bytes()
    found = []
    for line in content.split(_END):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            # Half of a line, whose process died in its middle.
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value).encode() + _END
