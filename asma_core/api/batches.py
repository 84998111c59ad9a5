"""One or many: how what a person gives is shared out among the images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from asma_core.errors import InputError


def several(given: object, dimensions: int) -> Sequence[Any] | None:
    """Return the things of a batch, None for one thing.

    Args:
        given: A sequence of things, an array or tensor of them, or one.
        dimensions: Of an array that is a batch.
    """
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        return given
    if isinstance(given, np.ndarray | torch.Tensor) and given.ndim == dimensions:
        return [*given]
    return None


def for_each(given: object, count: int, name: str) -> Sequence[Any]:
    """Return one thing for each image: one of each, or the same for all.

    Args:
        given: Masks or areas, or one, or None.
        count: Number of images.
        name: What one is called.

    Raises:
        InputError: Another number of them.
    """
    many = several(given, 3)
    if many is None:
        return [given] * count
    if len(many) != count:
        raise InputError(
            f"there are {count} images and {len(many)} of {name}; give one for each, or one for all"
        )
    return many
