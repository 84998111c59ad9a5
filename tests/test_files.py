"""Files appear whole or not at all, and what the system says becomes a sentence."""

from __future__ import annotations

import errno
import json
import math
import os
from pathlib import Path

import pytest

from asma_core.errors import StoreError
from asma_core.files import as_store_error, read_json, remove_old, to_json, write_bytes, write_json


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "😀 <script>.bin"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.bin"
    write_bytes(path, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("asma_core.files.os.fsync", full)
    with pytest.raises(StoreError, match="is full; free some space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.glob(".file*")) == []


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.EDQUOT, "is full; free some space"),
        (errno.EACCES, "check its permissions or set ASMA_HOME"),
        (errno.EROFS, "check its permissions or set ASMA_HOME"),
        (errno.EIO, "check the folder and repeat"),
    ],
)
def test_what_the_system_says_becomes_a_sentence(
    tmp_path: Path, number: int, sentence: str
) -> None:
    with pytest.raises(StoreError, match=sentence), as_store_error(tmp_path):
        raise OSError(number, "as the system says it")


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="check the folder"):
        write_bytes(tmp_path / "file" / "inside", b"x")


@pytest.mark.parametrize(
    "value", [{"name": "😀 'quoted' </script>", "list": [1, 2.5, None, True]}, [], "\udcff bytes"]
)
def test_json_survives_writing_and_reading(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "value.json", value)
    assert read_json(tmp_path / "value.json") == value


def test_floats_survive_exactly(tmp_path: Path) -> None:
    values = [0.1, 1e-300, 1 / 3, 2.0**-1074]
    write_json(tmp_path / "floats.json", values)
    assert read_json(tmp_path / "floats.json") == values


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_json_is_not_written(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "value.json", {"x": value})
    assert list(tmp_path.glob("*.json")) == []
    assert json.loads(to_json({"x": 1})) == {"x": 1}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\xfa", b'{"a": \xff}', b"[" * 100_000])
def test_a_broken_json_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"broken\.json is not JSON"):
        read_json(path)


def test_an_absent_json_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"absent.json can't be read"):
        read_json(tmp_path / "absent.json")


def test_only_what_is_old_is_removed(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_bytes(b"x")
    os.utime(tmp_path / "old", (1, 1))
    remove_old(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    remove_old(tmp_path / "absent")
