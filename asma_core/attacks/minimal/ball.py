"""The search of the minimal-norm attack: inside a ball from the first step on.

The ball has a few grey levels at first, so that the way cannot run away; it shrinks while the
target is met and grows by less while it is not. Steps are shares of the radius that fall with the
steps made, whatever the budget is: an attack that is cut off after 100 evaluations was at the same
place as one that goes on to 1,000. What a length is, and a step, its norm says (`norms.py`).
"""

from __future__ import annotations

import math
from typing import Final

from asma_core.attacks.engine.batch import AttackBatch, per_image
from asma_core.attacks.engine.loop import AttackState, keep_rows
from asma_core.attacks.minimal.norms import Norm
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.lazy import Tensor, torch

# A step as a share of the radius: at first, at last, after how many steps it is half way, and with
# which power of the steps it falls.
STEP_FIRST: Final = 0.6
STEP_LAST: Final = 0.02
HALF_WAY: Final = 20.0
POWER: Final = 1.5
# By which share of a step the radius shrinks on success, and grows on failure after one.
SHRINK: Final = 0.5
GROW: Final = 0.125
# Before a success the ball is widened when in so many steps the score has risen by less than this
# share of what is missing; the next look may then wait longer, as the norm says. A ball that was
# widened in vain, as the score has risen by less than the third number and the pull's way has not
# become shorter by the fourth share, goes back to where the score was best, and the next look waits
# for twice as long.
PATIENCE: Final = 10
SLOW: Final = 0.3
RISE: Final = 3e-3
SHORTER: Final = 0.02
WIDEN: Final = 1.5
# After so many steps in a row without the target the pull also takes up what was given up.
LOST: Final = 10
# It ends when the norm (before a success the rest of the score) has fallen by less than this share
# over the last fifth of the steps.
GAIN: Final = 0.02
LAST: Final = 0.2
FEWEST: Final = 100
# Floats of levels are not exact.
SAME: Final = 1.001


class ShrinkingBall:
    """How the image moves and how far it may be from the original, per image.

    Attributes:
        progress: float32 (B,), how far the search is from coarse, 0, to fine, 1.
        close: bool (B,), whether the image has been at the target.
        strayed: bool (B,), whether it has just been without the target for too long: the pull then
            takes up what it had given up.
    """

    def __init__(self, batch: AttackBatch, config: MinimalConfig, norm: Norm) -> None:
        """Start at the originals."""
        images, count = batch.images, len(batch.images)
        self._norm = norm
        self._momentum = torch.zeros_like(images)
        self._best = images.new_full((count,), torch.inf)
        self._length = images.new_zeros(count)
        self._radius = images.new_full((count,), torch.inf)
        self._top = images.new_full((count,), -1.0)
        self._top_radius = self._radius.clone()
        self._target = config.target_iou
        self._window_top = self._top.clone()
        self._way = self._radius.clone()
        self._window_way = self._radius.clone()
        self._stale = images.new_zeros(count)
        self._lost = images.new_zeros(count)
        self._patience = images.new_full((count,), float(PATIENCE))
        self._success = torch.zeros(count, dtype=torch.bool, device=images.device)
        self._widened = self._success.clone()
        self._unmoved = self._success.clone()
        self.close = self._success.clone()
        self.strayed = self._success.clone()
        self.progress = images.new_zeros(count)
        # What was left after each step: the norm, or before a success the score that is missing.
        self._left: list[tuple[Tensor, Tensor]] = []

    def select(self, rows: Tensor) -> None:
        """Go on with some rows."""
        keep_rows(self, rows)
        keep_rows(self._norm, rows)
        kept = rows.to(self._best.device)
        self._left = [(best[kept], rest[kept]) for best, rest in self._left]

    def update(self, state: AttackState) -> None:
        """Take in the scores, and how far the schedule is."""
        success = self._success = state.success.to(self.close.device)
        self.close = self.close | success
        self._lost = torch.where(success, 0.0, self._lost + self.close)
        self.strayed = self._lost >= LOST
        self._lost = torch.where(self.strayed, 0.0, self._lost)
        change = state.shown - state.batch.images
        length = self._length = self._norm.settle(change, self.close)
        self._unmoved = (length == 0.0) & (state.step > 0)
        self._best = torch.where(success & (length < self._best), length, self._best)
        scores = state.scores.to(self._top)
        risen = scores > self._top
        self._top_radius = torch.where(risen, self._radius, self._top_radius)
        self._top = torch.where(risen, scores, self._top)
        if state.step == 0:
            self._window_top = self._top
        self._stale = self._stale + 1.0
        self._left.append((self._best, 1.0 - self._top))
        self.progress.fill_((STEP_FIRST - _share(state.step)) / (STEP_FIRST - STEP_LAST))

    def converged(self, state: AttackState) -> Tensor:
        """End an image that gains nothing more, or whose change no file could make smaller."""
        least = self._best <= SAME * self._norm.smallest
        if state.step < FEWEST:
            return least.cpu()
        best, rest = self._left[round((1.0 - LAST) * state.step)]
        norm_falls = self._best < (1.0 - GAIN) * best
        score_rises = 1.0 - self._top < (1.0 - GAIN) * rest
        return (least | ~torch.where(self.close, norm_falls, score_rises)).cpu()

    def step(self, state: AttackState, gradient: Tensor, left: Tensor) -> Tensor:
        """Step along the momentum, within the ball."""
        norm = self._norm
        gradient, gains = norm.steepest(gradient)
        gains = gains.clamp_min(1e-30)
        if state.step == 0:
            widest = torch.minimum(
                norm.levels_first * norm.level, norm.distances_first * left / gains
            )
            self._radius = torch.maximum(widest, norm.levels_least * norm.level)
            self._top_radius = self._radius
            self._window_way = left
        self._way = torch.minimum(self._way, left)
        share = _share(state.step)
        self._resize(share)
        rest = per_image((1.0 - norm.memory) / gains)
        self._momentum.mul_(norm.memory).addcmul_(gradient, rest)
        radius = self._radius
        return norm.moved(state.images, state.batch, self._momentum, share * radius, radius)

    def _resize(self, share: float) -> None:
        """Shrink the radius of who is at the target; let grow that of who is not."""
        smaller = (1.0 - SHRINK * share) * torch.minimum(self._radius, self._length)
        larger = torch.minimum((1.0 + GROW * share) * self._radius, self._best)
        missed = torch.where(self.close, larger, self._widened_radius())
        # A change that is rounded away as a whole says nothing of what a larger one would do.
        missed = torch.where(self._unmoved, WIDEN * self._radius, missed)
        self._radius = torch.where(self._success, smaller, missed)

    def _widened_radius(self) -> Tensor:
        """Return the radius of images that have not been at the target."""
        ends = self._stale >= self._patience
        gain = self._top - self._window_top
        slow = ends & (gain < SLOW * (self._target - self._window_top))
        as_far = self._way > (1.0 - SHORTER) * self._window_way
        in_vain = slow & self._widened & (gain < RISE) & as_far
        self._window_top = torch.where(ends, self._top, self._window_top)
        self._window_way = torch.where(ends, self._way, self._window_way)
        self._stale = torch.where(ends, 0.0, self._stale)
        longer = torch.where(in_vain, 2.0, torch.where(slow, self._norm.later, 1.0))
        self._patience = longer * self._patience
        self._widened = torch.where(ends, slow & ~in_vain, self._widened)
        wider = torch.where(slow, WIDEN * self._radius, self._radius)
        return torch.where(in_vain, self._top_radius, wider)


def _share(step: int) -> float:
    """Return how long a step is, as a share of the radius."""
    return STEP_LAST + (STEP_FIRST - STEP_LAST) / (1.0 + math.pow(step / HALF_WAY, POWER))
