"""The kinds of hostile inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from scripts.hostile.archives import hostile_zip
from scripts.hostile.bombs import hostile_bomb
from scripts.hostile.datasets import hostile_annotation, hostile_dataset_card, hostile_table
from scripts.hostile.networks import hostile_card, hostile_weights
from scripts.hostile.pictures import Ask, hostile_image, hostile_outline, hostile_volume
from scripts.hostile.words import (
    hostile_address,
    hostile_note,
    hostile_settings,
    hostile_words,
)


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        make: Makes one from a seed, in an empty folder; returns what asks about it.
        weight: How many of them there are among all.
    """

    make: Callable[[Random, Path], Ask]
    weight: int


KINDS: Final = {
    "image": Kind(hostile_image, 200),
    "volume": Kind(hostile_volume, 200),
    "outline": Kind(hostile_outline, 40),
    "zip": Kind(hostile_zip, 100),
    "weights": Kind(hostile_weights, 60),
    "card": Kind(hostile_card, 100),
    "dataset-card": Kind(hostile_dataset_card, 60),
    "table": Kind(hostile_table, 50),
    "annotation": Kind(hostile_annotation, 80),
    "address": Kind(hostile_address, 50),
    "words": Kind(hostile_words, 30),
    "note": Kind(hostile_note, 30),
    "bomb": Kind(hostile_bomb, 1),
    "settings": Kind(hostile_settings, 50),
}
