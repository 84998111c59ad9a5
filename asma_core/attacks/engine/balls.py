"""Budgets: images moved to the nearest one that lies within a distance of the original.

The budget holds for what is saved. With rounding, an image comes back whose 8-bit file lies within
the budget too, so that no figure of a file is ever above what was asked for.
"""

from __future__ import annotations

from typing import Final

from asma_core.attacks.engine.batch import AttackBatch, as_saved, norms, per_image
from asma_core.attacks.settings import LINF
from asma_core.errors import InputError
from asma_core.lazy import Tensor, torch

# Rounding lengthens a perturbation by little, so a few shortenings bring it back.
MOST_SHORTENINGS: Final = 40
# Below half a level nothing can change in the file; floats of levels are not exact.
ROUNDING_ERROR: Final = 1e-6


def check_budget(budget: float, norm: str, rounding: bool) -> None:
    """Check that a budget allows a change at all.

    Raises:
        InputError: A Linf budget of less than one of 255 levels, with rounding.
    """
    if norm == LINF and rounding and budget * 255.0 < 1.0 - ROUNDING_ERROR:
        raise InputError(
            f"a Linf budget of {budget:g} is below 1/255 = 0.00392, so no 8-bit file can change; "
            "raise the budget or turn rounding off"
        )


def linf_bounds(batch: AttackBatch, budget: Tensor, rounding: bool) -> tuple[Tensor, Tensor]:
    """Return the least and the greatest values of images within a Linf distance of the originals.

    An image clamped to them lies within the box [0, 1] and the budget, and equals the original
    outside the region.

    Args:
        batch: Of these images.
        budget: float (B,), in [0, 1] units.
        rounding: Whether the 8-bit file must lie within the budget too.

    Returns:
        float32 (B, C, H, W) each.
    """
    reach = per_image(budget.to(batch.images))
    if rounding:
        reach = ((reach * 255.0 + ROUNDING_ERROR).floor() / 255.0).clamp_min(0.0)
    low = (batch.images - reach).clamp_min(0.0)
    high = (batch.images + reach).clamp_max(1.0)
    if rounding:
        # The originals may lie between two levels: only levels that are within the budget.
        low, high = _level_above(low), _level_below(high)
        low, high = torch.minimum(low, batch.images), torch.maximum(high, batch.images)
    if batch.everywhere:
        return low, high
    region, images = batch.region, batch.images
    return low.where(region, images), high.where(region, images)


def project_linf(images: Tensor, batch: AttackBatch, budget: Tensor, rounding: bool) -> Tensor:
    """Clip images, float32 (B, C, H, W), to `linf_bounds`; for a budget that changes."""
    return images.clamp(*linf_bounds(batch, budget, rounding))


def _level_above(values: Tensor) -> Tensor:
    return (values * 255.0 - ROUNDING_ERROR * 255.0).ceil() / 255.0


def _level_below(values: Tensor) -> Tensor:
    return (values * 255.0 + ROUNDING_ERROR * 255.0).floor() / 255.0


def project_l2(images: Tensor, batch: AttackBatch, budget: Tensor, rounding: bool) -> Tensor:
    """Clip images to the box [0, 1] and shorten their perturbations to an L2 distance.

    Args:
        images: float32 (B, C, H, W).
        batch: Of these images.
        budget: float (B,), L2 in [0, 1] units.
        rounding: Whether the 8-bit file must lie within the budget too.

    Returns:
        float32 (B, C, H, W); equal to the originals outside the region.
    """
    perturbation = (images.clamp(0.0, 1.0) - batch.images) * batch.region
    allowed = budget.to(perturbation)
    perturbation = perturbation * per_image(_share(allowed, norms(perturbation)))
    for _ in range(MOST_SHORTENINGS if rounding else 0):
        lengths = norms(_saved(perturbation, batch))
        too_long = lengths > allowed
        if not bool(too_long.any()):
            return batch.images + perturbation
        shorter = _share(allowed, lengths).clamp_max(0.999)
        perturbation = perturbation * per_image(torch.where(too_long, shorter, 1.0))
    if rounding:
        # Not even a little shorter fits: the budget is too small for this perturbation.
        fits = norms(_saved(perturbation, batch)) <= allowed
        perturbation = perturbation * per_image(fits.to(perturbation))
    return batch.images + perturbation


def _saved(perturbation: Tensor, batch: AttackBatch) -> Tensor:
    """Return the perturbation of the file within the region."""
    return (as_saved(batch.images + perturbation) - batch.images) * batch.region


def _share(allowed: Tensor, lengths: Tensor) -> Tensor:
    """Return float32 (B,), at most 1: what is left of perturbations that are too long."""
    return (allowed.double() / lengths.clamp_min(1e-12)).clamp_max(1.0).to(allowed.dtype)
