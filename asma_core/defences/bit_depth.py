"""Bit depth: the image has fewer grey levels when the network sees it.

Source: Xu, Evans and Qi, "Feature squeezing", NDSS 2018, arXiv:1704.01155, section 3.1. The
gradient goes straight through (BPDA, arXiv:1802.00420).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.contract import INPUT, DefenceEntry, cleaned, straight_through
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor


@dataclass(frozen=True)
class BitDepthSettings(Settings):
    """Settings of the defence."""

    bits: int = setting(4, "Bits", "That are left of each value.", minimum=1, maximum=8)


def reduced(images: Tensor, bits: int) -> Tensor:
    """Return images with 2 ** bits levels, float32 (B, C, H, W) in [0, 1]."""
    levels = 2**bits - 1
    return straight_through((images.detach() * levels).round() / levels, images)


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "bit-depth",
    "Bit depth",
    INPUT,
    "The image has fewer grey levels when the network sees it.",
    "The gradient goes straight through the rounding (BPDA).",
    "arXiv:1704.01155",
    BitDepthSettings,
    cleaned(lambda images, settings: reduced(images, settings.bits)),
)
