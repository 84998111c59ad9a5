"""Carrying out a training plan, from the data set to the network with its card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from asma_core.data.datasets import Dataset, open_dataset
from asma_core.data.synthetic.demo import DEMO_SETS
from asma_core.models.wrapper.devices import choose_device
from asma_core.training.augmentation_config import Pair
from asma_core.training.cache import TRAINING_PLANS, training_pairs
from asma_core.training.config import TrainingConfig
from asma_core.training.data import SamplePairs, split_samples
from asma_core.training.plan import TrainingPlan
from asma_core.training.train import OnProgress, TrainingReport, train_model


def carry_out(
    plan: TrainingPlan,
    out: Path,
    checkpoint: Path | None,
    on_progress: OnProgress | None = None,
    on_images: Callable[[int, int], None] | None = None,
) -> TrainingReport | None:
    """Train what a plan asks for; return None when it was stopped.

    A demo set is trained on its own stream of generated pictures, which shares none with the set.

    Args:
        plan: What is asked for.
        out: Folder for weights and card.
        checkpoint: See `train_model`.
        on_progress: See `train_model`.
        on_images: Called with how many of how many training images of a demo set are drawn.

    Raises:
        AsmaError: The data set can't be used, or the training fails.
    """
    dataset = open_dataset(plan.dataset)
    config = plan.config()
    demo = dataset.name in DEMO_SETS
    split = split_samples(dataset, 0.0 if demo else plan.validation)
    if not split.validation:
        config = replace(config, patience=0)
    pairs = _demo_pairs(dataset, config, on_images) if demo else SamplePairs(dataset, split.train)
    return train_model(
        dataset.name,
        pairs,
        SamplePairs(dataset, split.test),
        dataset.classes,
        out,
        config,
        on_progress,
        SamplePairs(dataset, split.validation),
        checkpoint,
        choose_device(plan.device),
        plan.name,
        plan.command(),
    )


def demo_steps(dataset: str) -> int | None:
    """Return the steps that a demo set's shipped network was trained for."""
    return TRAINING_PLANS[dataset][1] if dataset in DEMO_SETS else None


def _demo_pairs(
    dataset: Dataset, config: TrainingConfig, on_images: Callable[[int, int], None] | None
) -> Sequence[Pair]:
    count, _ = TRAINING_PLANS[dataset.name]
    return training_pairs(dataset.name, count, config.image_size, on_images)
