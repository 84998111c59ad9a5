"""ASMA, the Adaptive Segmentation Mask Attack, and its ablations SSM, SSM + DPM and ASM.

Source: Ozbulak, Van Messem, De Neve, "Impact of Adversarial Examples on Deep Learning Models for
Biomedical Image Segmentation", MICCAI 2019, arXiv:1907.13124.

Deviations, each a setting that can be turned off: the multipliers may be chosen from the first
gradient (`alpha`, `tau` and `beta` left automatic), the distance term then fades
(`distance_weight`), an image stops at its first success (`stop_at_target`), and the network sees
the image as rounded to 8 bits (`rounding`). The authors' code measures each step with a second
forward pass; here the step's own forward pass serves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from asma_core.attacks.configs import ConstantConfig, DynamicConfig, TargetedConfig
from asma_core.attacks.contract import AttackResult, OnStep
from asma_core.attacks.multipliers import Multipliers, gradient_rms
from asma_core.attacks.passes import Passes
from asma_core.attacks.problem import (
    Problem,
    answer,
    as_saved,
    make_problem,
    per_image,
)
from asma_core.attacks.settings import AttackConfig
from asma_core.attacks.tracker import Tracker
from asma_core.errors import InputError, ModelError
from asma_core.models.contract import borrowed, predicted


@dataclass(frozen=True)
class PaperAttack:
    """One of the paper's four attacks, called as `contract.Attack` says.

    Attributes:
        adaptive: Whether pixels that are at the target leave the sum (ASM), or stay (SSM).
        config: `DynamicConfig` for a multiplier that grows with the IoU (DPM), else
            `ConstantConfig`.
    """

    adaptive: bool
    config: type[TargetedConfig]

    def __call__(
        self,
        model: nn.Module,
        images: Tensor,
        target_mask: Tensor,
        config: AttackConfig,
        *,
        valid_mask: Tensor | None = None,
        region_mask: Tensor | None = None,
        on_step: OnStep | None = None,
    ) -> list[AttackResult]:
        """Attack a batch; see `contract.Attack`. Source: arXiv:1907.13124, eq. 2 to 5."""
        if not isinstance(config, self.config):
            raise InputError(f"expected settings of {self.config.__name__}, got {config!r}")
        problem = make_problem(images, target_mask, valid_mask, region_mask)
        tracker = Tracker(problem, config, on_step)
        with (
            borrowed(model),
            torch.inference_mode(False),
            torch.enable_grad(),
            Passes(model, images) as passes,
        ):
            chosen = _climb(passes, problem, config, tracker, self.adaptive)
        return tracker.results(chosen)


SSM: Final = PaperAttack(adaptive=False, config=ConstantConfig)
SSM_DPM: Final = PaperAttack(adaptive=False, config=DynamicConfig)
ASM: Final = PaperAttack(adaptive=True, config=ConstantConfig)
ASMA: Final = PaperAttack(adaptive=True, config=DynamicConfig)


def _climb(
    passes: Passes, problem: Problem, config: TargetedConfig, tracker: Tracker, adaptive: bool
) -> list[Mapping[str, float]]:
    """Run the loop; return the multipliers of each image."""
    images = problem.images.clone()
    multipliers: Multipliers | None = None
    chosen: list[Mapping[str, float]] = [{} for _ in images]
    for step in range(config.steps + 1):
        logits = answer(passes.forward, as_saved(images) if config.rounding else images, problem)
        predictions = predicted(logits)
        scores = tracker.update(step, problem, images, predictions, logits.shape[1])
        going = tracker.going(problem)
        if step == config.steps or tracker.cancelled or not going.any():
            break
        gradient = _gradient(passes, logits, predictions if adaptive else None, problem)
        if multipliers is None:
            multipliers = Multipliers.make(config, gradient_rms(gradient, problem, going))
            named = zip(multipliers.named(config), going.tolist(), strict=True)
            chosen = [own if attacked else {} for own, attacked in named]
        alpha = multipliers.at(step, scores)
        images = _stepped(images, gradient, alpha, multipliers.pull_at(step), problem)
        if not going.all():
            problem, images = problem.only(going), images[going]
            multipliers = multipliers.only(going)
    return chosen


def _gradient(
    passes: Passes, logits: Tensor, predictions: Tensor | None, problem: Problem
) -> Tensor:
    """Gradient of S(x) = sum_i a_i z_{y_i, i}(x) in the pixels that may change.

    a_i is 1 where the predictions are not at the target; everywhere without predictions.
    """
    counts = problem.valid
    if predictions is not None:
        counts = counts & (predictions != problem.target)
    weights = torch.zeros_like(logits).scatter_(
        1, problem.target[:, None], counts[:, None].to(logits.dtype)
    )
    gradient = passes.backward(weights)
    if not bool(torch.isfinite(gradient).all()):
        raise ModelError(
            "the network's gradient is NaN or infinite at this image; check its weights and layers"
        )
    return gradient * problem.region


def _stepped(
    images: Tensor, gradient: Tensor, alpha: Tensor, pull: Tensor, problem: Problem
) -> Tensor:
    """One ascent of S(x) - pull ||x - x_0||^2, clipped."""
    back = per_image(2.0 * pull.to(images)) * (images - problem.images)
    return (images + per_image(alpha.to(images)) * (gradient - back)).clamp_(0.0, 1.0)
