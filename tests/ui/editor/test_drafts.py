"""Drawings are kept under a key that an address can hold, and nothing else opens."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asma_core.data.targets.drawing import Rectangle
from asma_core.runs.target_source import TargetSource
from ui.editor.drafts import KEPT_FOR, Draft, keep_draft, open_draft
from ui.editor.drawings import Drawing
from ui.editor.shapes import to_items

BASE = np.arange(320).reshape(16, 20) % 3
SHAPES = tuple(to_items([Rectangle(2.5, 1.0, 3.0, 4.0, 1)]))
DRAFT = Draft(
    'set / "<b>"',
    BASE.astype(np.int64),
    TargetSource("truth"),
    Drawing(SHAPES, 2, ((1.0, 2.0),)),
    head={"start": "truth"},
)


@pytest.fixture(autouse=True)
def data_folder(home: Path) -> Path:
    return home


def test_what_is_kept_is_opened_again() -> None:
    found = open_draft(keep_draft(DRAFT, None))
    assert found is not None
    np.testing.assert_array_equal(found.base, BASE)
    assert (found.image, found.origin, found.drawing, found.head) == (
        DRAFT.image,
        DRAFT.origin,
        DRAFT.drawing,
        DRAFT.head,
    )


def test_a_newer_drawing_takes_the_place_of_the_older(home: Path) -> None:
    key = keep_draft(DRAFT, None)
    assert keep_draft(replace(DRAFT, drawing=Drawing()), key) == key
    found = open_draft(key)
    assert found is not None
    assert found.drawing.empty
    assert len(list((home / "drafts").iterdir())) == 1


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "0" * 16, "0" * 15, "\N{BOMB}" * 16])
def test_no_other_key_opens_anything(key: str) -> None:
    keep_draft(DRAFT, None)
    assert open_draft(key) is None


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"image": 1, "base": "eA=="}'])
def test_a_broken_draft_is_none(home: Path, content: bytes) -> None:
    key = keep_draft(DRAFT, None)
    (home / "drafts" / f"{key}.json").write_bytes(content)
    assert open_draft(key) is None


def test_what_nobody_came_back_to_is_deleted(home: Path) -> None:
    old = keep_draft(DRAFT, None)
    file = home / "drafts" / f"{old}.json"
    os.utime(file, (file.stat().st_mtime - KEPT_FOR - 60,) * 2)
    new = keep_draft(DRAFT, None)
    assert open_draft(old) is None
    assert open_draft(new) is not None
