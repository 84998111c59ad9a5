"""What an experiment is made of: pairs, rows and the study of the distance term."""

from __future__ import annotations

from pathlib import Path

import pytest

from asma_core.data.datasets import Dataset, open_dataset
from asma_core.errors import InputError
from asma_core.experiments.plan import Plan, distance_study, pairs_of, variant
from asma_core.runs.execution import Execution
from tests import tiny


def dataset_of(home: Path, test: list[str]) -> Dataset:
    tiny.furnish(home)
    card = home / "datasets" / tiny.DATASET / "dataset.json"
    card.write_text(card.read_text().replace('["06", "07"]', str(test).replace("'", '"')))
    return open_dataset(tiny.DATASET)


def test_each_image_meets_the_masks_that_follow(home: Path) -> None:
    dataset = dataset_of(home, ["05", "06", "07"])
    pairs = [("05", "06"), ("06", "07"), ("07", "05"), ("05", "07"), ("06", "05"), ("07", "06")]
    for count in (1, 4, 6):
        assert pairs_of(dataset, count) == tuple(pairs[:count])
    with pytest.raises(InputError, match=r"7 pairs are more than the 6 that .+ has; ask"):
        pairs_of(dataset, 7)


def test_without_a_test_split_all_images_are_paired(home: Path) -> None:
    dataset = dataset_of(home, [])
    assert pairs_of(dataset, 56)[:2] == (("00", "01"), ("01", "02"))
    assert len(set(pairs_of(dataset, 56))) == 56


@pytest.mark.parametrize("count", [1, 2])
def test_one_image_makes_no_pair(home: Path, count: int) -> None:
    dataset = dataset_of(home, ["05", "06"][:count])
    if count == 2:
        assert pairs_of(dataset, 2) == (("05", "06"), ("06", "05"))
    else:
        with pytest.raises(InputError, match="has 1 images to attack; two are needed"):
            pairs_of(dataset, 1)


def test_a_row_takes_the_settings_that_its_attack_has() -> None:
    row = variant("pgd", {"steps": "7", "tau": "1e-7", "budget": "0.5"})
    assert (row.label, row.attack, row.study) == ("pgd", "pgd", False)
    assert (row.config["steps"], row.config["budget"], "tau" in row.config) == (7, 0.5, False)
    assert row.config["norm"] == "linf"


def test_the_study_varies_the_distance_weight_alone() -> None:
    rows = distance_study("asma", ["0", "10", "auto"], {"steps": "7", "distance_weight": "3"})
    assert [row.label for row in rows] == [
        "asma, distance 0", "asma, distance 10", "asma, distance auto",
    ]  # fmt: skip
    assert [row.config["distance_weight"] for row in rows] == [0.0, 10.0, None]
    assert all(row.study and row.config["steps"] == 7 and row.attack == "asma" for row in rows)
    with pytest.raises(InputError, match="pgd has no distance term; study asma"):
        distance_study("pgd", ["0"], {})


def test_cells_go_image_by_image_and_row_by_row() -> None:
    rows = (variant("pgd", {}), variant("asm", {}))
    plan = Plan("net", "set", (("a", "b"), ("b", "a")), rows)
    assert [(names[0], row.attack) for names, row in plan.cells()] == [
        ("a", "pgd"), ("a", "asm"), ("b", "pgd"), ("b", "asm"),
    ]  # fmt: skip
    assert plan.execution == Execution("auto", 0, "auto", False)
