"""Sanity checks before and after an attack: plain sentences that tell when not to trust it.

After Athalye, Carlini, Wagner, "Obfuscated Gradients Give a False Sense of Security", ICML 2018,
arXiv:1802.00420, and Carlini et al., "On Evaluating Adversarial Robustness", arXiv:1902.06705.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

from asma_core.attacks.contract import StepMetrics
from asma_core.attacks.engine.pixels import margin_weights, margins
from asma_core.models.wrapper.calls import borrowed, checked_logits, predicted

# Two answers to one image may differ by rounding, relative to the spread of the logits.
SAME: Final = 1e-4
SUMS_TO_ONE: Final = 1e-3
# A score that has fallen so far below its best, and goes on falling, has gone astray.
LOST: Final = 0.1
FALLING: Final = 0.03
SHORTEST: Final = 20

PROBABILITIES: Final = (
    "The network's outputs look like probabilities instead of logits: they lie in [0, 1] and sum "
    "to 1. Gradients through a softmax vanish where it is certain; let the network return logits."
)
ONE_COLOUR: Final = (
    "Every pixel of the image has the same colour, so it shows nothing to outline. Check that the "
    "right file was read, and through the right window of intensities."
)
VOID_TARGET: Final = (
    "All of the target's structure lies on pixels that do not count, so the attack was to remove "
    "what the network sees on the others. Draw the target where pixels count."
)
TWO_ANSWERS: Final = (
    "The network answers differently when asked twice: it has random layers. What is reached now "
    "may not be reached again; turn them off, or repeat the run and compare."
)
TRAINING: Final = (
    "The network was in training mode; it was attacked in evaluation mode. Call eval() before it "
    "is used."
)
VANISHING: Final = (
    "The network's gradients nearly vanish at this image: by them no change at all would reach the "
    "target. A failure says little here; try Square, which needs no gradients."
)
WORSE: Final = (
    "The attack got worse with more steps: its score ends {lost:.2f} below its best and is still "
    "falling. The best image was kept; take smaller steps."
)
HIDDEN: Final = (
    "A black box reached this target where attacks by gradients did not: the network hides its "
    "gradients, and failures of the others say nothing about its robustness."
)
FAR_REGION: Final = (
    "The region where the image may change touches none of the pixels whose class must change: the "
    "network can only be led from afar. Widen the region if the target is not reached."
)


def before(
    model: nn.Module,
    images: Tensor,
    target: Tensor,
    valid: Tensor,
    region: Tensor | None = None,
    away: bool = False,
) -> list[str]:
    """Check a network at an image; costs two forward passes and one backward pass.

    Args:
        model: The network; left as it was found.
        images: float32 (1, C, H, W) in [0, 1].
        target: int64 (1, H', W').
        valid: bool (1, H', W').
        region: bool (1, H, W), where the image may change; everywhere unless given.
        away: Whether the mask is what the prediction shall no longer be.

    Returns:
        The sentences that apply.
    """
    training = any(module.training for module in model.modules())
    with borrowed(model), torch.inference_mode(False), torch.enable_grad():
        inputs = images.detach().clone().requires_grad_()
        logits = checked_logits(model(inputs))
        with torch.no_grad():
            again = model(images)
        found = [TRAINING] if training else []
        counted = valid[:, None].expand_as(logits)
        told = logits.detach()[counted]
        spread = float(told.std())
        if float((told - again[counted]).abs().max()) > SAME * max(spread, 1e-12):
            found.append(TWO_ANSWERS)
        if _look_like_probabilities(logits.detach(), valid):
            found.append(PROBABILITIES)
        if bool((images.amax(dim=(2, 3)) == images.amin(dim=(2, 3))).all()):
            found.append(ONE_COLOUR)
        structure = target > 0
        if not away and bool(structure.any()) and not bool((structure & valid).any()):
            found.append(VOID_TARGET)
        at_mask = predicted(logits.detach()) == target
        to_change = (at_mask if away else ~at_mask) & valid
        if _vanishes(logits, inputs, target.where(valid, 0), to_change):
            found.append(VANISHING)
        if region is not None and _is_far(to_change, region):
            found.append(FAR_REGION)
    return found


def _is_far(wrong: Tensor, region: Tensor) -> bool:
    # A network without padding sees more than it labels.
    seen = region
    if wrong.shape != region.shape:
        top, left = ((a - b) // 2 for a, b in zip(region.shape[1:], wrong.shape[1:], strict=True))
        seen = region[:, top : top + wrong.shape[1], left : left + wrong.shape[2]]
    return bool(wrong.any()) and not bool((wrong & seen).any())


def _look_like_probabilities(logits: Tensor, valid: Tensor) -> bool:
    told = logits.movedim(1, -1)[valid]
    inside = float(told.min()) >= 0.0 and float(told.max()) <= 1.0
    return inside and float((told.sum(dim=1) - 1.0).abs().max()) <= SUMS_TO_ONE


def _vanishes(logits: Tensor, inputs: Tensor, target: Tensor, to_change: Tensor) -> bool:
    """Tell whether by its gradient not even the largest possible change would be enough."""
    margin, rivals = margins(logits.detach(), target)
    margin, pull = margin.abs(), to_change.to(margin)
    if not bool(pull.any()) or not logits.requires_grad:
        return False
    weights = margin_weights(logits.detach(), target, rivals, pull)
    (gradient,) = torch.autograd.grad(logits, inputs, weights, materialize_grads=True)
    length = float(gradient.norm())
    return float((pull * margin).sum()) > length * math.sqrt(inputs.numel())


def after(trajectory: Sequence[StepMetrics]) -> list[str]:
    """Check the trajectory of an attack whose steps are all meant to get nearer to its target."""
    scores = [now.score for now in trajectory]
    if len(scores) < SHORTEST:
        return []
    quarter = len(scores) // 4
    last, before_it = scores[-quarter:], scores[-2 * quarter : -quarter]
    lost = max(scores) - sum(last[-5:]) / 5
    falls = sum(before_it) / quarter - sum(last) / quarter
    return [WORSE.format(lost=lost)] if lost > LOST and falls > FALLING else []
