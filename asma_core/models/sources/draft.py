"""What is made of somebody's folder before it is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asma_core.errors import InputError
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.wrapper.specs import figures_from_text

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Choices:
    """What a person may choose of a network that is taken in as a folder.

    Attributes:
        name: Of the network; made of the folder's by default.
        classes: Names, background first; () for those that the folder has.
        dataset: That it was trained on.
        fold: Of nnU-Net: one of its folds, "mean" for the mean of all, "" for nnU-Net's default.
        mirror: Of nnU-Net: whether each window is mirrored as well, which takes up to four times
            as long.
        values: Of nnU-Net: which raw values black and white stand for; None for what is read.
        spacing: Of nnU-Net: of the images' pixels, rows and columns, in the plans' unit, which is
            mm unless its files say otherwise; None for the plans' own.
    """

    name: str = ""
    classes: tuple[str, ...] = ()
    dataset: str = ""
    fold: str = ""
    mirror: bool = False
    values: tuple[float, float] | None = None
    spacing: tuple[float, float] | None = None


def values_from_text(text: str) -> tuple[float, float] | None:
    """Read which values black and white stand for; None where nothing is said.

    Raises:
        InputError: Not two numbers, or white is not above black.
    """
    if not text.strip():
        return None
    figures = figures_from_text(text, 2)
    if len(figures) != 2 or not -math.inf < figures[0] < figures[1] < math.inf:
        raise InputError(
            f"{text!r} is not 2 numbers, the smaller first; write what black and white stand for, "
            "such as -160, 240"
        )
    return figures[0], figures[1]


def spacing_from_text(text: str) -> tuple[float, float] | None:
    """Read the spacing of pixels, rows and columns, or one for both; None where nothing is said.

    Raises:
        InputError: Not one or two numbers above 0.
    """
    if not text.strip():
        return None
    figures = figures_from_text(text, 2)
    if len(figures) != 2 or not all(0 < figure < math.inf for figure in figures):
        raise InputError(
            f"{text!r} is not a spacing; write how far rows, then columns, are apart, such as "
            "0.8, 0.8"
        )
    return figures[0], figures[1]


@dataclass(frozen=True)
class Draft:
    """A card with its weights, not yet written.

    Attributes:
        card: Its weights are not there yet, and its name is a wish.
        state: The weights.
        notes: What a person should know, in sentences.
        folds: Which may be chosen; () where there is nothing to choose.
        mirrors: Whether mirroring may be chosen.
    """

    card: ModelCard
    state: Mapping[str, Tensor]
    notes: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    mirrors: bool = False
