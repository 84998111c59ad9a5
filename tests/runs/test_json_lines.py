"""A file of JSON lines loses no line but the one in whose middle its process died."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from asma_core.errors import StoreError
from asma_core.runs.json_lines import add_line, read_lines, write_lines


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "lines.jsonl"


def test_lines_are_read_in_their_order(file: Path) -> None:
    assert read_lines(file) == []
    values = [{"a": 1}, {"a": "two\nlines"}, {"a": None}]
    for value in values:
        add_line(file, value)
    assert read_lines(file) == values
    write_lines(file, values[1:])
    add_line(file, values[0])
    assert read_lines(file) == [*values[1:], values[0]]


@pytest.mark.parametrize("length", range(1, len('{"number": 2}\n')))
def test_half_a_line_costs_no_other(file: Path, length: int) -> None:
    add_line(file, {"number": 1})
    with file.open("ab") as opened:
        opened.write(b'{"number": 2}\n'[:length])
    read = read_lines(file)
    assert read[0] == {"number": 1} and len(read) <= 2
    add_line(file, {"number": 3})
    # One that lacks its end alone is whole.
    assert [one["number"] for one in read_lines(file) if one["number"] != 2] == [1, 3]


def test_what_is_no_object_is_left_out(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"[1]\n\n7\n\xff\xfe\n" + b"[" * 100_000 + b'\n{"good": 1}\n')
    assert read_lines(file) == [{"good": 1}]


def test_others_can_not_read_it(file: Path) -> None:
    before = os.umask(0)
    try:
        add_line(file, {"a": 1})
        assert file.stat().st_mode & 0o777 == 0o600
        write_lines(file, [{"a": 1}])
        assert file.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_line_that_does_not_fit_is_said_and_the_next_one_stands_alone(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_line(file, {"number": 1})
    usual = os.write

    def half(handle: int, data: bytes) -> int:
        return usual(handle, data[:5])

    class Half:
        def __getattr__(self, name: str) -> Any:
            return half if name == "write" else getattr(os, name)

    with monkeypatch.context() as patched:
        patched.setattr("asma_core.files.os", Half())
        with pytest.raises(StoreError, match="is full; free some space"):
            add_line(file, {"number": 2})
    add_line(file, {"number": 3})
    assert read_lines(file) == [{"number": 1}, {"number": 3}]
