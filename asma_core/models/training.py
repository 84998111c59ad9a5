"""Training a U-Net on pairs of images and masks, from a seed to a network with a card."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from asma_core.errors import InputError, ModelError
from asma_core.models.augmentation import Pair
from asma_core.models.batches import batches
from asma_core.models.cards import InputSpec
from asma_core.models.contract import SegmentationModel
from asma_core.models.evaluation import Evaluation, evaluate
from asma_core.models.export import export_model
from asma_core.models.loading import build_network
from asma_core.models.training_config import TrainingConfig, TrainingProgress

__all__ = ["TrainingConfig", "TrainingProgress", "TrainingReport", "train", "train_model"]

OnProgress = Callable[[TrainingProgress], None]


@dataclass(frozen=True)
class TrainingReport:
    """What a training gave.

    Attributes:
        name: Name of the network.
        card: The model card.
        weights: The safetensors file beside it.
        evaluation: Scores on the test pairs.
        steps: Steps done.
        seconds: Time for training, without evaluation.
    """

    name: str
    card: Path
    weights: Path
    evaluation: Evaluation
    steps: int
    seconds: float


def train_model(
    dataset_name: str,
    pairs: Sequence[Pair],
    test_pairs: Sequence[Pair],
    class_names: Sequence[str],
    out: Path,
    config: TrainingConfig | None = None,
    on_progress: OnProgress | None = None,
) -> TrainingReport:
    """Train a network, score it, and write its weights and its card.

    The same pairs, config and CPU build give the same weights.

    Args:
        dataset_name: Name or folder of the data set; the network's name is made of it.
        pairs: Training images, uint8 (H, W) or (H, W, 3), with labels (H, W) in 0..K-1.
        test_pairs: Pairs to score the network on; they do not influence it.
        class_names: Names of the K classes, background first.
        out: Folder for the two files; made when absent.
        config: How to train.
        on_progress: Called after every step.

    Returns:
        Scores, time and paths.

    Raises:
        InputError: No pairs, fewer than two classes, or labels beyond the classes.
        ModelError: The loss became NaN.
        StoreError: `out` can't be written.
    """
    config = config or TrainingConfig()
    _check(pairs, len(class_names))
    begin = time.perf_counter()
    model = train(pairs, class_names, config, on_progress)
    seconds = time.perf_counter() - begin
    evaluation = evaluate(model, test_pairs)
    arguments = _arguments(config, model.spec.channels, len(class_names))
    card, weights = export_model(
        model, arguments, dataset_name, evaluation, _recipe(config, len(pairs)), out
    )
    return TrainingReport(card.stem, card, weights, evaluation, config.steps, seconds)


def train(
    pairs: Sequence[Pair],
    class_names: Sequence[str],
    config: TrainingConfig,
    on_progress: OnProgress | None = None,
) -> SegmentationModel:
    """Return a trained network in evaluation mode; arguments as for `train_model`."""
    with _threads(config.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = _new_model(pairs, tuple(class_names), config)
        model.train()
        _optimise(model, pairs, config, on_progress)
    return model.eval()


def _recipe(config: TrainingConfig, pairs: int) -> dict[str, Any]:
    """Return what the card says of the training."""
    names = ("steps", "batch_size", "learning_rate", "weight_decay", "seed", "early_size")
    return {"pairs": pairs, **{name: getattr(config, name) for name in names}}


def _check(pairs: Sequence[Pair], classes: int) -> None:
    if len(pairs) == 0:
        raise InputError("there is nothing to train on; give at least one image with its mask")
    if classes < 2:
        raise InputError("training needs a background and at least one class; name both")
    highest = max(int(np.max(pairs[index][1])) for index in range(min(len(pairs), 64)))
    if highest >= classes:
        raise InputError(
            f"a mask holds class {highest}, but there is only 0 to {classes - 1}; name more classes"
        )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Use a number of CPU threads for a while; 0 changes nothing."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _new_model(
    pairs: Sequence[Pair], class_names: tuple[str, ...], config: TrainingConfig
) -> SegmentationModel:
    some = [np.asarray(pairs[index][0]) for index in range(min(len(pairs), 64))]
    channels = 3 if any(image.ndim == 3 for image in some) else 1
    mean, std = _statistics(some, channels)
    spec = InputSpec(channels, config.image_size, config.multiple, mean, std)
    network = build_network("UNet", _arguments(config, channels, len(class_names)))
    return SegmentationModel(network, spec, class_names)


def _statistics(
    images: Sequence[NDArray[np.uint8]], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel over every 17th pixel, in [0, 1]."""
    coloured = [np.stack([image] * 3, -1) if image.ndim < channels else image for image in images]
    pixels = np.concatenate([image.reshape(-1, channels)[::17] for image in coloured]) / 255.0
    mean = tuple(round(float(value), 4) for value in pixels.mean(axis=0))
    std = tuple(round(max(float(value), 0.01), 4) for value in pixels.std(axis=0))
    return mean, std


def _arguments(config: TrainingConfig, in_channels: int, classes: int) -> dict[str, Any]:
    """Return what `monai.networks.nets.UNet` is called with."""
    return {
        "spatial_dims": 2,
        "in_channels": in_channels,
        "out_channels": classes,
        "channels": list(config.channels),
        "strides": [2] * (len(config.channels) - 1),
        "num_res_units": config.residual_units,
        # Each picture is normalised by itself: colour casts and contrast matter less.
        "norm": ["instance", {"affine": True}],
    }


def _optimise(
    model: SegmentationModel,
    pairs: Sequence[Pair],
    config: TrainingConfig,
    on_progress: OnProgress | None,
) -> None:
    from monai.losses.dice import DiceCELoss

    loss_of = DiceCELoss(softmax=True, to_onehot_y=True, batch=True)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.steps + 1, pct_start=0.15
    )
    begin = time.perf_counter()
    for step, (images, labels) in enumerate(batches(pairs, config, model.spec.channels), start=1):
        loss = _update(model, loss_of, optimiser, images, labels)
        schedule.step()
        if on_progress:
            rate = float(optimiser.param_groups[0]["lr"])
            seconds = time.perf_counter() - begin
            on_progress(TrainingProgress(step, config.steps, loss, rate, seconds))


def _update(
    model: SegmentationModel,
    loss_of: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
) -> float:
    # The batch already has the network's own size, so the resizing inside is skipped.
    logits = model.network((images - model.mean) / model.std)
    loss = loss_of(logits, labels)
    if not math.isfinite(loss.item()):
        raise ModelError("the training loss became NaN; choose a smaller learning rate")
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return float(loss.item())
