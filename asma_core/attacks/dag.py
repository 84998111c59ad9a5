"""DAG, dense adversary generation: raise the target over its rival where it is not there yet.

Source: Xie et al., "Adversarial Examples for Semantic Segmentation and Object Detection", ICCV
2017, arXiv:1703.08603, algorithm 1. Deviations: the rival is the strongest other class instead of
the original one, which may long have lost; the step's length is on the [0, 1] scale; an image stops
at the target IoU instead of when every pixel is there; it is clipped to the box.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from asma_core.attacks.contract import ANY_CHANGE, AttackEntry
from asma_core.attacks.engine.batch import per_image
from asma_core.attacks.engine.loop import AttackRule, AttackState, RuleAttack
from asma_core.attacks.engine.pixels import margin_weights, margins
from asma_core.attacks.settings import (
    L2,
    CommonConfig,
    Goal,
    steps_setting,
)
from asma_core.fields import setting
from asma_core.lazy import Tensor


@dataclass(frozen=True)
class DagConfig(CommonConfig):
    """Settings of DAG, which has no budget."""

    steps: int = steps_setting(200)
    gamma: float = setting(
        0.002,
        "Gamma",
        "Length of a step in Linf, in [0, 1] units; the paper's is 0.5 of 255.",
        minimum=0.0,
        maximum=1.0,
        open_minimum=True,
        step=0.001,
        advanced=True,
    )

    def goal(self) -> Goal:
        """Return how the attack is judged: an image is done at its first success."""
        return Goal(stops=True, norm=L2)


class _Dense(AttackRule):
    def __init__(self, gamma: float) -> None:
        self._gamma = gamma

    def logit_weights(self, state: AttackState) -> Tensor:
        """Raise the target's logit over its strongest rival, where the target is not there."""
        margin, rivals = margins(state.logits, state.batch.target)
        pull = ((margin > 0) & state.batch.valid).to(state.logits)
        return margin_weights(state.logits, state.batch.target, rivals, pull)

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """Step by gamma in Linf, clipped to the box."""
        largest = gradient.abs().flatten(1).amax(dim=1).clamp_min(1e-30)
        return (state.images + per_image(self._gamma / largest) * gradient).clamp_(0.0, 1.0)


DAG: Final = RuleAttack(DagConfig, lambda _, config: _Dense(config.gamma))

ENTRY: Final = AttackEntry(
    "dag",
    "DAG",
    ANY_CHANGE,
    "Raises the target over its rival where it is not there; no budget.",
    "arXiv:1703.08603",
    DagConfig,
    DAG,
)
