"""Non-local means: each pixel becomes the mean of those around it whose surroundings look alike.

Source: Buades, Coll and Morel, CVPR 2005; as a defence Xu, Evans and Qi, arXiv:1704.01155, section
3.2. The search is a square around the pixel, as everywhere in practice. The gradient goes through
means and weights alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from asma_core.defences.contract import INPUT, DefenceEntry, cleaned
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch

PATCH: Final = 3


@dataclass(frozen=True)
class NonLocalMeansSettings(Settings):
    """Settings of the defence."""

    strength: float = setting(
        0.05,
        "Strength",
        "Difference of surroundings, in [0, 1] units a value, at which a pixel counts for 1 / e.",
        minimum=0.001,
        maximum=1.0,
    )
    search: Literal["5", "7", "9", "11"] = setting(
        "7", "Search", "Side of the square that is searched, in pixels."
    )


def averaged(images: Tensor, strength: float, search: int) -> Tensor:
    """Return images in which what looks alike was averaged, float32 (B, C, H, W)."""
    reach, (height, width) = search // 2, images.shape[-2:]
    padded = torch.nn.functional.pad(images, (reach,) * 4, mode="replicate")
    sums, weights = torch.zeros_like(images), torch.zeros_like(images[:, :1])
    for down in range(search):
        for right in range(search):
            other = padded[..., down : down + height, right : right + width]
            apart = _surroundings(((images - other) ** 2).mean(1, keepdim=True))
            weight = torch.exp(-apart / strength**2)
            sums = sums + weight * other
            weights = weights + weight
    return sums / weights


def _surroundings(planes: Tensor) -> Tensor:
    """Return the mean over each pixel's patch, (B, 1, H, W)."""
    margin = PATCH // 2
    padded = torch.nn.functional.pad(planes, (margin,) * 4, mode="replicate")
    mean: Tensor = torch.nn.functional.avg_pool2d(padded, PATCH, stride=1)
    return mean


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "non-local-means",
    "Non-local means",
    INPUT,
    "Each pixel becomes the mean of those around it whose surroundings look alike.",
    "The gradient goes through means and weights.",
    "arXiv:1704.01155",
    NonLocalMeansSettings,
    cleaned(lambda images, given: averaged(images, given.strength, int(given.search))),
)
