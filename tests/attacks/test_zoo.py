"""The zoo that attacks are judged on: its halves, its materials, and that it can be trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.zoo.frontier import summary
from benchmarks.zoo.materials import HELD_BACK, material
from benchmarks.zoo.members import member_names
from benchmarks.zoo.recipes import RECIPES, Recipe
from benchmarks.zoo.training import trained


def test_the_halves_share_no_network_and_leave_none_out() -> None:
    choosing, reporting = set(member_names("choosing")), set(member_names("reporting"))
    assert not choosing & reporting
    assert choosing | reporting == set(member_names())
    # The search was chosen on the real ones before the zoo had any other.
    assert {"vessels", "arteries-veins"} <= choosing


@pytest.mark.parametrize("name", ["lesion", "lesion-grey", "fundus", "rings"])
def test_no_network_is_trained_on_what_it_is_attacked_on(name: str) -> None:
    seen = material(name, 3, 32)
    assert len(seen.train) == 3
    assert len(seen.attacked) == HELD_BACK
    assert seen.channels == (1 if name == "lesion-grey" else 3)
    for image, labels in (*seen.train, *seen.attacked):
        assert labels.max() < seen.classes
        assert image.shape[:2] == labels.shape == (32, 32)
    attacked = [image.tobytes() for image, _ in seen.attacked]
    assert all(image.tobytes() not in attacked for image, _ in seen.train)


def test_the_rim_has_two_rings_around_the_cup() -> None:
    two, three = material("fundus", 1, 64).train[0][1], material("rings", 1, 64).train[0][1]
    assert np.array_equal(three == 3, two == 2)
    assert np.array_equal((three == 1) | (three == 2), two == 1)
    assert {1, 2} <= set(np.unique(three))


def test_quarters_are_the_whole_image() -> None:
    seen = material("lesion", 1, 32)
    first, second, third, fourth = (image for image, _ in seen.in_quarters().train)
    whole = np.vstack([np.hstack([first, second]), np.hstack([third, fourth])])
    assert np.array_equal(whole, seen.train[0][0])


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_each_recipe_makes_a_network_that_answers(recipe: Recipe) -> None:
    small = replace(recipe, size=32, steps=1)
    seen = material("lesion-grey" if small.material in ("membrane", "lungs") else "lesion", 4, 32)
    network = trained(small, seen)
    assert not network.training
    logits = network(torch.rand(1, seen.channels, 64, 64))
    assert logits.shape == (1, seen.classes, 64, 64)
    assert bool(logits.isfinite().all())


def test_real_materials_are_read(real: Path) -> None:
    membrane, lungs = material("membrane", 30, 32), material("lungs", 3, 32)
    assert (len(membrane.train), len(membrane.attacked)) == (24, 6)
    assert (len(lungs.train), len(lungs.attacked)) == (3, 4)
    assert set(np.unique(lungs.train[0][1])) == {0, 1}


def row(name: str, within: dict[str, float | None], success: bool) -> dict[str, object]:
    kept = {"network": name, "target": "t", "attack": "minimal", "norm": "l2", "iou": 0.95}
    return kept | {"within": within, "success": success}


def test_the_summary_tells_who_failed_and_what_the_last_evaluations_gave() -> None:
    rows = [
        row("a", {"50": None, "100": 3.0, "300": 2.0}, True),
        row("b", {"50": 2.0, "100": 2.0, "300": 2.0}, True),
        row("c", {"50": None, "100": None, "300": 2.0}, True),
        row("d", {"50": None, "100": None, "300": None}, False),
    ]
    (told,) = summary(rows)
    assert told["failed"] == ["d: t"]
    assert (told["pairs"], told["reached"], told["reached_within_100"]) == (4, 3, 2)
    assert told["median_at_100_over_last"] == 1.25
    assert told["largest_at_100_over_last"] == 1.5
