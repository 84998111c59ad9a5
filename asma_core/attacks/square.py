"""Square, the score-based black box: random squares of plus or minus the budget, kept if better.

Source: Andriushchenko et al., "Square Attack: a query-efficient black-box adversarial attack via
random search", ECCV 2020, arXiv:1912.00049, the Linf version, there for classifiers. Here the loss
is the sum of the pixels' cross-entropies with the mask. Deviations: all images of a batch are given
the same squares, so that a batch gives what single images give; an image stops at its first
success; the first query looks at the original.

A step is a query. No gradient is asked for, so it succeeds where a network only hides its
gradients, and is otherwise far weaker than the attacks that use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from asma_core.attacks.configs import LINF
from asma_core.attacks.engine.balls import check_budget, linf_bounds
from asma_core.attacks.engine.batch import Problem, per_image
from asma_core.attacks.engine.loop import Look, Method, MethodAttack
from asma_core.attacks.engine.pixels import seeded
from asma_core.attacks.engine.projected import budgets, chosen_budget
from asma_core.attacks.ensemble_configs import SquareConfig

# The share of the image that a square covers is halved at these shares of the queries (of 10 000
# in the paper).
HALVED_AT: Final = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


class _Squares(Method):
    needs_gradient: ClassVar[bool] = False

    def __init__(self, problem: Problem, config: SquareConfig) -> None:
        self._config = config
        self._sign = -1.0 if config.goal().away else 1.0
        self._budget = chosen_budget(problem, LINF, config.budget)
        check_budget(float(self._budget.min()), LINF, config.rounding)
        self._chosen = budgets(problem, self._budget)
        self._low, self._high = linf_bounds(problem, self._budget, config.rounding)
        self._generator = seeded()
        self._accepted = problem.images.clone()
        self._loss = problem.images.new_full((len(problem.images),), torch.inf)

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return the budget of each image."""
        return self._chosen

    def weights(self, look: Look) -> None:
        """Ask for no gradient."""

    def move(self, look: Look, gradient: Tensor) -> Tensor:
        """Keep the last proposal where it was better, and make the next one."""
        loss = self._loss_of(look)
        # The original is only looked at: the first proposal, of stripes, is taken in any case.
        better = loss < self._loss if look.step != 1 else torch.ones_like(loss, dtype=torch.bool)
        self._loss = torch.where(better, loss, self._loss)
        self._accepted = torch.where(per_image(better), look.images, self._accepted)
        proposed = self._stripes(look) if look.step == 0 else self._square(look)
        return proposed.clamp_(self._low, self._high)

    def _loss_of(self, look: Look) -> Tensor:
        entropy = cross_entropy(look.logits, look.problem.target, reduction="none")
        return self._sign * (entropy * look.problem.valid).flatten(1).sum(dim=1)

    def _signs(self, *shape: int) -> Tensor:
        return torch.randint(0, 2, shape, generator=self._generator) * 2.0 - 1.0

    def _stripes(self, look: Look) -> Tensor:
        channels, width = look.images.shape[1], look.images.shape[3]
        stripes = self._signs(1, channels, 1, width).to(look.images)
        return look.problem.images + per_image(self._budget) * stripes

    def _square(self, look: Look) -> Tensor:
        _, channels, height, width = look.images.shape
        side = self._side(look.step / look.steps, height, width)
        top = int(torch.randint(0, height - side + 1, (1,), generator=self._generator))
        left = int(torch.randint(0, width - side + 1, (1,), generator=self._generator))
        signs = self._signs(1, channels, 1, 1).to(look.images)
        proposed = self._accepted.clone()
        window = (..., slice(top, top + side), slice(left, left + side))
        proposed[window] = look.problem.images[window] + per_image(self._budget) * signs
        return proposed

    def _side(self, done: float, height: int, width: int) -> int:
        halvings = sum(done > share for share in HALVED_AT)
        area = self._config.first_share * height * width / 2**halvings
        return int(min(max(round(area**0.5), 1), height, width))


SQUARE: Final = MethodAttack(SquareConfig, _Squares)
