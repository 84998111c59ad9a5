"""The minimal-norm targeted attack: the smallest change whose saved file reaches the target.

Ours. It minimises the norm of the perturbation subject to the target IoU by steps along the
gradient of a smooth count of wrong pixels (`pull`), with momentum, each followed by a projection
onto a ball around the original whose radius is a state of its own: the decoupling of direction and
norm of Rony et al. (arXiv:1811.09600), who attack classifiers. What differs from it: the margin's
smooth count instead of cross-entropy; a ball of a few grey levels from the first step on, which is
only widened when the overlap stalls; shares of step and radius that fall with the steps made and
not with the budget; and 8-bit rounding inside the loop, for Linf in whole grey levels. How each
part was found and what it gave: docs/decisions.md.

The loss is not convex, so what is found is an upper bound of the smallest change, not a proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from asma_core.attacks.contract import SMALLEST_CHANGE, AttackEntry
from asma_core.attacks.engine.batch import AttackBatch
from asma_core.attacks.engine.loop import AttackRule, AttackState, RuleAttack
from asma_core.attacks.minimal.ball import ShrinkingBall
from asma_core.attacks.minimal.colours import ColourDifference
from asma_core.attacks.minimal.norms import Euclidean, LargestValue, Norm
from asma_core.attacks.minimal.pull import Pull
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.attacks.settings import CIEDE2000, L2, LINF
from asma_core.lazy import Tensor, torch

_MEASURES: Final[Mapping[str, Callable[[AttackBatch, MinimalConfig], Norm]]] = {
    L2: Euclidean,
    LINF: LargestValue,
    CIEDE2000: ColourDifference,
}


class _Minimal(AttackRule):
    def __init__(self, batch: AttackBatch, config: MinimalConfig) -> None:
        self._pull = Pull(batch, config.target_iou)
        self._left = torch.zeros(len(batch.images))
        self._norm = _MEASURES[config.norm](batch, config)
        self._search = ShrinkingBall(batch, config, self._norm)
        self._batch = batch

    def converged(self, state: AttackState) -> Tensor:
        """End images whose search gains nothing more."""
        self._search.update(state)
        return self._search.converged(state)

    def measured(self, images: Tensor, originals: Tensor) -> Tensor | None:
        """Return by what files are compared, where it is the norm's own."""
        return self._norm.measured(images, originals)

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
