"""A network seen in the classes of a data set of other classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from asma_core.cli import main as cli
from asma_core.data.datasets import open_dataset
from asma_core.errors import InputError, ModelError
from asma_core.jobs.checks import check_on
from asma_core.models.sources.cards import find_card, network_hash, read_card
from asma_core.models.sources.class_mapping import (
    by_names,
    by_overlap,
    from_words,
    keep_mapped,
    missing,
    proposed,
    seen_as,
)
from asma_core.models.sources.loading import load_card
from asma_core.models.wrapper.outputs import merged
from asma_core.runs.store import RunStore
from tests import tiny

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def house(home: Path) -> Path:
    return tiny.furnish(home)


@pytest.mark.parametrize(
    ("network", "dataset", "right"),
    [
        (("background", "disc", "cup"), ("background", "cup", "disc"), (0, 2, 1)),
        (("bg", "optic disc"), ("background", "disc", "cup"), (0, 1)),
        (("background", "rim", "cup"), ("background", "disc"), (0, None, None)),
        (("Background", "Left_Lung", "right lung"), ("none", "lung"), (None, 1, 1)),
        (("sky", "person"), ("background", "lesion"), (None, None)),
    ],
)
def test_classes_are_proposed_by_name(
    network: tuple[str, ...], dataset: tuple[str, ...], right: tuple[int | None, ...]
) -> None:
    assert by_names(network, dataset) == right


def test_classes_are_proposed_by_what_they_lie_on() -> None:
    mask = tiny.mask_labels(0, 2)
    prediction = tiny.mask_labels(0, 3)
    assert by_overlap([(prediction, mask)], 4, 2) == (0, 1, 1, None)
    # A rare class wins where it is much commoner than elsewhere.
    rare = np.zeros((40, 40), dtype=np.int64)
    rare[:4, :4] = 1
    around = np.zeros_like(rare)
    around[:7, :6] = 1
    assert by_overlap([(around, rare)], 2, 2) == (0, 1)


def test_numbers_count_where_names_and_pictures_say_nothing() -> None:
    card, dataset = find_card(tiny.MODEL), open_dataset(tiny.DATASET)
    assert proposed(card, dataset) == (0, 1)


def test_a_merged_prediction_is_the_network_s_own() -> None:
    logits = torch.randn(2, 5, 8, 8, requires_grad=True)
    groups = (0, 2, 1, 2, 0)
    found = merged(logits, groups, 4)
    assert found.shape == (2, 4, 8, 8) and torch.isfinite(found).all()
    labels = logits.argmax(dim=1)
    assert (found.argmax(dim=1) == torch.tensor(groups)[labels]).all()
    found.sum().backward()
    assert logits.grad is not None and torch.isfinite(logits.grad).all()
    assert merged(logits, (), 5) is logits


def test_it_is_a_network_of_its_own(home: Path) -> None:
    card, dataset = find_card(tiny.THREE), open_dataset(tiny.DATASET)
    before = card.weights.read_bytes()
    kept = keep_mapped(card, dataset, (0, 1, 1), "three-as-two")
    assert kept.classes == dataset.classes and kept.dataset == tiny.DATASET
    assert find_card("three-as-two") == kept and network_hash(kept) != network_hash(card)
    own, mapped = load_card(card, CPU), load_card(kept, CPU)
    images = torch.rand(2, 3, 40, 36)
    labels = own(images).argmax(dim=1)
    assert (mapped(images).argmax(dim=1) == (labels > 0)).all()
    report = check_on(kept, dataset, 4, "cpu")
    assert report["usable"] and report["iou"] > 0.8
    assert check_on(card, dataset, 4, "cpu")["iou"] is None
    kept.weights.unlink()
    assert card.weights.read_bytes() == before


def test_what_can_t_be_is_told(home: Path) -> None:
    card, dataset = find_card(tiny.THREE), open_dataset(tiny.DATASET)
    with pytest.raises(InputError, match="at least two classes must be left"):
        keep_mapped(card, dataset, (0, 0, 0), "nothing")
    with pytest.raises(InputError, match="already"):
        keep_mapped(card, dataset, (0, 1, 1), tiny.THREE)
    kept = keep_mapped(card, dataset, (0, 1, 1), "once")
    with pytest.raises(InputError, match="seen in the classes of tiny-set already"):
        seen_as(kept, dataset, (0, 1), "twice")
    with pytest.raises(InputError, match="tiny-three-unet has no class 'cup'; it has class 0"):
        from_words(card, dataset, {"cup": "1"}, (0, 1, 1))
    assert from_words(card, dataset, {"2": "background"}, (0, 1, 1)) == (0, 1, 0)
    assert missing((0, 0, 0), dataset) == [dataset.classes[1]]
    file = home / "models" / "once.toml"
    for wrong in ("[0, 1]", "[0, 1, 7]", "[0]", '["a", 1, 1]'):
        text = file.read_text().replace("counts_as = [0, 1, 1]", f"counts_as = {wrong}")
        (home / "models" / "wrong.toml").write_text(text)
        if wrong == "[0, 1]":
            with pytest.raises(ModelError, match="K = 2"):
                load_card(read_card(home / "models" / "wrong.toml"), CPU)(torch.rand(1, 3, 32, 32))
        else:
            with pytest.raises(ModelError, match="counts_as"):
                read_card(home / "models" / "wrong.toml")


def ask(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert cli.main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_is_attacked_towards_the_data_set_s_masks(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = ("--model", tiny.THREE, "--dataset", tiny.DATASET)
    assert cli.main(["attack", *pair, "--sample", "0", "--target-sample", "1", "--json"]) == 2
    assert "map-classes --model tiny-three-unet" in capsys.readouterr().err
    made = ask(capsys, "map-classes", *pair, "--device", "cpu")
    own = find_card(tiny.THREE).classes
    assert made["name"] == "tiny-three-unet-tiny-set" and made["warnings"] == []
    disc = open_dataset(tiny.DATASET).classes[1]
    assert made["counts_as"] == {own[0]: "background", own[1]: disc, own[2]: disc}
    mapped = ("--model", made["name"], "--dataset", tiny.DATASET, "--device", "cpu")
    answer = ask(
        capsys, "attack", *mapped, "--sample", "0", "--target-sample", "3",
        "--attack", "minimal", "--steps", "60", "--set", "target_iou=0.8",
    )  # fmt: skip
    assert answer["outcome"] == "success"
    run = RunStore().newest()[0]
    assert run.spec.classes == open_dataset(tiny.DATASET).classes
    assert run.spec.model == made["name"]
