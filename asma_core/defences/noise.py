"""Randomized smoothing: the network is asked about noisy copies, and what most say counts.

Source: Cohen, Rosenfeld and Kolter, "Certified adversarial robustness via randomized smoothing",
ICML 2019, arXiv:1902.02918; of a segmentation Fischer, Baader and Vechev, arXiv:2107.00228.
Deviation: the answers are averaged as probabilities, so that there is a gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.contract import RANDOM, DefenceEntry, Network
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch


@dataclass(frozen=True)
class SmoothingSettings(Settings):
    """Settings of the defence."""

    sigma: float = setting(
        0.1,
        "Sigma",
        "Standard deviation of the noise, in [0, 1] units.",
        minimum=0.0,
        maximum=2.0,
        open_minimum=True,
    )


def _ask(network: Network, images: Tensor, settings: SmoothingSettings) -> Tensor:
    noise = torch.randn(images.shape[1:]).to(images)
    return network(images + settings.sigma * noise)


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "smoothing",
    "Randomized smoothing",
    RANDOM,
    "The network is asked about noisy copies of the image, and what most of them say counts.",
    "The gradient is the mean over draws (EOT), of their averaged probabilities.",
    "arXiv:1902.02918, arXiv:2107.00228",
    SmoothingSettings,
    _ask,
    random=True,
)
