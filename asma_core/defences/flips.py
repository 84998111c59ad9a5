"""Test-time augmentation: the network is asked about the image and its mirror images.

Source: Wang et al., "Aleatoric uncertainty estimation with test-time augmentation", Neurocomputing
338, 2019, arXiv:1807.07356; nnU-Net does the same. The probabilities of all answers are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.averaging import mean_answer
from asma_core.defences.contract import AVERAGE, DefenceEntry, Network
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor


@dataclass(frozen=True)
class FlipsSettings(Settings):
    """Settings of the defence."""

    vertical: bool = setting(True, "Upside down too", "Four views instead of two.")


def _ask(network: Network, images: Tensor, settings: FlipsSettings) -> Tensor:
    views: list[tuple[int, ...]] = [(), (3,)]
    if settings.vertical:
        views += [(2,), (2, 3)]
    # One at a time: an average of views in one batch would be another network's to batch norm.
    return mean_answer(network(images.flip(view)).flip(view) for view in views)


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "flips",
    "Test-time augmentation",
    AVERAGE,
    "The network is asked about the image and its mirror images; the answers are averaged.",
    "The gradient goes through all views.",
    "arXiv:1807.07356",
    FlipsSettings,
    _ask,
)
