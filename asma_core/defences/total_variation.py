"""Total variation: the nearest image with fewer wiggles is what the network sees.

Source: Rudin, Osher and Fatemi, Physica D 60, 1992, by Chambolle's projection (J. Math. Imaging
Vis. 20, 2004, section 3); as a defence Guo et al., arXiv:1711.00117, there with pixels dropped at
random first, which is left out. A fixed number of its steps is made, and the gradient is that of
what is really done, worked out by hand: half the time of autograd. Each channel is taken by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from asma_core.defences.contract import INPUT, DefenceEntry, cleaned, with_adjoint
from asma_core.fields import Settings, setting
from asma_core.lazy import Tensor, torch

# Chambolle's bound is 1/8 (his theorem 3.1); in practice it converges up to 1/4.
STEP: Final = 0.125
SMALLEST: Final = 1e-12


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


class _Round(NamedTuple):
    """What a step was made of and what it gave, each (B, C, H, W)."""

    falls: Tensor
    runs: Tensor
    root: Tensor
    length: Tensor
    down: Tensor
    right: Tensor


def denoised(images: Tensor, weight: float, rounds: int) -> Tensor:
    """Return images of small total variation near the given ones, float32 (B, C, H, W)."""
    kept: list[_Round] = []
    sloped = images.requires_grad and torch.is_grad_enabled()
    with torch.no_grad():
        wanted = images / weight
        down = right = torch.zeros_like(images)
        for _ in range(rounds):
            falls, runs = _differences(_divergence(down, right).sub_(wanted))
            # Under the root never 0: its gradient there would be infinite.
            root = torch.addcmul(falls * falls, runs, runs).add_(SMALLEST).sqrt_()
            length = 1 + STEP * root
            down = torch.add(down, falls, alpha=STEP).div_(length)
            right = torch.add(right, runs, alpha=STEP).div_(length)
            if sloped:
                kept.append(_Round(falls, runs, root, length, down, right))
        found = torch.sub(images, _divergence(down, right), alpha=weight)
    if not sloped:
        return found
    return with_adjoint(found, images, lambda gradient: _adjoint(gradient, weight, kept))


def _adjoint(gradient: Tensor, weight: float, kept: Sequence[_Round]) -> Tensor:
    """Return the gradient in the images, of one in what became of them, (B, C, H, W)."""
    # Minus the differences are the adjoint of the divergence, and the other way round.
    down, right = _differences(weight * gradient)
    wanted = torch.zeros_like(gradient)
    for one in reversed(kept):
        down, right = down.div_(one.length), right.div_(one.length)
        pull = torch.addcmul(down * one.down, right, one.right).mul_(-STEP).div_(one.root)
        falls = torch.addcmul(STEP * down, pull, one.falls)
        runs = torch.addcmul(STEP * right, pull, one.runs)
        residue = _divergence(falls, runs)
        wanted += residue
        falls, runs = _differences(residue)
        down, right = down.add_(falls), right.add_(runs)
    return gradient.add(wanted, alpha=1 / weight)


def _differences(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Return forward differences downwards and to the right, 0 at the far border."""
    falls, runs = torch.zeros_like(planes), torch.zeros_like(planes)
    torch.sub(planes[:, :, 1:], planes[:, :, :-1], out=falls[:, :, :-1])
    torch.sub(planes[..., 1:], planes[..., :-1], out=runs[..., :-1])
    return falls, runs


def _divergence(down: Tensor, right: Tensor) -> Tensor:
    """Return what is minus the adjoint of `_differences`."""
    spread = down + right
    spread[:, :, -1] -= down[:, :, -1]
    spread[..., -1] -= right[..., -1]
    spread[:, :, 1:] -= down[:, :, :-1]
    spread[..., 1:] -= right[..., :-1]
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
