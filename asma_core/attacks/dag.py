"""DAG, dense adversary generation: raise the target over its rival where it is not there yet.

Source: Xie et al., "Adversarial Examples for Semantic Segmentation and Object Detection", ICCV
2017, arXiv:1703.08603, algorithm 1. Deviations: the rival is the strongest other class instead of
the original one, which may long have lost; the step's length is on the [0, 1] scale; an image stops
at the target IoU instead of when every pixel is there; it is clipped to the box.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor

from asma_core.attacks.budget_configs import DagConfig
from asma_core.attacks.engine.batch import per_image
from asma_core.attacks.engine.loop import Look, Method, MethodAttack
from asma_core.attacks.engine.pixels import margin_weights, margins


class _Dense(Method):
    def __init__(self, gamma: float) -> None:
        self._gamma = gamma

    def weights(self, look: Look) -> Tensor:
        """Raise the target's logit over its strongest rival, where the target is not there."""
        margin, rivals = margins(look.logits, look.problem.target)
        pull = ((margin > 0) & look.problem.valid).to(look.logits)
        return margin_weights(look.logits, look.problem.target, rivals, pull)

    def move(self, look: Look, gradient: Tensor) -> Tensor:
        """Step by gamma in Linf, clipped to the box."""
        largest = gradient.abs().flatten(1).amax(dim=1).clamp_min(1e-30)
        return (look.images + per_image(self._gamma / largest) * gradient).clamp_(0.0, 1.0)


DAG: Final = MethodAttack(DagConfig, lambda _, config: _Dense(config.gamma))
