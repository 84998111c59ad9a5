"""PDPGD: the smallest L2 or Linf change by primal-dual proximal gradient descent.

Source: Matyasko, Chau, "PDPGD: Primal-Dual Proximal Gradient Descent Adversarial Attack",
arXiv:2106.01538, for classifiers; for segmentation as in Rony et al., arXiv:2206.07179, with a
constraint per pixel. The image descends softplus of the margins, weighed by a softmax of dual
variables of which one belongs to the norm; the duals move by the sign of each margin; a proximal
step of the norm follows.

Deviations: L1 is left out; the dual step and the memory are relative to 500 steps, so that a
shorter run comes as far; the worst pixels, as many as the target IoU lets stay wrong, do not pull;
margins are kept with some headroom; the proximal L2 step takes the mean of the metric.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from asma_core.attacks.configs import LINF
from asma_core.attacks.engine.batch import Problem, per_image
from asma_core.attacks.engine.loop import Look, Method, MethodAttack
from asma_core.attacks.engine.pixels import keepable, margin_weights, margins, typical_size
from asma_core.attacks.engine.proximal import prox_l2, prox_linf
from asma_core.attacks.proximal_configs import PdpgdConfig

PAPER_STEPS: Final = 500
METRIC_MEMORY: Final = 0.99
STEP_FALLS_TO: Final = 0.1
LARGEST_DUAL: Final = 20.0
# A constraint is kept with this share of the median margin to spare, or its pixel would flip back
# and forth.
HEADROOM: Final = 0.1


class _PrimalDual(Method):
    def __init__(self, problem: Problem, config: PdpgdConfig) -> None:
        self._config = config
        self._away = config.goal().away
        stretch = max(1.0, PAPER_STEPS / config.steps)
        self._dual_step = min(config.dual_step * stretch, 2.0)
        # Logarithms of the pixels' weights over the norm's; at first all pixels together weigh it.
        count = problem.valid.flatten(1).sum(dim=1).to(problem.images).clamp_min(1.0)
        self._dual = -count.log().view(-1, 1, 1).expand(problem.target.shape).clone()
        self._squares = problem.images.new_zeros(len(problem.images))
        self._unit: Tensor | None = None
        self._norm_weight = problem.images.new_ones(len(problem.images))

    def weights(self, look: Look) -> Tensor:
        """Lower softplus of the margins, by the softmax of the duals."""
        margin, rivals = margins(look.logits, look.problem.target)
        raised, lowered = look.problem.target, rivals
        if self._away:
            margin, raised, lowered = -margin, rivals, look.problem.target
        if self._unit is None:
            self._unit = typical_size(margin, look.problem)
        margin = margin + HEADROOM * self._unit
        moved = self._dual + self._dual_step * margin.sign()
        self._dual = moved.clamp_max(LARGEST_DUAL)
        counted = self._dual.where(look.problem.valid, -torch.inf).flatten(1)
        both = torch.cat((counted.new_zeros(len(counted), 1), counted), dim=1).softmax(dim=1)
        self._norm_weight = both[:, 0]
        kept = keepable(margin, look.problem, 1.0 - self._config.target_iou)
        pull = both[:, 1:].view_as(margin) * margin.sigmoid() * kept
        return margin_weights(look.logits, raised, lowered, pull)

    def move(self, look: Look, gradient: Tensor) -> Tensor:
        """A step scaled by the gradients so far, then the proximal one, then the box."""
        squares = gradient.square().flatten(1).mean(dim=1)
        self._squares = METRIC_MEMORY * self._squares + (1.0 - METRIC_MEMORY) * squares
        root = (self._squares / (1.0 - METRIC_MEMORY ** (look.step + 1))).sqrt().clamp_min(1e-20)
        size = self._config.step_size * STEP_FALLS_TO ** (look.step / look.steps)
        change = look.images - look.problem.images + gradient * per_image(size / root)
        metric = per_image(root / size).expand_as(change)
        prox = prox_linf if self._config.norm == LINF else prox_l2
        change = prox(change, metric, self._norm_weight) * look.problem.region
        return (look.problem.images + change).clamp_(0.0, 1.0)


PDPGD: Final = MethodAttack(PdpgdConfig, _PrimalDual)
