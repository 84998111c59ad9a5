"""A zip is unpacked into its own folder and nowhere else, whole or not at all."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asma_core.data.formats.archives import unpack
from asma_core.errors import AsmaError, InputError
from asma_core.server_config import Settings
from tests.data.publish import binary, picture

LIMITS = Settings(max_archive_mb=50, max_archive_files=100)


def packed(files: dict[str, bytes], **more: object) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    buffer.seek(0)
    return buffer


PAIR = {"set/images/a.png": picture(0), "set/masks/a.png": binary()}


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_pictures_are_unpacked_and_the_rest_is_passed_over(tmp_path: Path) -> None:
    more = {
        "set/README.md": b"x",
        "__MACOSX/set/._a.png": b"x",
        "set/run.py": b"1",
        ".DS_Store": b"",
    }
    assert unpack(packed(PAIR | more), tmp_path / "new", LIMITS) == 2
    assert everything(tmp_path) == ["new/set/images/a.png", "new/set/masks/a.png"]


@pytest.mark.parametrize(
    "name", ["../a.png", "/etc/a.png", "x/../../a.png", "..\\a.png", "C:\\a.png", "C:/a.png"]
)
def test_a_path_that_leaves_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="lies outside of it"):
        unpack(packed(PAIR | {name: picture(0)}), tmp_path / "in" / "new", LIMITS, "x.zip")
    assert everything(tmp_path) == []


def test_a_link_is_told(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("images/b.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match=r"x\.zip holds the link 'images/b\.png'"):
        unpack(buffer, tmp_path / "new", LIMITS, "x.zip")


def test_a_bomb_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it is a bomb"):
        unpack(packed({"a.png": b"\0" * 40_000_000}), tmp_path / "new", LIMITS, "x.zip")


def test_too_much_is_told_with_the_limit(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(2_000_000)
    small = Settings(max_archive_mb=1)
    with pytest.raises(InputError, match="more than 1 MB, the limit"):
        unpack(packed({"a.png": noise}), tmp_path / "new", small, "x.zip")
    many = {f"{number}.png": b"x" for number in range(101)}
    with pytest.raises(InputError, match="holds 101 files; the limit is 100"):
        unpack(packed(many), tmp_path / "new", LIMITS, "x.zip")


def test_a_zip_that_lies_about_its_sizes_is_stopped(tmp_path: Path) -> None:
    data = bytearray(packed({"a.png": np.random.default_rng(0).bytes(3_000_000)}).getvalue())
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = data.index(mark) + offset
        data[place : place + 4] = struct.pack("<I", 1000)
    with pytest.raises(AsmaError):
        unpack(io.BytesIO(bytes(data)), tmp_path / "new", Settings(max_archive_mb=1), "x.zip")
    assert everything(tmp_path) == []


@pytest.mark.parametrize("name", ["more.zip", "x/y.rar", "z.7z", "t.tar.gz"])
def test_an_archive_inside_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="holds the archive"):
        unpack(packed(PAIR | {name: b"x"}), tmp_path / "new", LIMITS, "x.zip")


def test_names_that_differ_in_case_only_are_told(tmp_path: Path) -> None:
    files = {"images/a.png": picture(0), "Images/A.png": picture(1)}
    with pytest.raises(InputError, match=r"holds both images/a\.png and Images/A\.png"):
        unpack(packed(files), tmp_path / "new", LIMITS, "x.zip")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [(b"", "is not a zip"), (b"hello", "is not a zip"), (b"Rar!\x1a\x07", "is not a zip")],
)
def test_what_is_no_zip_is_told(tmp_path: Path, data: bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        unpack(io.BytesIO(data), tmp_path / "new", LIMITS, "x.zip")


def test_nothing_that_is_a_picture_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no pictures"):
        unpack(packed({"a.txt.md": b"x"}), tmp_path / "new", LIMITS, "x.zip")


@settings(max_examples=150, derandomize=True)
@given(st.integers(0, 2**32), st.integers(1, 30))
def test_a_damaged_zip_is_unpacked_or_told(
    tmp_path_factory: pytest.TempPathFactory, seed: int, wounds: int
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    data = bytearray(packed(PAIR).getvalue())
    rng = np.random.default_rng(seed)
    for place in rng.integers(0, len(data), wounds):
        data[place] = rng.integers(256)
    cut = len(data) if seed % 4 else int(rng.integers(1, len(data)))
    try:
        unpack(io.BytesIO(bytes(data[:cut])), folder / "in" / "new", LIMITS, "x.zip")
    except AsmaError:
        assert everything(folder) == []
    assert all(path.startswith("in/new/") for path in everything(folder))
