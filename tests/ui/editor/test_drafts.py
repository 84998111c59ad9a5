"""Drawings are kept under a key that an address can hold, and nothing else opens."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asma_core.data.targets.drawing import Rectangle
from asma_core.runs.target_source import TargetSource
from ui.editor.drafts import KEPT_FOR, Draft, is_known, keep_draft, new_key, open_draft
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


def kept(draft: Draft = DRAFT) -> str:
    key = new_key()
    keep_draft(draft, key)
    return key


def opened(key: str, image: str = DRAFT.image) -> Draft:
    found = open_draft(key, [image])
    assert found is not None
    return found


def test_what_is_kept_is_opened_again() -> None:
    found = opened(kept())
    np.testing.assert_array_equal(found.base, BASE)
    assert (found.image, found.origin, found.drawing, found.head) == (
        DRAFT.image,
        DRAFT.origin,
        DRAFT.drawing,
        DRAFT.head,
    )


def test_a_newer_drawing_takes_the_place_of_the_older() -> None:
    key = kept()
    keep_draft(replace(DRAFT, drawing=Drawing()), key)
    assert opened(key).drawing.empty


def test_one_key_keeps_the_drawings_of_all_images() -> None:
    key = kept()
    keep_draft(replace(DRAFT, image="../b", drawing=Drawing()), key)
    assert opened(key).drawing == DRAFT.drawing
    assert opened(key, "../b").drawing.empty
    assert open_draft(key, ["c"]) is None


def test_who_goes_on_from_a_key_leaves_it_as_it_is() -> None:
    first = kept()
    second = new_key(first)
    keep_draft(replace(DRAFT, image="b"), second)
    keep_draft(replace(DRAFT, drawing=Drawing()), second)
    assert opened(first).drawing == DRAFT.drawing
    assert open_draft(first, ["b"]) is None
    assert is_known(first) and is_known(second) and not is_known("0" * 16)


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "0" * 16, "0" * 15, "\N{BOMB}" * 16])
def test_no_other_key_opens_anything(key: str) -> None:
    kept()
    assert open_draft(key, [DRAFT.image]) is None
    assert not is_known(key)
    assert new_key(key)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"image": 1, "base": "eA=="}'])
def test_a_broken_draft_is_none(home: Path, content: bytes) -> None:
    key = kept()
    (file,) = (home / "drafts" / key).iterdir()
    file.write_bytes(content)
    assert open_draft(key, [DRAFT.image]) is None


def test_what_nobody_came_back_to_is_deleted(home: Path) -> None:
    old = kept()
    folder = home / "drafts" / old
    for file in (*folder.iterdir(), folder):
        os.utime(file, (file.stat().st_mtime - KEPT_FOR - 60,) * 2)
    new = kept()
    assert not is_known(old)
    assert opened(new)
