"""The loop that every gradient attack shares: look, score, keep the best, step, drop who is done.

An attack is a `AttackRule`: it says what to ascend and how to step. The loop does the rest, so that
the promises of `contract.Attack` are kept in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from asma_core.attacks.contract import (
    CONVERGED,
    NETWORK_FAILED,
    NO_GRADIENT,
    AttackInputs,
    AttackResult,
    OnStep,
)
from asma_core.attacks.engine.batch import (
    AttackBatch,
    as_saved,
    check_classes,
    forward,
    make_batch,
    norms,
    per_image,
)
from asma_core.attacks.engine.large_files import reduced
from asma_core.attacks.engine.passes import GradientPasses
from asma_core.attacks.engine.tracker import Tracker
from asma_core.attacks.settings import CommonConfig
from asma_core.errors import InputError
from asma_core.fields import AttackConfig
from asma_core.lazy import Tensor, torch
from asma_core.models.wrapper.calls import borrowed, checked_logits, is_finite, predicted

# Below it a gradient counts as none: what divides by it would be infinite in float32.
SMALLEST_GRADIENT: Final = 1e-30


@dataclass(frozen=True)
class AttackState:
    """What an attack sees at a step, of the images still under attack.

    Attributes:
        step: Updates made so far.
        steps: Most updates.
        batch: Of these images.
        images: float32 (B, C, H, W), as the rule left them.
        shown: The same as the network saw them: rounded to 8 bits if the config says so.
        logits: float32 (B, K, H', W'), of `shown`, without gradients.
        predictions: int64 (B, H', W').
        scores: float64 (B,) on the CPU: IoU with the target, or what stands for it.
        success: bool (B,) on the CPU.
    """

    step: int
    steps: int
    batch: AttackBatch
    images: Tensor
    shown: Tensor
    logits: Tensor
    predictions: Tensor
    scores: Tensor
    success: Tensor


class AttackRule:
    """What makes an attack an attack; its state is per image and lives as long as one batch.

    Attributes:
        keeps_shown: Whether the image that is kept is the one that the network saw, rounded,
            instead of the one that the rule left.
        needs_gradient: Whether it ever asks for a gradient; a black box does not.
    """

    keeps_shown: ClassVar[bool] = True
    needs_gradient: ClassVar[bool] = True

    def eligible(self, step: int, steps: int) -> bool:
        """Return whether the images at a step may be kept; the originals always may."""
        return True

    def logit_weights(self, state: AttackState) -> Tensor | None:
        """Return what the logits are weighted with: the sum to be ascended, (B, K, H', W').

        None asks for no gradient at this step, which then costs no evaluation.
        """
        raise RuntimeError(f"{type(self).__name__} does not say what to ascend")

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """Return the next images, float32 (B, C, H, W) in [0, 1], equal outside the region.

        Args:
            state: What the step begins with.
            gradient: Of the weighted sum in `state.shown`, 0 outside the region.
        """
        raise RuntimeError(f"{type(self).__name__} does not say how to step")

    def select(self, rows: Tensor) -> None:
        """Go on with some rows, bool (B,) on the CPU: drop the state of the others."""
        keep_rows(self, rows)

    def converged(self, state: AttackState) -> Tensor | None:
        """Return bool (B,) on the CPU: images for which nothing more is to be gained."""
        return None

    def measured(self, images: Tensor, originals: Tensor) -> Tensor | None:
        """Return by what files are compared, (B,), where none of every attack's figures is it."""
        return None

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return what was chosen for each image, by its place in the batch that was given."""
        return {}


def keep_rows(state: object, rows: Tensor) -> None:
    """Keep some rows, bool (B,), of every tensor among an object's attributes, each (B, ...)."""
    for name, value in vars(state).items():
        if isinstance(value, torch.Tensor):
            setattr(state, name, value[rows.to(value.device)])


Config = TypeVar("Config", bound=CommonConfig)


@dataclass(frozen=True)
class RuleAttack(Generic[Config]):
    """An attack by a rule, called as `contract.Attack` says.

    Attributes:
        config: Class of its settings.
        make: Makes the rule for the checked batch.
        reduces: Whether it may move a large file's change at the size that the network sees; not
            for what compares itself with the file's own values.
        through: Stands something between the network and the attack, as the config says; what it
            stands there may have the network's `exact`, as a backend has (`exact_of`).
    """

    config: type[Config]
    make: Callable[[AttackBatch, Config], AttackRule]
    reduces: bool = False
    through: Callable[[torch.nn.Module, Config], torch.nn.Module] | None = None

    def __call__(
        self,
        model: torch.nn.Module,
        inputs: AttackInputs,
        config: AttackConfig,
        *,
        on_step: OnStep | None = None,
    ) -> list[AttackResult]:
        """Attack a batch; see `contract.Attack`."""
        if not isinstance(config, self.config):
            raise InputError(f"expected settings of {self.config.__name__}, got {config!r}")
        batch = make_batch(inputs)
        model = model if self.through is None else self.through(model, config)
        smaller = reduced(model, batch, config, on_step) if self.reduces else None
        network: Callable[[Tensor], Tensor] = model
        if smaller is None:
            tracker = Tracker(batch, config, on_step)
        else:
            network, batch, config = smaller.network, smaller.batch, smaller.config
            tracker = smaller.tracker
        with borrowed(model), torch.inference_mode(False), torch.enable_grad():
            rule = self.make(batch, config)
            _follow(GradientPasses(network), batch, config, tracker, rule)
        chosen = rule.chosen()
        return tracker.results([chosen.get(index, {}) for index in range(len(batch.images))])


def _follow(
    passes: GradientPasses,
    batch: AttackBatch,
    config: CommonConfig,
    tracker: Tracker,
    rule: AttackRule,
) -> None:
    images = batch.images.clone()
    for step in range(config.steps + 1):
        state = _observe(passes, batch, images, config, tracker, rule, step)
        if state is None:
            return
        batch, images = state.batch, state.images
        going = tracker.going(batch)
        if step == config.steps or tracker.cancelled or not going.any():
            return
        gradient = torch.zeros_like(images)
        weights = rule.logit_weights(state)
        if weights is not None:
            first = tracker.spend(batch) == 1
            gradient = _usable(passes.backward(weights), batch, tracker, first)
            going = tracker.going(batch)
            if not going.any():
                return
        images = rule.step(state, gradient)
        if not going.all():
            batch, images = batch.select(going), images[going]
            rule.select(going)
            passes.select(going)


def _usable(gradient: Tensor, batch: AttackBatch, tracker: Tracker, first: bool) -> Tensor:
    """Return a gradient within the region, 0 where it is not finite; such images end.

    So do those whose first gradient is 0: there is nothing to climb.
    """
    if not is_finite(gradient):
        fine = _finite_rows(gradient)
        tracker.end(batch, ~fine, NETWORK_FAILED)
        gradient = gradient.where(per_image(fine), 0.0)
    gradient = batch.within(gradient)
    flat = norms(gradient) < SMALLEST_GRADIENT
    tracker.count_flat(batch, flat)
    if first:
        tracker.end(batch, flat, NO_GRADIENT)
    return gradient


def _finite_rows(values: Tensor) -> Tensor:
    """Return bool (B,): which rows of (B, ...) have neither NaN nor infinite values."""
    return torch.isfinite(values.detach()).flatten(1).all(dim=1)


def _observe(
    passes: GradientPasses,
    batch: AttackBatch,
    images: Tensor,
    config: CommonConfig,
    tracker: Tracker,
    rule: AttackRule,
    step: int,
) -> AttackState | None:
    """Take in how the images are; None when the network fails for all of them."""
    shown = as_saved(images) if config.rounding else images
    with torch.set_grad_enabled(rule.needs_gradient):
        logits = forward(passes.forward, shown, batch)
    if step == 0:
        check_classes(batch, checked_logits(logits).shape[1])
    elif not is_finite(logits):
        fine = _finite_rows(logits)
        tracker.end(batch, ~fine, NETWORK_FAILED)
        if not fine.any():
            return None
        batch, images, shown, logits = batch.select(fine), images[fine], shown[fine], logits[fine]
        passes.select(fine)
        rule.select(fine.cpu())
    predictions = predicted(logits)
    kept = shown if rule.keeps_shown else images
    if not batch.everywhere:
        # Rounding changes nothing outside the region, whatever the original holds there.
        kept = kept.where(batch.region, images)
    eligible = rule.eligible(step, config.steps)

    def asked_again(rows: list[int]) -> Tensor:
        assert passes.exact is not None
        return predicted(checked_logits(passes.exact(shown[rows].detach())))

    recheck = None if passes.exact is None else asked_again
    measured = rule.measured(kept, batch.images)
    scores = tracker.update(
        step, batch, kept, predictions, logits.shape[1], eligible, recheck, measured
    )
    success = tracker.success(batch)
    state = AttackState(
        step, config.steps, batch, images, shown, logits, predictions, scores, success
    )
    converged = rule.converged(state)
    if converged is not None:
        tracker.end(batch, converged, CONVERGED)
    return state
