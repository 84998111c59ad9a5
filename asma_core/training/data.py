"""The images and masks that a network is trained, chosen and tested on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.data.datasets import Dataset, Sample, open_dataset
from asma_core.data.formats.images import to_bytes
from asma_core.data.masks.label_maps import VOID
from asma_core.data.synthetic.demo import DEMO_SETS
from asma_core.runs.sources import from_sample
from asma_core.training.demo_stream import DEMO_TRAININGS, drawn_pairs
from asma_core.training.plan import TrainingPlan

# An image, uint8 (H, W) or (H, W, 3), and its labels (H, W) in 0..K-1, 255 where void.
Pair = tuple[NDArray[np.uint8], NDArray[Any]]

# Of a folder without a split, every fifth sample is kept for the test.
TEST_EVERY: Final = 5
# With fewer training images, none is set aside for validation.
LEAST_VALIDATION: Final = 40
KEPT_BYTES: Final = 1_000_000_000
# Of a demo set's training images, these choose the weights of an adversarial training.
_DEMO_VALIDATION_EVERY: Final = 3


@dataclass(frozen=True)
class Material:
    """What a network is trained, chosen and tested on.

    Attributes:
        dataset: Name of the data set.
        classes: Names of the K classes, background first.
        train: Pairs to train on.
        test: Pairs to score the network on; they do not influence it.
        validation: Pairs by which the best weights are chosen; none chooses the last.
    """

    dataset: str
    classes: tuple[str, ...]
    train: Sequence[Pair]
    test: Sequence[Pair]
    validation: Sequence[Pair] = ()


def material_of(plan: TrainingPlan, on_drawn: Callable[[int, int], None] | None = None) -> Material:
    """Return what a plan trains on; images of a data set are read when they are asked for.

    A demo set is trained on its own stream of generated pictures, which shares none with the set;
    where the training is adversarial, some of the set's training images choose the weights.

    Args:
        plan: What is asked for.
        on_drawn: Called with how many of how many training images of a demo set are drawn.

    Raises:
        AsmaError: The data set can't be used.
    """
    dataset = open_dataset(plan.dataset)
    dataset.check_masked()
    is_demo = dataset.name in DEMO_SETS
    split = split_samples(dataset, 0.0 if is_demo else plan.validation)
    train: Sequence[Pair] = SamplePairs(dataset, split.train)
    if is_demo and plan.is_adversarial:
        split = Split((), demo_validation(split), split.test)
    if is_demo:
        count = DEMO_TRAININGS[dataset.name].pairs
        train = drawn_pairs(dataset.name, count, plan.image_size, on_drawn)
    test, validation = SamplePairs(dataset, split.test), SamplePairs(dataset, split.validation)
    return Material(dataset.name, tuple(dataset.classes), train, test, validation)


def demo_validation(split: Split) -> Sequence[Sample]:
    """Return the images of a demo set by which the weights of an adversarial training are chosen.

    No network is trained on images of the set, so that all but those for the test may choose.
    """
    return split.train[::_DEMO_VALIDATION_EVERY]


class SamplePairs(Sequence[Pair]):
    """Samples of a data set, read when they are asked for, and kept as far as memory allows."""

    def __init__(self, dataset: Dataset, samples: Sequence[Sample]) -> None:
        """Take the samples of a data set."""
        self._dataset = dataset
        self._samples = samples
        self._kept: dict[int, Pair] = {}
        self._bytes = 0

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._samples)

    def __getitem__(self, index: Any) -> Any:
        """Return image, uint8 (H, W) or (H, W, 3), and mask, uint8 (H, W), 255 where void."""
        if index in self._kept:
            return self._kept[index]
        source = from_sample(self._dataset, self._samples[index])
        truth = np.zeros(source.shape) if source.truth is None else source.truth
        pair = to_bytes(source.image), np.where(source.valid, truth, VOID).astype(np.uint8)
        if self._bytes < KEPT_BYTES:
            self._kept[index] = pair
            self._bytes += pair[0].nbytes + pair[1].nbytes
        return pair


@dataclass(frozen=True)
class Split:
    """Samples by what they are for."""

    train: Sequence[Sample]
    validation: Sequence[Sample]
    test: Sequence[Sample]


def split_samples(dataset: Dataset, share: float) -> Split:
    """Split a data set as it says itself, else every fifth image for the test.

    Args:
        dataset: The data set.
        share: Of the training images that become validation images, in [0, 0.5], where it has
            none and enough training images.
    """
    parts = {name: [s for s in dataset.samples if s.split == name] for name in _PARTS}
    test = parts["test"] or (parts["validation"] if parts["train"] else [])
    if not parts["train"] or not test:
        test = list(dataset.samples[TEST_EVERY - 1 :: TEST_EVERY] or dataset.samples[-1:])
        names = {sample.name for sample in test}
        rest = [sample for sample in dataset.samples if sample.name not in names]
        return _with_validation(rest or test, test, share)
    if parts["validation"] and parts["test"]:
        return Split(parts["train"], parts["validation"], parts["test"])
    return _with_validation(parts["train"], test, share)


_PARTS: Final = ("train", "validation", "test")


def _with_validation(train: Sequence[Sample], test: Sequence[Sample], share: float) -> Split:
    if share <= 0 or len(train) < LEAST_VALIDATION:
        return Split(train, (), test)
    every = max(2, round(1 / share))
    validation = train[every - 1 :: every]
    names = {sample.name for sample in validation}
    return Split([sample for sample in train if sample.name not in names], validation, test)
