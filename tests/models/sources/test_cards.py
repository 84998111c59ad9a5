"""Model cards are read, and what is wrong with them is told."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from asma_core import paths
from asma_core.errors import ModelError, UnknownNameError
from asma_core.models.sources.cards import (
    InputSpec,
    find_card,
    model_cards,
    read_card,
    weights_hash,
)

CARD = """
name = "mine"
title = "My network 😀"
description = "For tests."
weights = "mine.safetensors"
dataset = "demo-lesion"

[architecture]
name = "UNet"
arguments = { spatial_dims = 2, channels = [4, 8] }

[input]
channels = 3
size = 256
multiple = 16
mean = [0.5, 0.5, 0]
std = [0.25, 0.25, 1]

[[classes]]
name = "skin"

[[classes]]
name = "lesion"

[figures]
test_iou = 0.9
"""


@pytest.fixture(autouse=True)
def _none_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(paths, "SHIPPED_MODELS", tmp_path / "shipped")


def written(folder: Path, text: str = CARD, name: str = "mine") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.safetensors").write_bytes(b"weights")
    path = folder / f"{name}.toml"
    path.write_bytes(text.encode())
    return path


def test_the_colours_of_an_older_card_are_passed_over(tmp_path: Path) -> None:
    older = CARD.replace('name = "lesion"', 'name = "lesion"\ncolour = "#D55E00"')
    assert read_card(written(tmp_path, older)) == read_card(written(tmp_path))


def test_a_card_is_read(tmp_path: Path) -> None:
    card = read_card(written(tmp_path))
    assert card.name == "mine"
    assert card.title == "My network 😀"
    assert card.weights == tmp_path / "mine.safetensors"
    assert card.arguments == {"spatial_dims": 2, "channels": [4, 8]}
    assert card.input == InputSpec(3, 256, 16, (0.5, 0.5, 0.0), (0.25, 0.25, 1.0))
    assert card.classes == ("skin", "lesion")
    assert (card.dataset, card.source) == ("demo-lesion", "")
    assert card.figures == {"test_iou": 0.9}


@pytest.mark.parametrize(
    ("line", "instead", "sentence"),
    [
        ('name = "mine"', "", r"mine\.toml lacks 'name'; add it"),
        ('title = "My network 😀"', 'titel = "My network"', "has 'titel'; if 'title' is meant"),
        ('weights = "mine.safetensors"', "", "lacks 'weights'"),
        ('name = "UNet"', "", "lacks 'name'"),
        ("size = 256", "sizes = 256", "has 'sizes'; if 'size' is meant"),
        ("[input]", "[inputs]", "has 'inputs'; if 'input' is meant"),
        ("[architecture]", "[architectures]", "has 'architectures'; if 'architecture' is meant"),
        ('name = "lesion"', "", "lacks 'name'"),
        ('name = "mine"', "name = 3", "has name = 3, which can't be"),
        ("size = 256", 'size = "256"', "has size = '256'"),
        ("size = 256", "size = true", "has size = True"),
        ("size = 256", "size = -1", "has size = -1"),
        ("size = 256", "size = 1000000", "has size = 1000000"),
        ("multiple = 16", "multiple = 0", "has multiple = 0"),
        ("channels = 3", "channels = 2", "has mean"),
        ("mean = [0.5, 0.5, 0]", "mean = [0.5]", "has mean"),
        ("mean = [0.5, 0.5, 0]", 'mean = "abc"', "has mean"),
        ("mean = [0.5, 0.5, 0]", 'mean = ["a", "b", "c"]', "has mean"),
        ("std = [0.25, 0.25, 1]", "std = [0.25, 0.25, 0]", "has std"),
        ('[[classes]]\nname = "lesion"', "", "has classes"),
        ("arguments = {", "arguments = 3 # {", "has arguments = 3"),
        ("size = 256", "size 256", "can't be read as a model card"),
        ('weights = "mine.safetensors"', 'weights = "other.safetensors"', "not a file beside it"),
        ('weights = "mine.safetensors"', 'weights = "../mine.safetensors"', "not a file beside"),
        ('weights = "mine.safetensors"', 'weights = "sub/mine.safetensors"', "not a file beside"),
        ('weights = "mine.safetensors"', 'weights = "/etc/passwd"', "not a file beside it"),
        ('weights = "mine.safetensors"', 'weights = ""', "not a file beside it"),
        ('weights = "mine.safetensors"', 'weights = ".."', "not a file beside it"),
    ],
)
def test_what_is_wrong_with_a_card_is_told(
    tmp_path: Path, line: str, instead: str, sentence: str
) -> None:
    assert line in CARD
    folder = tmp_path / "models"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path, folder / "sub"):
        (place / "mine.safetensors").write_bytes(b"weights")
    with pytest.raises(ModelError, match=sentence):
        read_card(written(folder, CARD.replace(line, instead, 1)))


def test_a_card_that_is_no_text_or_absent_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be read as a model card"):
        read_card(tmp_path / "absent.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="can't be read as a model card"):
        read_card(tmp_path / "binary.toml")


def test_the_shipped_cards_come_first_and_are_not_replaced(home: Path) -> None:
    written(paths.SHIPPED_MODELS, CARD.replace("For tests.", "Shipped."))
    written(home / "models")
    for name in ("b", "a"):
        written(home / "models", CARD.replace('"mine"', f'"{name}"'), name)
    assert list(model_cards()) == ["mine", "a", "b"]
    assert find_card("mine").description == "Shipped."


def test_an_unknown_name_is_told_with_what_there_is(home: Path) -> None:
    with pytest.raises(UnknownNameError, match="no model is called 'x'; there is: none"):
        find_card("x")
    written(home / "models")
    with pytest.raises(UnknownNameError, match=r"'\.\./mine'; there is: mine"):
        find_card("../mine")


def test_the_hash_is_that_of_the_weights_now(tmp_path: Path) -> None:
    card = read_card(written(tmp_path))
    assert weights_hash(card) == hashlib.sha256(b"weights").hexdigest()
    card.weights.write_bytes(b"other weights")
    assert weights_hash(card) == hashlib.sha256(b"other weights").hexdigest()
    card.weights.unlink()
    with pytest.raises(ModelError, match="restore the weights"):
        weights_hash(card)
