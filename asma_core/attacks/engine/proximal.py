"""Proximal steps of the minimal-norm attacks: the nearest change of a smaller norm."""

from __future__ import annotations

from typing import Final

from asma_core.attacks.engine.batch import per_image
from asma_core.lazy import Tensor, torch

# Newton steps for the level at which Linf clips; it is piecewise linear, so few are enough.
NEWTON_STEPS: Final = 12
# A level is known when a step moves it by less than this share: far less than a file can hold.
CLOSE: Final = 1e-5


def prox_linf(
    change: Tensor,
    metric: Tensor,
    weight: Tensor,
    near: Tensor | None = None,
) -> Tensor:
    """Return argmin_d weight ||d||_inf + 1/2 sum_i metric_i (d_i - change_i)^2, per image.

    It clips the change to [-t, t], where t solves sum_i metric_i max(|change_i| - t, 0) = weight.
    The sum is convex in t, so Newton's first step from anywhere ends below the solution, and those
    that follow rise to it without passing it.

    Args:
        change: float32 (B, C, H, W).
        metric: float32 (B, C, H, W), above 0.
        weight: float32 (B,), at least 0.
        near: float32 (B,), where to begin, such as at the last solution; at 0 unless given.
    """
    sizes, costs = change.abs().flatten(1), metric.flatten(1)
    paid = sizes * costs
    level = torch.zeros_like(weight) if near is None else near
    for turn in range(NEWTON_STEPS):
        above = (sizes > level[:, None]).to(costs)
        slope = torch.linalg.vecdot(costs, above)
        moved = (torch.linalg.vecdot(paid, above) - weight) / slope.clamp_min(1e-30)
        # With nothing above, as when the start was too high or all is clipped, it begins at 0.
        moved = torch.where(slope > 0, moved, 0.0 if turn == 0 else level).clamp_min(0.0)
        if turn > 0 and bool((moved <= level * (1.0 + CLOSE)).all()):
            break
        level = moved if turn == 0 else torch.maximum(moved, level)
    nothing = paid.sum(dim=1) <= weight
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
