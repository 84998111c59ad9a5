"""Proximal steps of the minimal-norm attacks: the nearest change of a smaller norm."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from asma_core.attacks.problem import per_image

# Newton steps for the level at which Linf clips; it is piecewise linear, so few are enough.
NEWTON_STEPS: Final = 12


def prox_linf(change: Tensor, metric: Tensor, weight: Tensor, near: Tensor | None = None) -> Tensor:
    """Return argmin_d weight ||d||_inf + 1/2 sum_i metric_i (d_i - change_i)^2, per image.

    It clips the change to [-t, t], where t solves sum_i metric_i max(|change_i| - t, 0) = weight.
    Newton rises from below to the solution without passing it, as the sum is convex in t.

    Args:
        change: float32 (B, C, H, W).
        metric: float32 (B, C, H, W), above 0.
        weight: float32 (B,), at least 0.
        near: float32 (B,), where the solution may be, such as where the last one was: a start that
            saves steps where it lies below the solution.
    """
    sizes = change.abs()
    paid = sizes * metric
    level = torch.zeros_like(weight)
    if near is not None:
        left = ((sizes - per_image(near)).clamp_min_(0.0) * metric).flatten(1).sum(dim=1)
        level = torch.where(left > weight, near, level)
    for _ in range(NEWTON_STEPS):
        above = sizes > per_image(level)
        slope = (metric * above).flatten(1).sum(dim=1)
        moved = ((paid * above).flatten(1).sum(dim=1) - weight) / slope.clamp_min(1e-30)
        # Where the weight is more than all of the change can pay for, nothing is left of it.
        moved = torch.where(slope > 0, moved, level)
        if bool((moved <= level * (1.0 + 1e-6)).all()):
            break
        level = torch.maximum(moved, level)
    nothing = paid.flatten(1).sum(dim=1) <= weight
    level = per_image(torch.where(nothing, 0.0, level))
    return change.clamp(-level, level)


def prox_l2(change: Tensor, metric: Tensor, weight: Tensor) -> Tensor:
    """Return argmin_d weight ||d||_2 + m/2 ||d - change||^2, per image.

    m is the mean of the metric: with a full diagonal there is no closed form.

    Args:
        change: float32 (B, C, H, W).
        metric: float32 (B, C, H, W), above 0.
        weight: float32 (B,), at least 0.
    """
    mean = metric.flatten(1).mean(dim=1)
    lengths = change.flatten(1).norm(dim=1).clamp_min(1e-30)
    return change * per_image((1.0 - weight / (mean * lengths)).clamp_min(0.0))
