"""The loop that every gradient attack shares: look, score, keep the best, step, drop who is done.

An attack is a `Method`: it says what to ascend and how to step. The loop does the rest, so that
the promises of `contract.Attack` are kept in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

import torch
from torch import Tensor, nn

from asma_core.attacks.configs import CommonConfig
from asma_core.attacks.contract import AttackResult, OnStep
from asma_core.attacks.engine.batch import (
    Problem,
    answer,
    as_saved,
    check_classes,
    make_problem,
    norms,
)
from asma_core.attacks.engine.passes import NO_GRADIENT, Passes
from asma_core.attacks.engine.tracker import Tracker
from asma_core.errors import InputError, ModelError
from asma_core.fields import AttackConfig
from asma_core.models.wrapper.contract import borrowed, checked_logits, predicted

# Below it a gradient counts as none: what divides by it would be infinite in float32.
SMALLEST_GRADIENT: Final = 1e-30


@dataclass(frozen=True)
class Look:
    """What an attack sees at a step, of the images still under attack.

    Attributes:
        step: Updates made so far.
        steps: Most updates.
        problem: Of these images.
        images: float32 (B, C, H, W), as the method left them.
        shown: The same as the network saw them: rounded to 8 bits if the config says so.
        logits: float32 (B, K, H', W'), of `shown`, without gradients.
        predictions: int64 (B, H', W').
        scores: float64 (B,) on the CPU: IoU with the target, or what stands for it.
        success: bool (B,) on the CPU.
    """

    step: int
    steps: int
    problem: Problem
    images: Tensor
    shown: Tensor
    logits: Tensor
    predictions: Tensor
    scores: Tensor
    success: Tensor


class Method:
    """What makes an attack an attack; its state is per image and lives as long as one batch.

    Attributes:
        keeps_shown: Whether the image that is kept is the one that the network saw, rounded,
            instead of the one that the method left.
        needs_gradient: Whether it ever asks for a gradient; a black box does not.
    """

    keeps_shown: ClassVar[bool] = True
    needs_gradient: ClassVar[bool] = True

    def eligible(self, step: int, steps: int) -> bool:
        """Return whether the images at a step may be kept; the originals always may."""
        return True

    def weights(self, look: Look) -> Tensor | None:
        """Return what the logits are weighted with: the sum to be ascended, (B, K, H', W').

        None asks for no gradient at this step, which then costs no evaluation.
        """
        raise RuntimeError(f"{type(self).__name__} does not say what to ascend")

    def move(self, look: Look, gradient: Tensor) -> Tensor:
        """Return the next images, float32 (B, C, H, W) in [0, 1], equal outside the region.

        Args:
            look: The step.
            gradient: Of the weighted sum in `look.shown`, 0 outside the region.
        """
        raise RuntimeError(f"{type(self).__name__} does not say how to step")

    def only(self, rows: Tensor) -> None:
        """Go on with some rows, bool (B,) on the CPU: drop the state of the others."""
        keep_rows(self, rows)

    def idle(self, look: Look) -> Tensor | None:
        """Return bool (B,) on the CPU: images for which nothing more is to be gained."""
        return None

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return what was chosen for each image, by its place in the batch that was given."""
        return {}


def keep_rows(state: object, rows: Tensor) -> None:
    """Keep some rows, bool (B,), of every tensor among an object's attributes, each (B, ...)."""
    for name, value in vars(state).items():
        if isinstance(value, Tensor):
            setattr(state, name, value[rows.to(value.device)])


Config = TypeVar("Config", bound=CommonConfig)


@dataclass(frozen=True)
class MethodAttack(Generic[Config]):
    """An attack by a method, called as `contract.Attack` says.

    Attributes:
        config: Class of its settings.
        make: Makes the method for the checked problem.
    """

    config: type[Config]
    make: Callable[[Problem, Config], Method]

    def __call__(
        self,
        model: nn.Module,
        images: Tensor,
        target_mask: Tensor,
        config: AttackConfig,
        *,
        valid_mask: Tensor | None = None,
        region_mask: Tensor | None = None,
        on_step: OnStep | None = None,
    ) -> list[AttackResult]:
        """Attack a batch; see `contract.Attack`."""
        if not isinstance(config, self.config):
            raise InputError(f"expected settings of {self.config.__name__}, got {config!r}")
        problem = make_problem(images, target_mask, valid_mask, region_mask)
        tracker = Tracker(problem, config, on_step)
        with borrowed(model), torch.inference_mode(False), torch.enable_grad():
            method = self.make(problem, config)
            _follow(Passes(model), problem, config, tracker, method)
        chosen = method.chosen()
        return tracker.results([chosen.get(index, {}) for index in range(len(images))])


def _follow(
    passes: Passes, problem: Problem, config: CommonConfig, tracker: Tracker, method: Method
) -> None:
    images = problem.images.clone()
    for step in range(config.steps + 1):
        look = _look(passes, problem, images, config, tracker, method, step)
        going = tracker.going(problem)
        if step == config.steps or tracker.cancelled or not going.any():
            return
        gradient = torch.zeros_like(images)
        weights = method.weights(look)
        if weights is not None:
            gradient = problem.within(checked_gradient(passes.backward(weights)))
            if tracker.spend(problem) == 1:
                check_not_flat(gradient[going])
        images = method.move(look, gradient)
        if not going.all():
            problem, images = problem.only(going), images[going]
            method.only(going)


def _look(
    passes: Passes,
    problem: Problem,
    images: Tensor,
    config: CommonConfig,
    tracker: Tracker,
    method: Method,
    step: int,
) -> Look:
    shown = as_saved(images) if config.rounding else images
    with torch.set_grad_enabled(method.needs_gradient):
        logits = answer(passes.forward, shown, problem)
    if step == 0:
        check_classes(problem, logits.shape[1])
    predictions = predicted(logits)
    kept = shown if method.keeps_shown else images
    if not problem.everywhere:
        # Rounding changes nothing outside the region, whatever the original holds there.
        kept = kept.where(problem.region, images)
    eligible = method.eligible(step, config.steps)

    def asked_again(rows: list[int]) -> Tensor:
        assert passes.exact is not None
        return predicted(checked_logits(passes.exact(shown[rows].detach())))

    recheck = None if passes.exact is None else asked_again
    scores = tracker.update(step, problem, kept, predictions, logits.shape[1], eligible, recheck)
    success = tracker.success(problem)
    look = Look(step, config.steps, problem, images, shown, logits, predictions, scores, success)
    idle = method.idle(look)
    if idle is not None:
        tracker.rest(problem, idle)
    return look


def check_not_flat(gradient: Tensor) -> None:
    """Check the first gradient of images that are not at the target.

    Raises:
        ModelError: An image has none.
    """
    if bool((norms(gradient) < SMALLEST_GRADIENT).any()):
        raise ModelError(NO_GRADIENT)


def checked_gradient(gradient: Tensor) -> Tensor:
    """Return a gradient.

    Raises:
        ModelError: It is NaN or infinite.
    """
    # The sum of values of which one is NaN or infinite is so too, and takes one look at each.
    if not bool(torch.isfinite(gradient.sum())):
        raise ModelError(
            "the network's gradient is NaN or infinite at this image; check its weights and layers"
        )
    return gradient
