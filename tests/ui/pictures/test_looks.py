"""What a mask looks like is said once: another colour of a role is an edit of one file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from asma_core.data.formats.images import encode_png
from asma_core.data.masks.palette import DASHES, ROLES
from ui.comparison.payload import Comparison, Frame, pack
from ui.pictures.outlines import Layer, outline

PROJECT = Path(__file__).resolve().parents[3]
HOME = PROJECT / "asma_core" / "data" / "masks" / "palette.py"
FOLDERS = ("asma_core", "ui", "pages", "scripts", "benchmarks", "tests")
SOURCES = [
    path
    for folder in FOLDERS
    for path in (PROJECT / folder).rglob("*")
    if path.suffix in (".py", ".js", ".css", ".html") and path != HOME
]


def spellings(colour: str) -> list[str]:
    """Return how a colour may be written: in one number, and as three."""
    red, green, blue = bytes.fromhex(colour[1:])
    parts = (f"0x{colour[1:3]}", f"0x{colour[3:5]}", f"0x{colour[5:]}")
    return [colour[1:], rf"\b{red}\s*,\s*{green}\s*,\s*{blue}\b", r"\s*,\s*".join(parts)]


@pytest.mark.parametrize("name", ROLES)
def test_a_role_s_colour_is_written_in_one_file(name: str) -> None:
    written = re.compile("|".join(spellings(ROLES[name].colour)), re.IGNORECASE)
    assert written.search(HOME.read_text(encoding="utf-8"))
    assert [path for path in SOURCES if written.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("name", ROLES)
def test_no_text_says_a_role_s_colour_in_words_of_its_own(name: str) -> None:
    said = re.compile(
        rf"(target|prediction|truth|mask)\W{{1,3}}{ROLES[name].word}\b", re.IGNORECASE
    )
    places = [path for path in SOURCES if path.is_relative_to(PROJECT / "ui")]
    assert [path for path in places if said.search(path.read_text(encoding="utf-8"))] == []


def test_the_viewer_is_told_roles_and_line_styles() -> None:
    picture = encode_png(np.zeros((16, 16, 3), np.uint8))
    sent = pack(Comparison("run", picture, (Frame("result", 1, picture),)), "{}")
    length = int.from_bytes(sent[:4], "little")
    looks = json.loads(sent[4 : 4 + length])["looks"]
    assert {name: role["colour"] for name, role in looks["roles"].items()} == {
        name: role.colour for name, role in ROLES.items()
    }
    assert [tuple(dashes) for dashes in looks["dashes"]] == list(DASHES)


@pytest.mark.parametrize("name", ROLES)
def test_outlines_have_their_role_s_colour(name: str) -> None:
    mask = np.zeros((40, 40), np.int64)
    mask[10:30, 10:30] = 1
    drawn = outline(np.full((40, 40, 3), 90, np.uint8), [Layer(mask, ROLES[name])])
    assert (drawn == ROLES[name].rgb).all(axis=-1).any()
