"""What `python -m asma_core train` does."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core.data.datasets import Dataset, Sample, open_dataset
from asma_core.data.demo import DEMO_SETS
from asma_core.data.images import to_bytes
from asma_core.data.training_cache import TRAINING_PLANS, training_pairs
from asma_core.models.augmentation import Pair
from asma_core.models.evaluation import Evaluation
from asma_core.models.training import TrainingConfig, TrainingProgress, train_model
from asma_core.progress import Progress
from asma_core.runs.figures import plain

# Of a folder without a split, every fifth sample is kept for the test.
TEST_EVERY: Final = 5


class SamplePairs(Sequence[Pair]):
    """Samples of a data set, read when they are asked for."""

    def __init__(self, dataset: Dataset, samples: Sequence[Sample]) -> None:
        """Take the samples of a data set."""
        self._dataset = dataset
        self._samples = samples

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._samples)

    def __getitem__(self, index: Any) -> Any:
        """Return image, uint8 (H, W) or (H, W, 3), and mask, uint8 (H, W)."""
        sample = self._samples[index]
        image = to_bytes(self._dataset.image(sample))
        return image, self._dataset.mask(sample).labels.astype(np.uint8)


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train a network and say what it reaches on the test split."""
    dataset = open_dataset(options.dataset)
    config = TrainingConfig(seed=options.seed)
    learning, testing = _split(dataset)
    pairs: Sequence[Pair] = SamplePairs(dataset, learning)
    if dataset.name in DEMO_SETS:
        count, steps = TRAINING_PLANS[dataset.name]
        config = replace(config, steps=steps)
        pairs = _demo_pairs(dataset.name, count, config.image_size)
    if options.steps is not None:
        config = replace(config, steps=options.steps)
    progress = Progress("train", config.steps)

    def show(now: TrainingProgress) -> None:
        progress.update(now.step, loss=now.loss)

    tests = SamplePairs(dataset, testing)
    try:
        report = train_model(
            dataset.name, pairs, tests, dataset.classes, Path(options.out), config, show
        )
    finally:
        progress.close()
    return plain(  # type: ignore[no-any-return]
        {
            "name": report.name,
            "dataset": dataset.name,
            "steps": report.steps,
            "seconds": report.seconds,
            "files": {"card": str(report.card), "weights": str(report.weights)},
            **_scores(report.evaluation),
        }
    )


def _split(dataset: Dataset) -> tuple[Sequence[Sample], Sequence[Sample]]:
    if any(sample.split for sample in dataset.samples):
        return dataset.split("train"), dataset.split("test")
    test = dataset.samples[TEST_EVERY - 1 :: TEST_EVERY] or dataset.samples[-1:]
    names = {sample.name for sample in test}
    return [sample for sample in dataset.samples if sample.name not in names], test


def _demo_pairs(name: str, count: int, size: int) -> Sequence[Pair]:
    """Make the training stream of a demo set, which shares no seed with the set itself."""
    progress = Progress("images", count)
    try:
        return training_pairs(name, count, size, lambda done, _: progress.update(done))
    finally:
        progress.close()


def _scores(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "test_images": evaluation.images,
        "test_iou": evaluation.iou,
        "test_iou_per_class": list(evaluation.iou_per_class),
        "test_dice": evaluation.dice,
    }
