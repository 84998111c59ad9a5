"""Noise of the file: what is left of the image where smooth structures are taken away.

Source: Immerkaer, "Fast noise variance estimation", Computer Vision and Image Understanding 64,
1996: the mean size of the image under the difference of two Laplacians, which for white noise of
standard deviation s has the mean s. The network is not asked at all.
"""

from __future__ import annotations

import math
from typing import Any, Final

from asma_core.defences.contract import Network
from asma_core.defences.detectors.contract import DetectorEntry
from asma_core.defences.detectors.softmax import NoSettings
from asma_core.fields import Settings
from asma_core.lazy import Tensor, torch

KERNEL: Final = ((1.0, -2.0, 1.0), (-2.0, 4.0, -2.0), (1.0, -2.0, 1.0))


def maps(_: Network, images: Tensor, __: Settings, ___: torch.Generator) -> Tensor:
    """Return how noisy each pixel's surroundings are, (B, H, W), in [0, 1] units."""
    channels = images.shape[1]
    kernel = images.new_tensor(KERNEL).expand(channels, 1, 3, 3)
    padded = torch.nn.functional.pad(images, (1, 1, 1, 1), mode="replicate")
    rest = torch.nn.functional.conv2d(padded, kernel, groups=channels)
    return math.sqrt(math.pi / 2.0) / 6.0 * rest.abs().mean(dim=1)


ENTRY: Final[DetectorEntry[Any]] = DetectorEntry(
    "residual",
    "Noise of the file",
    "How noisy the file is, by what is left where smooth structures are taken away.",
    "standard deviation of the noise, in [0, 1] units",
    "Immerkaer, CVIU 64, 1996",
    NoSettings,
    maps,
)
