"""What a norm is to the search for the smallest change: its lengths, its steps, its first ball."""

from __future__ import annotations

from typing import ClassVar, Final

from asma_core.attacks.engine.balls import project_linf
from asma_core.attacks.engine.batch import AttackBatch, largest, norms, per_image
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.lazy import Tensor

LEVEL: Final = 1.0 / 255.0
# In Linf a value moves as far as its momentum is large, up to so many times the mean, and not
# further: its sign alone would move what hardly matters as far as what does.
CLIPPED: Final = 3.0
# Of a level: floats of levels are not exact.
ROUNDING_ERROR: Final = 1e-3


class Norm:
    """A norm, for the images of a batch.

    Attributes:
        memory: Of the momentum.
        levels_first: The first ball has this many grey levels, or
        distances_first: this many first-order distances to the target, whichever is less.
        levels_least: But at least this many levels.
        later: How much longer each look at whether to widen the ball waits once it was widened.
        level: float32 (B,), the length of a change of one grey level everywhere.
        smallest: Length of the smallest change that a file can have; 0 without rounding.
    """

    memory: ClassVar[float]
    levels_first: ClassVar[float]
    distances_first: ClassVar[float]
    levels_least: ClassVar[float]
    later: ClassVar[float]
    level: Tensor
    smallest: float

    def length(self, change: Tensor) -> Tensor:
        """Return the length of changes of images, (B,)."""
        raise RuntimeError(f"{type(self).__name__} has no length")

    def measured(self, images: Tensor, originals: Tensor) -> Tensor | None:
        """Return by what files are compared, (B,); None where every attack's figures have it."""
        return None

    def settle(self, change: Tensor, close: Tensor) -> Tensor:
        """Take in how images are now, and whether they have been at the target, bool (B,).

        Returns:
            (B,), the length of the changes, as it was before that.
        """
        return self.length(change)

    def steepest(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Return a gradient as the norm sees it, and how much is gained per length, (B,)."""
        raise RuntimeError(f"{type(self).__name__} has no steepest way")

    def moved(
        self, images: Tensor, batch: AttackBatch, direction: Tensor, stride: Tensor, radius: Tensor
    ) -> Tensor:
        """Return images, (B, C, H, W), moved within the ball.

        Args:
            images: Where they are now.
            batch: Of these images.
            direction: The momentum of `steepest` gradients, each divided by its gain.
            stride: float32 (B,), the length of the step.
            radius: float32 (B,), of the ball around the originals.
        """
        raise RuntimeError(f"{type(self).__name__} does not say how to move")


class Euclidean(Norm):
    """L2. See `Norm`."""

    memory: ClassVar[float] = 0.8
    levels_first: ClassVar[float] = 7.0
    distances_first: ClassVar[float] = 8.0
    levels_least: ClassVar[float] = 0.05
    later: ClassVar[float] = 1.0

    def __init__(self, batch: AttackBatch, config: MinimalConfig) -> None:
        """Take in how many values may change."""
        changeable = batch.region.flatten(1).sum(dim=1) * batch.images.shape[1]
        self.level = changeable.to(batch.images).sqrt() * LEVEL
        self.smallest = LEVEL if config.rounding else 0.0

    def length(self, change: Tensor) -> Tensor:
        """Return the Euclidean length."""
        return norms(change).to(change)

    def steepest(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradient and its length."""
        return gradient, norms(gradient).to(gradient)

    def moved(
        self, images: Tensor, batch: AttackBatch, direction: Tensor, stride: Tensor, radius: Tensor
    ) -> Tensor:
        """Step along the direction, keep to the box, and shorten the change to the radius."""
        change = self._stepped(images - batch.images, direction, per_image(stride))
        change.add_(batch.images).clamp_(0.0, 1.0).sub_(batch.images)
        length = self.length(change).clamp_min(1e-30)
        change.mul_(per_image((radius / length).clamp_max(1.0)))
        return change.add_(batch.images).clamp_(0.0, 1.0)

    def _stepped(self, change: Tensor, direction: Tensor, stride: Tensor) -> Tensor:
        """Return a change, which may be changed in place, after a step of (B, 1, 1, 1)."""
        return change.addcmul_(direction, stride)


class LargestValue(Norm):
    """Linf, of which a file has whole grey levels. See `Norm`."""

    memory: ClassVar[float] = 0.93
    levels_first: ClassVar[float] = 24.0
    distances_first: ClassVar[float] = 16.0
    levels_least: ClassVar[float] = 1.0
    later: ClassVar[float] = 1.5

    def __init__(self, batch: AttackBatch, config: MinimalConfig) -> None:
        """Take in whether only whole levels count."""
        self.level = batch.images.new_full((len(batch.images),), LEVEL)
        self.smallest = LEVEL if config.rounding else 0.0
        self._rounding = config.rounding

    def length(self, change: Tensor) -> Tensor:
        """Return the largest absolute value."""
        return largest(change)

    def steepest(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Return the gradient and the sum of its sizes: what a level more everywhere gains."""
        return gradient, gradient.abs().flatten(1).sum(dim=1)

    def moved(
        self, images: Tensor, batch: AttackBatch, direction: Tensor, stride: Tensor, radius: Tensor
    ) -> Tensor:
        """Step, each value as far as it matters, and clip to the radius."""
        typical = direction.abs().flatten(1).mean(dim=1).clamp_min(1e-30)
        step = (direction / per_image(CLIPPED * typical)).clamp_(-1.0, 1.0)
        moved = step.mul_(per_image(stride)).add_(images)
        if self._rounding:
            radius = (radius + ROUNDING_ERROR * LEVEL).clamp_min(LEVEL)
        return project_linf(moved, batch, radius.clamp_max(1.0), self._rounding)
