"""The L2 search of the minimal-norm attack: a ball that shrinks while the target is met."""

from __future__ import annotations

from typing import Final

from asma_core.attacks.engine.batch import AttackBatch, norms, per_image
from asma_core.attacks.engine.loop import AttackState, keep_rows
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.lazy import Tensor, torch

# Before the first success a step is this share of the image's first-order distance to the target,
# or of half its change so far where that is more.
APPROACH: Final = 0.25
# After it, of the radius: at first and at the end.
STEP_FIRST: Final = 0.1
STEP_LAST: Final = 0.01
# By how much the radius shrinks on success and grows on failure, at first and at the end.
SHRINK_FIRST: Final = 0.2
SHRINK_LAST: Final = 0.01
# The momentum is a mean of unit gradients; times this, steps that agree are longer than one.
STRIDE: Final = 3.0
MEMORY_BEFORE: Final = 0.75
MEMORY_AFTER: Final = 0.9
# Without success the approach is shortened when the overlap gets no better for so many steps.
PATIENCE: Final = 10
SHORTEN: Final = 0.7
# After it, who does not find back in so many steps begins again at its nearest success, with steps
# and radii that change by less.
FIND_BACK: Final = 10
CAUTION: Final = 0.6
# Nothing more is gained when the norm falls by less than this share over a quarter of the steps.
GAIN: Final = 1e-2


class ShrinkingBall:
    """The state of each image; see `minimal.Search`."""

    def __init__(self, batch: AttackBatch, config: MinimalConfig) -> None:
        """Start at the originals."""
        images, count = batch.images, len(batch.images)
        self._steps = config.steps
        self._momentum = torch.zeros_like(images)
        self._nearest = images.clone()
        self._failed = images.new_zeros(count)
        self._caution = images.new_ones(count)
        self._radius = images.new_full((count,), torch.inf)
        self._best = images.new_full((count,), torch.inf)
        self._first = images.new_full((count,), -1.0)
        self._distance = images.new_zeros(count)
        self._approach = images.new_full((count,), APPROACH)
        self._score = images.new_full((count,), -1.0)
        self._stale = images.new_zeros(count)
        self._gained_at = images.new_zeros(count)
        self._gained = images.new_full((count,), torch.inf)
        self._success = torch.zeros(count, dtype=torch.bool, device=images.device)
        self.progress = images.new_zeros(count)
        self.strayed = self._success.clone()
        self.close = self._success.clone()

    def select(self, rows: Tensor) -> None:
        """Go on with some rows."""
        keep_rows(self, rows)

    def update(self, state: AttackState) -> None:
        """Take in success, and how far the schedule is."""
        success = self._success = state.success.to(self.close.device)
        self._first = torch.where(success & ~self.close, float(state.step), self._first)
        self.close = self.close | success
        length = norms(state.shown - state.batch.images).to(self._best)
        nearer = success & (length < self._best)
        self._best = torch.where(nearer, length, self._best)
        self._nearest[nearer] = state.images[nearer]
        failed = torch.where(success | ~self.close, 0.0, self._failed + 1.0)
        self.strayed = failed >= FIND_BACK
        self._failed = torch.where(self.strayed, 0.0, failed)
        gains = self._best < (1.0 - GAIN) * self._gained
        self._gained = torch.where(gains, self._best, self._gained)
        self._gained_at = torch.where(gains, float(state.step), self._gained_at)
        rest = (self._steps - self._first).clamp_min(1.0)
        progress = (state.step - self._first) / rest
        self.progress = progress.clamp(0.0, 1.0) * self.close
        scores = state.scores.to(self._score)
        better = scores > self._score
        self._score = torch.where(better, scores, self._score)
        self._stale = torch.where(better | self.close, 0.0, self._stale + 1.0)
        tired = self._stale >= PATIENCE
        self._approach = torch.where(tired, self._approach * SHORTEN, self._approach)
        self._stale = torch.where(tired, 0.0, self._stale)

    def converged(self, state: AttackState) -> Tensor:
        """End an image whose norm has stopped falling, in the second half of the steps."""
        waited = state.step - self._gained_at >= max(0.25 * self._steps, 25.0)
        late = state.step >= 0.5 * self._steps
        return (self.close & waited).cpu() & late

    def step(self, state: AttackState, gradient: Tensor, left: Tensor) -> Tensor:
        """Step along the momentum, and shorten the change to the radius."""
        originals = state.batch.images
        lengths = norms(gradient).to(left).clamp_min(1e-30)
        if state.step == 0:
            self._distance = left / lengths
        change = self._found_back(state.images) - originals
        so_far = norms(change).to(left)
        memory = torch.where(self.close, MEMORY_AFTER, MEMORY_BEFORE).to(left)
        self._momentum.mul_(per_image(memory))
        self._momentum.addcmul_(gradient, per_image((1.0 - memory) / lengths))
        change.addcmul_(self._momentum, per_image(self._stride(so_far)))
        self._resize(so_far)
        length = norms(change).to(left).clamp_min(1e-30)
        change.mul_(per_image((self._radius / length).clamp_max(1.0)))
        return change.add_(originals).clamp_(0.0, 1.0)

    def _found_back(self, images: Tensor) -> Tensor:
        if not bool(self.strayed.any()):
            return images
        self._caution = torch.where(self.strayed, CAUTION * self._caution, self._caution)
        self._momentum.mul_(per_image((~self.strayed).to(images)))
        return torch.where(per_image(self.strayed), self._nearest, images)

    def _fade(self) -> Tensor:
        """Return 1 at the first success, falling to 0 along a cosine."""
        return 0.5 + 0.5 * torch.cos(torch.pi * self.progress)

    def _stride(self, so_far: Tensor) -> Tensor:
        before = self._approach * torch.maximum(self._distance, 0.5 * so_far)
        share = (STEP_LAST + (STEP_FIRST - STEP_LAST) * self._fade()) * self._caution
        radius = torch.where(torch.isfinite(self._radius), self._radius, so_far)
        return STRIDE * torch.where(self.close, share * radius, before)

    def _resize(self, so_far: Tensor) -> None:
        """Shrink the radius of who is at the target, let grow that of who has been."""
        by = (SHRINK_LAST + (SHRINK_FIRST - SHRINK_LAST) * self._fade()) * self._caution
        smaller = (1.0 - by) * torch.minimum(self._radius, so_far)
        larger = torch.minimum(self._radius * (1.0 + by), self._best)
        away = torch.where(self.close, larger, self._radius)
        again = torch.where(self.strayed, (1.0 - by) * self._best, away)
        self._radius = torch.where(self._success, smaller, again)
