"""Entropy and margin of the softmax: an attack leaves the network uncertain where it changed much.

Source: Maag and Fischer, "Uncertainty-based detection of adversarial attacks in semantic
segmentation", arXiv:2305.12825, section 3: maps of entropy, variation ratio and margin, averaged
over the image. Deviation: theirs are features of a classifier that is trained; here each is a score
by itself, so that nothing is trained. The variation ratio is half the margin for two classes and is
left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.contract import Network
from asma_core.defences.detectors.contract import DetectorEntry
from asma_core.fields import Settings
from asma_core.lazy import Tensor, torch


@dataclass(frozen=True)
class NoSettings(Settings):
    """Nothing is to be chosen."""


def entropy(network: Network, images: Tensor, _: Settings, __: torch.Generator) -> Tensor:
    """Return the entropy of each pixel's softmax over the largest, (B, H', W') in [0, 1]."""
    logs = network(images).log_softmax(dim=1)
    return -(logs.exp() * logs).sum(dim=1) / math.log(logs.shape[1])


def margin(network: Network, images: Tensor, _: Settings, __: torch.Generator) -> Tensor:
    """Return 1 less the difference of the two largest probabilities, (B, H', W') in [0, 1]."""
    highest = network(images).softmax(dim=1).topk(2, dim=1).values
    return 1.0 - (highest[:, 0] - highest[:, 1])


ENTROPY: Final[DetectorEntry[Any]] = DetectorEntry(
    "entropy",
    "Entropy",
    "How uncertain the network is of each pixel, by the entropy of its probabilities.",
    "share of the largest entropy",
    "arXiv:2305.12825",
    NoSettings,
    entropy,
)
MARGIN: Final[DetectorEntry[Any]] = DetectorEntry(
    "margin",
    "Margin",
    "How near the second class is to the first, by their probabilities.",
    "1 - difference of probabilities",
    "arXiv:2305.12825",
    NoSettings,
    margin,
)
