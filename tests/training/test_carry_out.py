"""A training can be stopped, interrupted and gone on with, and gives what it would have given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from asma_core.data.datasets import Dataset, Sample
from asma_core.errors import InputError, StoreError
from asma_core.models.sources.cards import find_card
from asma_core.training import store as states
from asma_core.training.data import SamplePairs, split_samples
from asma_core.training.execute import execute
from asma_core.training.loop import without_void
from asma_core.training.plan import TrainingPlan, plan_from_dict
from asma_core.training.store import TrainingStore
from asma_core.training.train import TrainingConfig, train_model
from tests import tiny
from tests.training.test_train import NAMES, square_pairs

TINY = TrainingConfig(
    steps=12, batch_size=2, image_size=32, channels=(8, 8, 16), threads=1, evaluate_every=4
)
PLAN = TrainingPlan(
    tiny.DATASET, "made", width="tiny", steps=8, batch_size=2, image_size=32, device="cpu"
)


def weights_of(folder: Path, stop_at: int = 0, **change: object) -> dict[str, torch.Tensor] | None:
    from safetensors.torch import load_file

    report = train_model(
        "squares", square_pairs(6), square_pairs(2), NAMES, folder, replace(TINY, **change),
        lambda now: now.step == stop_at, square_pairs(3), folder / "checkpoint",
    )  # fmt: skip
    return None if report is None else load_file(report.weights)


@pytest.mark.parametrize("architecture", ["UNet", "SegResNet", "AttentionUnet"])
def test_an_interrupted_training_ends_with_the_same_weights(
    tmp_path: Path, architecture: str
) -> None:
    whole = weights_of(tmp_path / "a", architecture=architecture)
    assert weights_of(tmp_path / "b", stop_at=7, architecture=architecture) is None
    assert (tmp_path / "b" / "checkpoint").exists()
    resumed = weights_of(tmp_path / "b", architecture=architecture)
    assert whole is not None and resumed is not None
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    assert not (tmp_path / "b" / "checkpoint").exists()


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_not_used(tmp_path: Path) -> None:
    whole = weights_of(tmp_path / "a", seed=3)
    weights_of(tmp_path / "b", stop_at=7)
    other = weights_of(tmp_path / "b", seed=3)
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "checkpoint").write_bytes(b"damaged")
    third = weights_of(tmp_path / "c", seed=3)
    assert whole is not None and other is not None and third is not None
    for key in whole:
        assert torch.equal(whole[key], other[key]) and torch.equal(whole[key], third[key])


def test_it_stops_when_nothing_is_gained(tmp_path: Path) -> None:
    config = replace(TINY, steps=200, learning_rate=1e-9, evaluate_every=2, patience=3)
    report = train_model(
        "squares", square_pairs(6), square_pairs(2), NAMES, tmp_path, config,
        validation=square_pairs(3),
    )  # fmt: skip
    assert report is not None
    assert report.stopped == "early" and report.steps < 20


def test_void_pixels_pull_at_nothing() -> None:
    torch.manual_seed(0)
    logits = torch.randn(1, 2, 8, 8, requires_grad=True)
    labels = torch.zeros(1, 1, 8, 8, dtype=torch.int64)
    labels[..., :4] = 255
    seen, truth = without_void(logits, labels)
    assert truth.max() == 0
    torch.nn.functional.cross_entropy(seen, truth[:, 0]).backward()
    assert logits.grad is not None
    assert logits.grad[..., :4].abs().max() == 0 and logits.grad[..., 4:].abs().min() > 0


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
    from asma_core.data.datasets import open_dataset

    dataset = open_dataset(tiny.DATASET)
    image, labels = SamplePairs(dataset, dataset.samples)[0]
    assert image.shape == (32, 32, 3) and set(np.unique(labels)) == {0, 1}


def test_a_job_makes_a_network_with_a_card_and_a_curve(home: Path) -> None:
    tiny.furnish(home)
    trainings = TrainingStore(home)
    training = trainings.create(PLAN)
    execute(TrainingStore(home), training.id)
    done = trainings.get(training.id)
    assert (done.state, done.network) == (states.DONE, "made")
    assert done.curve is not None and done.curve["step"] == 8
    assert done.figures is not None and done.figures["test_images"] == 2
    card = find_card("made")
    assert card.dataset == tiny.DATASET and card.figures["test_images"] == 2
    # Once done it is not carried out again.
    execute(TrainingStore(home), training.id)
    assert trainings.get(training.id) == done


def test_a_job_that_is_asked_to_stop_goes_on_later(home: Path) -> None:
    tiny.furnish(home)
    trainings = TrainingStore(home)
    training = trainings.create(replace(PLAN, steps=3000))
    stopped = []

    class Stopping(TrainingStore):
        def keep_curve(self, training_id: str, curve: object) -> None:
            super().keep_curve(training_id, curve)  # type: ignore[arg-type]
            if not stopped:
                stopped.append(training_id)
                self.ask_to_stop(training_id)

    execute(Stopping(home), training.id)
    assert trainings.get(training.id).state == states.STOPPED
    assert trainings.checkpoint(training.id).exists()


def test_a_fault_is_told(home: Path) -> None:
    trainings = TrainingStore(home)
    training = trainings.create(replace(PLAN, dataset="nothing"))
    execute(TrainingStore(home), training.id)
    failed = trainings.get(training.id)
    assert failed.state == states.FAILED and "nothing" in failed.message


@pytest.mark.parametrize(
    "change", [{"architecture": "VNet"}, {"width": "vast"}, {"validation": 0.9}, {"steps": 0}]
)
def test_a_plan_that_can_t_be_is_told(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        replace(PLAN, **change)


@pytest.mark.parametrize(
    "content", [None, [], {"architecture": "UNet"}, {"dataset": 3, "steps": "x"}]
)
def test_a_plan_that_is_none_is_told(content: object) -> None:
    with pytest.raises(InputError):
        plan_from_dict(content)


def test_a_plan_survives() -> None:
    assert plan_from_dict(PLAN.as_dict()) == PLAN


@pytest.mark.parametrize("name", ["", "../x", "nothing", "a/b"])
def test_an_unknown_training_is_told(home: Path, name: str) -> None:
    with pytest.raises(StoreError, match="no training has the id"):
        TrainingStore(home).get(name)


def test_the_card_says_how_to_train_it_again() -> None:
    assert TrainingPlan("my set").command() == (
        "python -m asma_core train --dataset 'my set' --out DIR"
    )
    assert PLAN.command() == (
        f"python -m asma_core train --dataset {tiny.DATASET} --width tiny --steps 8 --batch-size 2 "
        "--image-size 32 --out DIR"
    )
