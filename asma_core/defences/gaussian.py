"""Gaussian filter: the image is smoothed before the network sees it.

The textbook's, and differentiable as it is. At the borders the outermost pixels are repeated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.contract import INPUT, DefenceEntry, cleaned
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch

# Of a Gaussian's standard deviation; what lies beyond is below 1e-3 of its peak.
REACH: Final = 4.0


@dataclass(frozen=True)
class GaussianSettings(Settings):
    """Settings of the defence."""

    sigma: float = setting(
        1.0, "Sigma", "Its standard deviation.", minimum=0.1, maximum=20.0, unit="px", step=0.1
    )


def gaussian(images: Tensor, sigma: float) -> Tensor:
    """Return images smoothed by a Gaussian, float32 (B, C, H, W)."""
    radius = max(1, math.ceil(REACH * sigma))
    places = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, 1, -1)
    conv, groups = torch.nn.functional.conv2d, images.shape[1]
    rows: Tensor = conv(_bordered(images, (radius, radius, 0, 0)), kernel, groups=groups)
    smooth: Tensor = conv(
        _bordered(rows, (0, 0, radius, radius)), kernel.transpose(2, 3), groups=groups
    )
    return smooth


def _bordered(images: Tensor, margins: tuple[int, ...]) -> Tensor:
    bordered: Tensor = torch.nn.functional.pad(images, margins, mode="replicate")
    return bordered


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "gaussian",
    "Gaussian filter",
    INPUT,
    "The image is smoothed by a Gaussian before the network sees it.",
    "The gradient goes through the filter, which is linear.",
    "textbook",
    GaussianSettings,
    cleaned(lambda images, settings: gaussian(images, settings.sigma)),
)
