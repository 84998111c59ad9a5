"""Spatial consistency: overlapping crops are segmented by themselves, and compared where they meet.

Source: Xiao et al., "Characterizing adversarial examples based on spatial consistency information
for semantic segmentation", ECCV 2018, arXiv:1810.05162, section 4.2: random pairs of overlapping
patches, the mean IoU of their labels. Deviations: the distance is that of probabilities, so that
there is a gradient; crops have a share of the image's sides instead of 256 x 256.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.contract import Network
from asma_core.defences.detectors.contract import (
    DetectorEntry,
    check_whole,
    distance,
    probabilities,
)
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch

TITLE: Final = "Spatial consistency"
# Sides of crops are multiples of it, as networks halve them.
MULTIPLE: Final = 8


@dataclass(frozen=True)
class CropsSettings(Settings):
    """Settings of the detector."""

    pairs: int = setting(4, "Pairs", "Of crops that are compared.", minimum=1, maximum=100)
    share: float = setting(
        0.75,
        "Side",
        "Of a crop, as a share of the image's; above a half any two overlap.",
        minimum=0.55,
        maximum=0.95,
    )


def maps(
    network: Network, images: Tensor, settings: CropsSettings, generator: torch.Generator
) -> Tensor:
    """Return how far crops are apart where they overlap, (B, H, W) in [0, 1]; 0 where none do."""
    size = images.shape[-2], images.shape[-1]
    sides = _side(size[0], settings.share), _side(size[1], settings.share)
    total = images.new_zeros(len(images), *size)
    count = images.new_zeros(size)
    for _ in range(settings.pairs):
        corners = [_corner(size, sides, generator) for _ in range(2)]
        one, other = (_answer(network, images, corner, sides) for corner in corners)
        top, left = (max(pair) for pair in zip(*corners, strict=True))
        low, right = (min(p) + s for p, s in zip(zip(*corners, strict=True), sides, strict=True))
        if low <= top or right <= left:
            continue
        parts = (
            found[..., top - at[0] : low - at[0], left - at[1] : right - at[1]]
            for found, at in zip((one, other), corners, strict=True)
        )
        around = (left, size[1] - right, top, size[0] - low)
        total = total + torch.nn.functional.pad(distance(*parts), around)
        count[top:low, left:right] += 1.0
    return total / count.clamp_min(1.0)


def _side(side: int, share: float) -> int:
    return max(min(MULTIPLE, side), int(share * side) // MULTIPLE * MULTIPLE)


def _corner(
    size: tuple[int, int], sides: tuple[int, int], generator: torch.Generator
) -> tuple[int, int]:
    row, column = (
        int(torch.randint(whole - side + 1, (1,), generator=generator))
        for whole, side in zip(size, sides, strict=True)
    )
    return row, column


def _answer(
    network: Network, images: Tensor, corner: tuple[int, int], sides: tuple[int, int]
) -> Tensor:
    (row, column), (height, width) = corner, sides
    crop = images[..., row : row + height, column : column + width]
    found = probabilities(network, crop)
    check_whole(found, crop, TITLE)
    return found


ENTRY: Final[DetectorEntry[Any]] = DetectorEntry(
    "crops",
    TITLE,
    "How much random crops, segmented by themselves, differ where they overlap.",
    "total variation distance of probabilities",
    "arXiv:1810.05162",
    CropsSettings,
    maps,
    random=True,
    moves=True,
)
