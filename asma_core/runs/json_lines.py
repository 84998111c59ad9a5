"""Files of one JSON object a line, to which lines are added; a crash costs no line but its own."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from asma_core.files import PRIVATE, as_store_error, write_bytes

_END: Final = b"\n"


def add_line(file: Path, value: Mapping[str, Any]) -> None:
    """Add a line; it stands alone also where a crash or a full disk has left half of one.

    Nobody else may add one meanwhile.

    Raises:
        StoreError: The disk is full or the folder can't be written.
    """
    with as_store_error(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE)
        try:
            data = _line(value) if _is_whole(handle) else _END + _line(value)
            if os.write(handle, data) < len(data):
                raise OSError(errno.ENOSPC, "the line did not fit")
            os.fsync(handle)
        finally:
            os.close(handle)


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


def _is_whole(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return not size or os.pread(handle, 1, size - 1) == _END
