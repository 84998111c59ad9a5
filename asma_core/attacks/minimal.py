"""The minimal-norm targeted attack: the smallest change whose saved file reaches the target.

Ours. It minimises the norm of the perturbation subject to the target IoU by steps along the
gradient of a smooth count of wrong pixels (`minimal_pull`), with momentum, each followed by a
projection onto a ball around the original whose radius is a state of its own: the decoupling of
direction and norm of Rony et al. (arXiv:1811.09600), who attack classifiers. What differs from it:
the margin's smooth count instead of cross-entropy; step lengths from the image's own first-order
distance and radius instead of constants; radii that shrink by less and less; 8-bit rounding inside
the loop; and for Linf a search over the whole grey levels that a file can hold. How each part was
found and what it gave: docs/decisions.md.

The loss is not convex, so what is found is an upper bound of the smallest change, not a proof.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import torch
from torch import Tensor

from asma_core.attacks.configs import LINF
from asma_core.attacks.engine.batch import Problem
from asma_core.attacks.engine.loop import Look, Method, MethodAttack
from asma_core.attacks.minimal_configs import MinimalConfig
from asma_core.attacks.minimal_l2 import ShrinkingBall
from asma_core.attacks.minimal_linf import FewerLevels
from asma_core.attacks.minimal_pull import Pull


class Search(Protocol):
    """How the image moves and how far it may be from the original, per image.

    Attributes:
        progress: float32 (B,), 0 at the first success, 1 at the end of the steps.
        close: bool (B,), whether the image has been at the target.
        strayed: bool (B,), whether it has just been given up to find back: it begins again at its
            nearest success.
    """

    progress: Tensor
    close: Tensor
    strayed: Tensor

    def look(self, look: Look) -> None:
        """Take in whether the images are at the target."""

    def move(self, look: Look, gradient: Tensor, left: Tensor) -> Tensor:
        """Return the next images; `left`, float32 (B,), is how far the pull has to go."""

    def idle(self, look: Look) -> Tensor:
        """Return bool (B,) on the CPU: nothing more is to be gained."""

    def only(self, rows: Tensor) -> None:
        """Go on with some rows, bool (B,)."""


class _Minimal(Method):
    def __init__(self, problem: Problem, config: MinimalConfig) -> None:
        self._pull = Pull(problem, config.target_iou)
        self._left = torch.zeros(len(problem.images))
        kind: Callable[[Problem, MinimalConfig], Search] = ShrinkingBall
        if config.norm == LINF:
            kind = FewerLevels
        self._search = kind(problem, config)
        self._problem = problem

    def idle(self, look: Look) -> Tensor:
        """End images whose search gains nothing more."""
        self._search.look(look)
        return self._search.idle(look)

    def weights(self, look: Look) -> Tensor:
        """Pull the wrong pixels."""
        search = self._search
        weights, self._left = self._pull.weights(
            look.logits, search.progress, search.close, search.strayed
        )
        return weights

    def move(self, look: Look, gradient: Tensor) -> Tensor:
        """Step and project."""
        return self._search.move(look, gradient, self._left)

    def only(self, rows: Tensor) -> None:
        """Drop the state of the others."""
        self._problem = self._problem.only(rows)
        self._pull.only(rows, self._problem)
        self._search.only(rows)


MINIMAL: Final = MethodAttack(MinimalConfig, _Minimal)
