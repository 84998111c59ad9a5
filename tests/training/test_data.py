"""What a plan trains, chooses and tests on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asma_core.data.datasets import Dataset, Sample, open_dataset
from asma_core.errors import InputError
from asma_core.training import data
from asma_core.training.data import SamplePairs, material_of, split_samples
from tests import tiny
from tests.training.plans import PLAN


def test_the_split_of_a_data_set() -> None:
    def dataset(parts: list[str]) -> Dataset:
        samples = tuple(Sample(f"{n}", Path("i"), Path("m"), part) for n, part in enumerate(parts))
        return Dataset("d", "d", "", False, ("a", "b"), samples)

    own = split_samples(dataset(["train", "validation", "test", "train"]), 0.2)
    assert [len(own.train), len(own.validation), len(own.test)] == [2, 1, 1]
    none = split_samples(dataset([""] * 30), 0.15)
    assert [len(none.train), len(none.validation), len(none.test)] == [24, 0, 6]
    many = split_samples(dataset([""] * 100), 0.15)
    assert [len(many.train), len(many.validation), len(many.test)] == [69, 11, 20]
    names = {one.name for part in (many.train, many.validation, many.test) for one in part}
    assert len(names) == 100
    only_train = split_samples(dataset(["train"] * 10), 0.0)
    assert [len(only_train.train), len(only_train.test)] == [8, 2]
    validated = split_samples(dataset(["train"] * 10 + ["validation"] * 3), 0.0)
    assert [len(validated.train), len(validated.test)] == [10, 3]


def test_void_is_in_the_pairs(home: Path) -> None:
    tiny.furnish(home)
    dataset = open_dataset(tiny.DATASET)
    image, labels = SamplePairs(dataset, dataset.samples)[0]
    assert image.shape == (32, 32, 3) and set(np.unique(labels)) == {0, 1}


def test_the_material_of_a_plan(home: Path) -> None:
    tiny.furnish(home)
    material = material_of(PLAN)
    assert (material.dataset, material.classes) == (tiny.DATASET, ("background", "disc"))
    assert [len(material.train), len(material.test), len(material.validation)] == [6, 2, 0]


def test_a_demo_set_is_trained_on_its_own_stream(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(data, "drawn_pairs", lambda *given: asked.append(given) or [])
    material = material_of(replace(PLAN, dataset="demo-lesion", image_size=64), None)
    assert asked == [("demo-lesion", 1000, 64, None)]
    assert len(material.test) > 0 and len(material.validation) == 0


def test_images_of_a_demo_set_choose_the_weights_of_an_adversarial_training(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data, "drawn_pairs", lambda *given: [])
    material = material_of(replace(PLAN, dataset="demo-lesion", adversarial="pgd"))
    assert (len(material.validation), len(material.test)) == (16, 16)
    test = {material.test[place][0].tobytes() for place in range(16)}
    assert not test & {material.validation[place][0].tobytes() for place in range(16)}


def test_an_unknown_data_set_is_told(home: Path) -> None:
    with pytest.raises(InputError, match="nothing"):
        material_of(replace(PLAN, dataset="nothing"))
