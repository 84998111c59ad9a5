"""Disagreement: the network is asked about slightly changed images, and what it says is compared.

An attack is made for one image; mirrored, shifted or noisy it may lose its hold, and an ordinary
image does not. Source: the idea is that of Tian, Yang and Cai, "Detecting adversarial examples
through image transformation", AAAI 2018; noise as in Hu et al., arXiv:1910.07117, there for
classifiers and with a trained detector or hard labels. Here: the mean total variation distance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.contract import Network
from asma_core.defences.detectors.contract import (
    DetectorEntry,
    check_whole,
    distance,
    probabilities,
)
from asma_core.errors import InputError
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch

TITLE: Final = "Disagreement"


@dataclass(frozen=True)
class AugmentationSettings(Settings):
    """Settings of the detector."""

    flips: bool = setting(True, "Mirror images", "Left to right, and upside down.")
    shift: int = setting(
        4, "Shift", "By which it is moved, down and right.", minimum=0, maximum=64, unit="px"
    )
    sigma: float = setting(
        0.02,
        "Noise",
        "Standard deviation of the noise, in [0, 1] units; 0 for none.",
        minimum=0.0,
        maximum=1.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.flips or self.shift or self.sigma):
            raise InputError("nothing is changed, so nothing can disagree; turn flips on")


def maps(
    network: Network, images: Tensor, settings: AugmentationSettings, generator: torch.Generator
) -> Tensor:
    """Return how far the answers to changed images are from that to the image, (B, H, W)."""
    plain = probabilities(network, images)
    check_whole(plain, images, TITLE)
    found = list(_differences(network, images, plain, settings, generator))
    return torch.stack(found).mean(dim=0)


def _differences(
    network: Network,
    images: Tensor,
    plain: Tensor,
    settings: AugmentationSettings,
    generator: torch.Generator,
) -> Iterator[Tensor]:
    for way in ((3,), (2,)) if settings.flips else ():
        yield distance(probabilities(network, images.flip(way)).flip(way), plain)
    if settings.shift:
        yield _shifted(network, images, plain, settings.shift)
    if settings.sigma:
        noise = torch.randn(images.shape[1:], generator=generator).to(images)
        noisy = (images + settings.sigma * noise).clamp(0.0, 1.0)
        yield distance(probabilities(network, noisy), plain)


def _shifted(network: Network, images: Tensor, plain: Tensor, shift: int) -> Tensor:
    """Return the difference to the answer to the image moved; 0 where that has no pixel."""
    height, width = images.shape[-2:]
    if shift >= min(height, width):
        raise InputError(
            f"a shift of {shift} px leaves nothing of an image of {width} x {height}; choose a "
            "smaller one"
        )
    pad = torch.nn.functional.pad
    moved = pad(images, (shift, 0, shift, 0), mode="replicate")[..., :height, :width]
    back = probabilities(network, moved)[..., shift:, shift:]
    apart = distance(back, plain[..., : height - shift, : width - shift])
    whole: Tensor = pad(apart, (0, shift, 0, shift))
    return whole


ENTRY: Final[DetectorEntry[Any]] = DetectorEntry(
    "augmentation",
    TITLE,
    "How much the answers to mirrored, shifted and noisy copies differ from that to the image.",
    "total variation distance of probabilities",
    "AAAI 2018 (Tian et al.), arXiv:1910.07117",
    AugmentationSettings,
    maps,
    random=True,
    moves=True,
)
