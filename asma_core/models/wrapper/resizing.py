"""Resizing images to what a network takes; apart, so that attacks need not import torch for it."""

from __future__ import annotations

from asma_core.lazy import Tensor, torch


def resized(planes: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """Resize (B, C, H, W) bilinearly, smoothed when made smaller; the same tensor if it fits."""
    if tuple(planes.shape[-2:]) == tuple(size):
        return planes
    shrinks = planes.shape[-2] > size[0] or planes.shape[-1] > size[1]
    planes_of_size: Tensor = torch.nn.functional.interpolate(
        planes, size=tuple(size), mode="bilinear", antialias=shrinks
    )
    return planes_of_size
