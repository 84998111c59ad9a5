"""The attack within an adversarial training: what a batch becomes before the network learns it.

Sources: Madry et al., arXiv:1706.06083 (PGD); Gu et al., arXiv:2207.12391 (SegPGD, and that it
serves to train); Croce, Singh, Hein, arXiv:2306.12941 (few steps from a clean network's weights);
Wong, Rice, Kolter, arXiv:2001.03994 (a random start and a step of at most 1.25 times the budget,
without which one step teaches only to withstand itself); Ozbulak et al., arXiv:1907.13124 (ASMA's
objective). Deviations: the rules are those of the attacks of the same names; ASMA's objective has
the steps of PGD, as its own multipliers know no budget; the network is in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from torch import Tensor

from asma_core.attacks.asma.attack import ASMA
from asma_core.attacks.asma.settings import DynamicConfig
from asma_core.attacks.engine.balls import project_l2, project_linf
from asma_core.attacks.engine.batch import AttackBatch, norms, per_image
from asma_core.attacks.engine.loop import AttackRule, AttackState
from asma_core.attacks.engine.passes import GradientPasses
from asma_core.attacks.engine.projected import CROSSINGS, BudgetConfig
from asma_core.attacks.pgd import PGD
from asma_core.attacks.segpgd import SEGPGD
from asma_core.attacks.settings import AWAY_FROM_TRUTH, LINF, TOWARDS
from asma_core.data.masks.label_maps import VOID
from asma_core.models.wrapper.calls import predicted
from asma_core.training.plan import TrainingPlan

# Of the budget.
LONGEST_STEP: Final = 1.25
# Tells its random numbers from those of the order and of the augmentation.
_STREAM: Final = 3


class Adversary:
    """Attacks the batches of a training, each by its own random numbers."""

    def __init__(self, plan: TrainingPlan, ask: Callable[[Tensor], Tensor]) -> None:
        """Prepare it.

        Args:
            plan: What the attack is; the seed.
            ask: Gives logits (B, K, H, W), float32, of images in [0, 1].
        """
        self._plan, self._ask = plan, ask

    def attacked(self, images: Tensor, labels: Tensor, step: int) -> Tensor:
        """Return a batch of which the plan's share is attacked.

        Args:
            images: float32 (B, C, H, W) in [0, 1].
            labels: int64 (B, 1, H, W), `VOID` where a pixel does not count.
            step: Of the training, from 0; the same step gives the same images.
        """
        rng = np.random.default_rng((self._plan.seed, _STREAM, step))
        # So that the mean over the steps is the share, whatever the size of a batch.
        count = int(self._plan.attacked * len(images) + rng.random())
        if count == 0:
            return images
        target = self._target(labels, rng)[:count]
        moved = self._moved(images[:count], target, rng)
        return torch.cat([moved, images[count:]])

    def _target(self, labels: Tensor, rng: np.random.Generator) -> Tensor:
        """Return the masks to get away from, or for ASMA another image's for each, (B, H, W)."""
        if self._plan.adversarial != "asma" or len(labels) < 2:
            return labels[:, 0]
        return labels[:, 0].roll(int(rng.integers(1, len(labels))), dims=0)

    def _moved(self, images: Tensor, target: Tensor, rng: np.random.Generator) -> Tensor:
        budget = self._plan.budget_at(*images.shape[1:])
        batch = _batch(images, target)
        rule = self._rule(batch, budget)
        moved = _started(batch, self._plan.norm, budget, rng)
        passes, steps = GradientPasses(self._ask), self._plan.attack_steps
        nothing = torch.zeros(len(images), dtype=torch.float64)
        for step in range(steps):
            logits = passes.forward(moved)
            state = AttackState(
                step, steps, batch, moved, moved, logits, predicted(logits), nothing, nothing > 0
            )
            weights = rule.logit_weights(state)
            if weights is not None:
                moved = rule.step(state, passes.backward(weights))
        return moved.detach()

    def _rule(self, batch: AttackBatch, budget: float) -> AttackRule:
        kind, steps = self._plan.adversarial, self._plan.attack_steps
        config = BudgetConfig(
            steps=steps,
            goal_is=TOWARDS if kind == "asma" else AWAY_FROM_TRUTH,
            norm=self._plan.norm,
            budget=budget,
            step_size=min(CROSSINGS / steps, LONGEST_STEP) * budget,
            rounding=False,
        )
        rule = SEGPGD.make(batch, config) if kind == "segpgd" else PGD.make(batch, config)
        return _Towards(batch, rule) if kind == "asma" else rule


class _Towards(AttackRule):
    """ASMA's objective with another rule's steps."""

    def __init__(self, batch: AttackBatch, steps: AttackRule) -> None:
        self._objective, self._steps = ASMA.make(batch, DynamicConfig()), steps

    def logit_weights(self, state: AttackState) -> Tensor | None:
        return self._objective.logit_weights(state)

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        return self._steps.step(state, gradient)


def _batch(images: Tensor, target: Tensor) -> AttackBatch:
    """Return a batch as attacks take it; an image of void pixels alone is one too."""
    valid = target != VOID
    no_void = bool(valid.all())
    return AttackBatch(
        indices=torch.arange(len(images), device=images.device),
        images=images,
        target=target if no_void else target.where(valid, 0),
        valid=valid,
        region=torch.ones_like(images[:, :1], dtype=torch.bool),
        everywhere=True,
        no_void=no_void,
    )


def _started(batch: AttackBatch, norm: str, budget: float, rng: np.random.Generator) -> Tensor:
    """Return images at random places within the budget: any in Linf, in L2 any distance."""
    images = batch.images
    reach = torch.full((len(images),), budget, device=images.device)
    if norm == LINF:
        noise = torch.from_numpy(rng.uniform(-1.0, 1.0, images.shape).astype(np.float32))
        return project_linf(images + budget * noise.to(images), batch, reach, rounding=False)
    noise = torch.from_numpy(rng.standard_normal(images.shape, dtype=np.float32)).to(images)
    lengths = torch.from_numpy(rng.random(len(images)))
    factor = budget * lengths / norms(noise).clamp_min(1e-30).cpu()
    moved = images + noise * per_image(factor.to(images))
    return project_l2(moved, batch, reach, rounding=False)
