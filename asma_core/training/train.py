"""Training a network on pairs of images and masks, from a seed to a network with a card."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from asma_core.data.masks.label_maps import VOID
from asma_core.errors import InputError
from asma_core.models.sources.building import build_network
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.specs import InputSpec
from asma_core.training.augmentation_config import Pair
from asma_core.training.config import TrainingConfig, TrainingProgress
from asma_core.training.evaluation import Evaluation, evaluate
from asma_core.training.export import export_model
from asma_core.training.loop import TrainingLoop

__all__ = ["TrainingConfig", "TrainingProgress", "TrainingReport", "train", "train_model"]

# What it returns, if true, stops the training; its checkpoint lets it go on later.
OnProgress = Callable[[TrainingProgress], Any]
CPU = torch.device("cpu")


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
        stopped: "done", or "early" when the validation images gained nothing any more.
    """

    name: str
    card: Path
    weights: Path
    evaluation: Evaluation
    steps: int
    seconds: float
    stopped: str = "done"


@dataclass(frozen=True)
class Material:
    """What a network is trained on.

    Attributes:
        pairs: Training images, uint8 (H, W) or (H, W, 3), with labels (H, W) in 0..K-1, 255 void.
        class_names: Names of the K classes, background first.
        validation: Pairs by which the best weights are chosen; none chooses the last.
    """

    pairs: Sequence[Pair]
    class_names: tuple[str, ...]
    validation: Sequence[Pair] = ()


def train_model(
    dataset_name: str,
    pairs: Sequence[Pair],
    test_pairs: Sequence[Pair],
    class_names: Sequence[str],
    out: Path,
    config: TrainingConfig | None = None,
    on_progress: OnProgress | None = None,
    validation: Sequence[Pair] = (),
    checkpoint: Path | None = None,
    device: torch.device = CPU,
    name: str = "",
    source: str = "",
) -> TrainingReport | None:
    """Train a network, score it, and write its weights and its card.

    The same pairs, config and CPU build give the same weights, also after an interruption.

    Args:
        dataset_name: Name or folder of the data set; the network's name is made of it.
        pairs: Training images, uint8 (H, W) or (H, W, 3), with labels (H, W) in 0..K-1.
        test_pairs: Pairs to score the network on; they do not influence it.
        class_names: Names of the K classes, background first.
        out: Folder for the two files; made when absent.
        config: How to train.
        on_progress: Called after every step; what it returns, if true, stops.
        validation: See `Material`.
        checkpoint: File to go on from, and to write now and then; removed at the end.
        device: To train on.
        name: Of the network.
        source: The command that trains it again.

    Returns:
        Scores, time and paths; None when it was stopped.

    Raises:
        InputError: No pairs, fewer than two classes, or labels beyond the classes.
        ModelError: The loss became NaN.
        StoreError: `out` can't be written.
    """
    config = config or TrainingConfig()
    material = Material(pairs, tuple(class_names), validation)
    begin = time.perf_counter()
    loop = _run(material, config, on_progress, checkpoint, device)
    if loop.stopped == "asked":
        return None
    seconds = time.perf_counter() - begin
    model = loop.best_model().to(CPU)
    evaluation = evaluate(model, test_pairs)
    arguments = architecture_arguments(config, model.spec.channels, len(class_names))
    card, weights = export_model(
        model,
        config.architecture,
        arguments,
        dataset_name,
        evaluation,
        _recipe(config, material, loop.step),
        out,
        name,
        source,
    )
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return TrainingReport(card.stem, card, weights, evaluation, loop.step, seconds, loop.stopped)


def train(
    pairs: Sequence[Pair],
    class_names: Sequence[str],
    config: TrainingConfig,
    on_progress: OnProgress | None = None,
) -> SegmentationModel:
    """Return a trained network in evaluation mode; arguments as for `train_model`."""
    return _run(Material(pairs, tuple(class_names)), config, on_progress, None, CPU).best_model()


def _run(
    material: Material,
    config: TrainingConfig,
    on_progress: OnProgress | None,
    checkpoint: Path | None,
    device: torch.device,
) -> TrainingLoop:
    _check(material.pairs, len(material.class_names))
    with _threads(config.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        model = _new_model(material.pairs, material.class_names, config).to(device)
        loop = TrainingLoop(model, config, material.pairs, material.validation, checkpoint)
        loop.run(on_progress)
    return loop


def _recipe(config: TrainingConfig, material: Material, steps: int) -> dict[str, Any]:
    """Return what the card says of the training."""
    names = ("batch_size", "learning_rate", "weight_decay", "seed", "early_size")
    head = {"pairs": len(material.pairs), "validation_pairs": len(material.validation)}
    return {**head, "steps": steps, **{name: getattr(config, name) for name in names}}


def _check(pairs: Sequence[Pair], classes: int) -> None:
    if len(pairs) == 0:
        raise InputError("there is nothing to train on; give at least one image with its mask")
    if classes < 2:
        raise InputError("training needs a background and at least one class; name both")
    for index in range(min(len(pairs), 64)):
        labels = np.asarray(pairs[index][1])
        highest = int(labels[labels != VOID].max(initial=0))
        if highest >= classes:
            raise InputError(
                f"a mask holds class {highest}, but there is only 0 to {classes - 1}; name more "
                "classes"
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
    arguments = architecture_arguments(config, channels, len(class_names))
    return SegmentationModel(build_network(config.architecture, arguments), spec, class_names)


def _statistics(
    images: Sequence[NDArray[np.uint8]], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel over every 17th pixel, in [0, 1]."""
    coloured = [np.stack([image] * 3, -1) if image.ndim < channels else image for image in images]
    pixels = np.concatenate([image.reshape(-1, channels)[::17] for image in coloured]) / 255.0
    mean = tuple(round(float(value), 4) for value in pixels.mean(axis=0))
    std = tuple(round(max(float(value), 0.01), 4) for value in pixels.std(axis=0))
    return mean, std


def architecture_arguments(
    config: TrainingConfig, in_channels: int, classes: int
) -> dict[str, Any]:
    """Return what the architecture of a config is called with."""
    base = {"spatial_dims": 2, "in_channels": in_channels, "out_channels": classes}
    levels = len(config.channels)
    if config.architecture == "SegResNet":
        blocks = [1] + [2] * (levels - 2) + [4]
        return base | {
            "init_filters": config.channels[0],
            "blocks_down": blocks,
            "blocks_up": [1] * (levels - 1),
        }
    shape = {"channels": list(config.channels), "strides": [2] * (levels - 1)}
    if config.architecture == "AttentionUnet":
        return base | shape
    # Each picture is normalised by itself: colour casts and contrast matter less.
    norm = ["instance", {"affine": True}]
    return base | shape | {"num_res_units": config.residual_units, "norm": norm}
