"""Feature squeezing: the answer to the image against those to it with fewer grey levels, smoothed.

Source: Xu, Evans and Qi, "Feature squeezing", NDSS 2018, arXiv:1704.01155, section 4: the largest
L1 distance of the probabilities over the squeezers, there of a classifier; here pixel by pixel.
Deviations: half the L1 distance, so that 1 is the most; no non-local means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from asma_core.defences.bit_depth import reduced
from asma_core.defences.contract import Network
from asma_core.defences.detectors.contract import DetectorEntry, distance, probabilities
from asma_core.defences.median import median
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch


@dataclass(frozen=True)
class SqueezingSettings(Settings):
    """Settings of the detector."""

    bits: int = setting(4, "Bits", "That are left of each value.", minimum=1, maximum=8)
    window: Literal["3", "5", "7"] = setting("3", "Window", "Of the median filter, in pixels.")


def maps(
    network: Network, images: Tensor, settings: SqueezingSettings, _: torch.Generator
) -> Tensor:
    """Return how far the answers to squeezed images are from that to the image, (B, H', W')."""
    plain = probabilities(network, images)
    squeezed = (reduced(images, settings.bits), median(images, int(settings.window)))
    one, other = (distance(probabilities(network, image), plain) for image in squeezed)
    return torch.maximum(one, other)


ENTRY: Final[DetectorEntry[Any]] = DetectorEntry(
    "squeezing",
    "Feature squeezing",
    "How much the answer changes when the image has fewer grey levels, or is smoothed.",
    "total variation distance of probabilities",
    "arXiv:1704.01155",
    SqueezingSettings,
    maps,
)
