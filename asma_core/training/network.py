"""A network with fresh weights for what a plan asks for, and what its architecture is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from asma_core.models.sources.building import build_network
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.specs import InputSpec
from asma_core.training.data import Material
from asma_core.training.plan import TrainingPlan

# Training images that channels, mean and standard deviation are taken from.
SEEN_AT_FIRST: Final = 64
RESIDUAL_UNITS: Final = 2


def new_network(material: Material, plan: TrainingPlan) -> SegmentationModel:
    """Return an untrained network that fits the images and classes of the material."""
    some = images_in(material)
    channels = 3 if any(image.ndim == 3 for image in some) else 1
    mean, std = _statistics(some, channels)
    spec = InputSpec(channels, plan.image_size, plan.multiple, mean, std)
    arguments = architecture_arguments(plan, channels, len(material.classes))
    return SegmentationModel(build_network(plan.architecture, arguments), spec, material.classes)


def images_in(material: Material) -> list[NDArray[np.uint8]]:
    """Return the first training images, uint8 (H, W) or (H, W, 3)."""
    count = min(len(material.train), SEEN_AT_FIRST)
    return [np.asarray(material.train[index][0]) for index in range(count)]


def architecture_arguments(plan: TrainingPlan, in_channels: int, classes: int) -> dict[str, Any]:
    """Return what the architecture of a plan is called with."""
    base = {"spatial_dims": 2, "in_channels": in_channels, "out_channels": classes}
    levels = len(plan.channels)
    if plan.architecture == "SegResNet":
        blocks = [1] + [2] * (levels - 2) + [4]
        return base | {
            "init_filters": plan.channels[0],
            "blocks_down": blocks,
            "blocks_up": [1] * (levels - 1),
        }
    shape = {"channels": list(plan.channels), "strides": [2] * (levels - 1)}
    if plan.architecture == "AttentionUnet":
        return base | shape
    # Each picture is normalised by itself: colour casts and contrast matter less.
    norm = ["instance", {"affine": True}]
    return base | shape | {"num_res_units": RESIDUAL_UNITS, "norm": norm}


def _statistics(
    images: Sequence[NDArray[np.uint8]], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel over every 17th pixel, in [0, 1]."""
    coloured = [np.stack([image] * 3, -1) if image.ndim < channels else image for image in images]
    pixels = np.concatenate([image.reshape(-1, channels)[::17] for image in coloured]) / 255.0
    mean = tuple(round(float(value), 4) for value in pixels.mean(axis=0))
    std = tuple(round(max(float(value), 0.01), 4) for value in pixels.std(axis=0))
    return mean, std
