"""Total variation: the nearest image with fewer wiggles is what the network sees.

Source: Rudin, Osher and Fatemi, Physica D 60, 1992, by Chambolle's projection (J. Math. Imaging
Vis. 20, 2004, section 3); as a defence Guo et al., arXiv:1711.00117, there with pixels dropped at
random first, which is left out. A fixed number of its steps is unrolled, so that the gradient is
that of what is really done. Each channel is taken by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from asma_core.defences.contract import INPUT, DefenceEntry, cleaned
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch

# Chambolle's bound is 1/8 (his theorem 3.1); in practice it converges up to 1/4.
STEP: Final = 0.125


@dataclass(frozen=True)
class TotalVariationSettings(Settings):
    """Settings of the defence."""

    weight: float = setting(
        0.05,
        "Weight",
        "Of the total variation against the distance to the image; more is smoother.",
        minimum=0.0,
        maximum=2.0,
        open_minimum=True,
    )
    rounds: int = setting(20, "Rounds", "Steps that are made.", minimum=1, maximum=200)


def denoised(images: Tensor, weight: float, rounds: int) -> Tensor:
    """Return images of small total variation near the given ones, float32 (B, C, H, W)."""
    down, right = torch.zeros_like(images), torch.zeros_like(images)
    for _ in range(rounds):
        residue = _divergence(down, right) - images / weight
        falls, runs = _differences(residue)
        # Under the root never 0: its gradient there would be infinite.
        length = 1 + STEP * (falls**2 + runs**2 + 1e-12).sqrt()
        down, right = (down + STEP * falls) / length, (right + STEP * runs) / length
    return images - weight * _divergence(down, right)


def _differences(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Return forward differences downwards and to the right, 0 at the far border."""
    pad = torch.nn.functional.pad
    return pad(planes.diff(dim=2), (0, 0, 0, 1)), pad(planes.diff(dim=3), (0, 1, 0, 0))


def _divergence(down: Tensor, right: Tensor) -> Tensor:
    """Return what is minus the adjoint of `_differences`."""
    pad = torch.nn.functional.pad
    falls = pad(down[:, :, :-1], (0, 0, 0, 1)) - pad(down[:, :, :-1], (0, 0, 1, 0))
    runs = pad(right[..., :-1], (0, 1, 0, 0)) - pad(right[..., :-1], (1, 0, 0, 0))
    spread: Tensor = falls + runs
    return spread


ENTRY: Final[DefenceEntry[Any]] = DefenceEntry(
    "total-variation",
    "Total variation",
    INPUT,
    "The nearest image with fewer wiggles is what the network sees.",
    "The gradient goes through every step of the denoising.",
    "arXiv:1711.00117",
    TotalVariationSettings,
    cleaned(lambda images, settings: denoised(images, settings.weight, settings.rounds)),
)
