"""TOML of strangers is read within limits, or refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from asma_core.errors import InputError
from asma_core.plain_toml import MOST_BYTES, MOST_JOINED, read_toml


def written(folder: Path, text: str) -> Path:
    path = folder / "a.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # Python's reader takes 2.5 GB and 40 s for it.
        (".".join("a" * 25_000) + " = 1", "16 names with dots"),
        ("[" + ".".join("a" * 25_000) + "]", "16 names with dots"),
        ("x = {" + " . ".join(["'a'"] * 2000) + " = 1}", "16 names with dots"),
        (". ".join(['"a b"', "a-b"] * 2000) + " = 1", "16 names with dots"),
        ("a = " + "[" * 50_000, "too deep"),
        ("a = " + "{b = " * 50_000, "too deep"),
        ("[[[[", "Invalid|Expected"),
        ("a = 0x" + "f" * 5000, "more than 64 bits"),
        ("a = " + "9" * 5000, "Exceeds the limit|more than 64 bits"),
        ("a = 1\0", "Illegal|Invalid|Expected"),
        ("a = 25:61:61", "second|minute|hour|Expected|Invalid"),
        ("# " + "x" * MOST_BYTES, "larger than 300 kB"),
    ],
)
def test_what_can_not_be_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read_toml(written(tmp_path, text))


def test_a_file_that_is_no_text_or_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "a.toml", tmp_path / "absent", tmp_path, tmp_path / ("x" * 300)):
        with pytest.raises(InputError):
            read_toml(path)


def test_dates_and_times_are_texts_at_any_depth(tmp_path: Path) -> None:
    text = "a = 2026-11-29\n[b]\nc = [07:32:00, {d = 1979-05-27T07:32:00Z}]\ne = 1.5\n"
    told = {"c": ["07:32:00", {"d": "1979-05-27T07:32:00+00:00"}], "e": 1.5}
    assert read_toml(written(tmp_path, text)) == {"a": "2026-11-29", "b": told}


def test_as_many_joined_names_as_anybody_needs_are_read(tmp_path: Path) -> None:
    joined = ".".join("a" * MOST_JOINED)
    text = f'[{joined}]\ndescription = "one. two... 1.2.3.4.5.6.7.8.9, www.a.b.c"\n'
    content = read_toml(written(tmp_path, text))
    for _ in range(MOST_JOINED):
        content = content["a"]
    assert content["description"].startswith("one. two")
