"""The Linf search of the minimal-norm attack: fewer and fewer grey levels.

A file's Linf norm is a whole number of levels, so the search is over whole numbers: after a first
success each try has some steps to reach the target within a given number of levels. A try that
succeeds lowers the upper end, one that does not raises the lower end, and the next try lies
between. Without rounding the levels are finer.
"""

from __future__ import annotations

from typing import Final

from asma_core.attacks.engine.balls import project_linf
from asma_core.attacks.engine.batch import AttackBatch, largest, per_image
from asma_core.attacks.engine.loop import AttackState, keep_rows
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.lazy import Tensor, torch

# Levels of one 8-bit step; finer without rounding.
LEVELS: Final = 255.0
FINER: Final = 32.0
# Before the first success a step is this share of the first-order distance to the target.
APPROACH: Final = 0.25
# Within a try, of the radius, falling as the try goes on.
STEP_FIRST: Final = 0.5
STEP_LAST: Final = 0.1
# The first try after a success is at this share of the levels that it had.
SHRINK: Final = 0.7
# Steps of a try; twice as many each time that one level less than enough was too few, and it ends
# when even so many more were in vain.
SHORTEST_TRY: Final = 16
LONGEST_TRY: Final = 64
MEMORY: Final = 0.75


class FewerLevels:
    """The state of each image; see `minimal.Search`. Norms are in levels."""

    def __init__(self, batch: AttackBatch, config: MinimalConfig) -> None:
        """Start at the originals."""
        images, count = batch.images, len(batch.images)
        self._rounding = config.rounding
        self._levels = LEVELS * (1.0 if config.rounding else FINER)
        self._try = images.new_full((count,), float(SHORTEST_TRY))
        self._momentum = torch.zeros_like(images)
        self._nearest = images.clone()
        # The fewest levels that were enough, the most that were not, and those tried now.
        self._enough = images.new_full((count,), torch.inf)
        self._too_few = images.new_zeros(count)
        self._now = images.new_full((count,), torch.inf)
        self._tried = images.new_zeros(count)
        self._distance = images.new_zeros(count)
        self.strayed = torch.zeros(count, dtype=torch.bool, device=images.device)
        self.progress = images.new_zeros(count)
        self.close = self.strayed.clone()

    def select(self, rows: Tensor) -> None:
        """Go on with some rows."""
        keep_rows(self, rows)

    def update(self, state: AttackState) -> None:
        """Take in success, and set the levels of the next try where one has ended."""
        success = state.success.to(self.close.device)
        change = largest(state.shown - state.batch.images)
        levels = (change * self._levels - 1e-3).ceil()
        # A change that is rounded away as a whole: the distance was too short to tell.
        unmoved = (change == 0.0) & (state.step > 0)
        self._distance = torch.where(unmoved, 2.0 * self._distance, self._distance)
        nearer = success & (levels < self._enough)
        self._enough = torch.where(nearer, levels, self._enough)
        self._nearest[nearer] = state.images[nearer]
        self.close = self.close | success
        failed = self.close & ~success & (self._tried >= self._try)
        self._too_few = torch.where(failed, torch.maximum(self._too_few, self._now), self._too_few)
        ended = nearer | failed
        met = failed & (self._enough - self._too_few <= 1.0)
        self._try = torch.where(met, 2.0 * self._try, self._try)
        self._now = torch.where(ended, self._next(failed), self._now)
        self.strayed = failed
        self._tried = torch.where(ended, 0.0, self._tried + self.close)
        self.progress = (self._tried / self._try).clamp(0.0, 1.0) * self.close

    def _next(self, failed: Tensor) -> Tensor:
        """Return the levels to try next: between what was too few and what was enough."""
        known = self._too_few > 0
        middle = ((self._too_few + self._enough) / 2).floor()
        lower = torch.where(known, middle, (SHRINK * self._enough).floor())
        # When both ends meet, what was too few is tried once more: a try proves nothing.
        return torch.minimum(lower, self._enough - 1).clamp_min(1.0)

    def converged(self, state: AttackState) -> Tensor:
        """End who needs a single level, below which no file can change, or has tried for long."""
        return ((self._enough <= 1.0) | (self._try > LONGEST_TRY)).cpu()

    def step(self, state: AttackState, gradient: Tensor, left: Tensor) -> Tensor:
        """Step along the sign of the momentum, and clip to the levels of this try."""
        lengths = gradient.abs().flatten(1).sum(dim=1).to(left).clamp_min(1e-30)
        if state.step == 0:
            self._distance = left / lengths
        self._momentum.mul_(MEMORY).addcmul_(gradient, per_image((1.0 - MEMORY) / lengths))
        images = state.images
        if bool(self.strayed.any()):
            # A failed try may have strayed: the next begins at the nearest success.
            images = torch.where(per_image(self.strayed), self._nearest, images)
        reach = self._now / self._levels
        share = STEP_FIRST + (STEP_LAST - STEP_FIRST) * self.progress
        stride = torch.where(self.close, share * reach, APPROACH * self._distance)
        moved = images + per_image(stride) * self._momentum.sign()
        return project_linf(moved, state.batch, reach.clamp_max(1.0), self._rounding)
