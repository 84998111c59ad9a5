"""The minimal-norm targeted attack: the smallest change whose saved file reaches the target.

Ours. It minimises the norm of the perturbation subject to the target IoU by steps along the
gradient of a smooth count of wrong pixels (`pull`), with momentum, each followed by a projection
onto a ball around the original whose radius is a state of its own: the decoupling of direction and
norm of Rony et al. (arXiv:1811.09600), who attack classifiers. What differs from it: the margin's
smooth count instead of cross-entropy; a ball of a few grey levels from the first step on, which is
only widened when the overlap stalls; shares of step and radius that fall with the steps made and
not with the budget; 8-bit rounding inside the loop; and for Linf a search over the whole grey
levels that a file can hold. How each part was found and what it gave: docs/decisions.md.

The loss is not convex, so what is found is an upper bound of the smallest change, not a proof.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from asma_core.attacks.contract import SMALLEST_CHANGE, AttackEntry
from asma_core.attacks.engine.batch import AttackBatch
from asma_core.attacks.engine.loop import AttackRule, AttackState, RuleAttack
from asma_core.attacks.minimal.l2 import ShrinkingBall
from asma_core.attacks.minimal.linf import FewerLevels
from asma_core.attacks.minimal.pull import Pull
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.attacks.settings import LINF
from asma_core.lazy import Tensor, torch


class Search(Protocol):
    """How the image moves and how far it may be from the original, per image.

    Attributes:
        progress: float32 (B,), how far the search is from coarse, 0, to fine, 1.
        close: bool (B,), whether the image has been at the target.
        strayed: bool (B,), whether it has just been without the target for too long: the pull then
            takes up what it had given up; in Linf it begins again at its nearest success.
    """

    progress: Tensor
    close: Tensor
    strayed: Tensor

    def update(self, state: AttackState) -> None:
        """Take in whether the images are at the target."""

    def step(self, state: AttackState, gradient: Tensor, left: Tensor) -> Tensor:
        """Return the next images; `left`, float32 (B,), is how far the pull has to go."""

    def converged(self, state: AttackState) -> Tensor:
        """Return bool (B,) on the CPU: nothing more is to be gained."""

    def select(self, rows: Tensor) -> None:
        """Go on with some rows, bool (B,)."""


class _Minimal(AttackRule):
    def __init__(self, batch: AttackBatch, config: MinimalConfig) -> None:
        self._pull = Pull(batch, config.target_iou)
        self._left = torch.zeros(len(batch.images))
        kind: Callable[[AttackBatch, MinimalConfig], Search] = ShrinkingBall
        if config.norm == LINF:
            kind = FewerLevels
        self._search = kind(batch, config)
        self._batch = batch

    def converged(self, state: AttackState) -> Tensor:
        """End images whose search gains nothing more."""
        self._search.update(state)
        return self._search.converged(state)

    def logit_weights(self, state: AttackState) -> Tensor:
        """Pull the wrong pixels."""
        search = self._search
        weights, self._left = self._pull.logit_weights(
            state.logits, search.progress, search.close, search.strayed
        )
        return weights

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """Step and project."""
        return self._search.step(state, gradient, self._left)

    def select(self, rows: Tensor) -> None:
        """Drop the state of the others."""
        self._batch = self._batch.select(rows)
        self._pull.select(rows, self._batch)
        self._search.select(rows)


MINIMAL: Final = RuleAttack(MinimalConfig, _Minimal, reduces=True)

ENTRY: Final = AttackEntry(
    "minimal",
    "Minimal",
    SMALLEST_CHANGE,
    "The smallest change whose saved file reaches the target, inside a ball around the original "
    "from the first step on; nothing is to be tuned.",
    "ours; direction and norm decoupled as in arXiv:1811.09600",
    MinimalConfig,
    MINIMAL,
    {"quick": {"steps": 100}},
)
