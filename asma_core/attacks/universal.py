"""One change for all images: learned on some of them, so that it is there before the others come.

Source: Metzen et al., "Universal Adversarial Perturbations Against Semantic Image Segmentation",
ICCV 2017, arXiv:1704.05712: signed steps along the mean of the images' gradients of the
cross-entropy, within a Linf budget, towards a fixed mask or away. Deviations: each image's gradient
has unit mean size, so that no image drowns the others; a step sees a part of the images, by turns;
L2 too; steps fall to a tenth; there is no periodic tiling.

It is no attack of the registry: those make a change for each image, and their results are images.
An image of another size than the first one is given the change resized to it (bilinear), which no
Linf budget is exceeded by; in L2 it is shortened to the budget again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.batch import as_saved, make_batch, norms, per_image
from asma_core.attacks.engine.passes import GradientPasses
from asma_core.attacks.engine.pixels import entropy_weights
from asma_core.attacks.engine.projected import L2_BUDGET_RMS, LINF_BUDGET
from asma_core.attacks.settings import L2, LINF, norm_setting, steps_setting
from asma_core.errors import InputError
from asma_core.fields import AttackConfig, setting
from asma_core.lazy import Tensor, torch
from asma_core.models.wrapper.calls import borrowed, checked_logits

# Steps that together could cross the ball so often; the last is this share of the first.
CROSSINGS: Final = 5.0
LAST_STEP: Final = 0.1
SMALLEST: Final = 1e-30


@dataclass(frozen=True)
class UniversalConfig(AttackConfig):
    """Settings of the universal change."""

    steps: int = steps_setting(100, "Updates of the change.")
    norm: Literal["linf", "l2"] = norm_setting(LINF, "In which the budget is measured.")
    budget: float | None = setting(
        None,
        "Budget",
        "Largest norm of the change, in [0, 1] units. Automatic: 8/255 in Linf; in L2 a root mean "
        "square of 4/255 over all values.",
        minimum=0.0,
        maximum=1e4,
        open_minimum=True,
    )
    at_once: int = setting(
        4,
        "Images at a step",
        "How many of the images a step looks at; each in its turn.",
        minimum=1,
        maximum=1000,
        advanced=True,
    )


def learned(
    model: torch.nn.Module,
    images: Sequence[AttackInputs],
    config: UniversalConfig,
    away: bool,
    on_step: Callable[[int], None] = lambda _: None,
) -> Tensor:
    """Return a change that leads as many images as possible to their masks, or away from them.

    Args:
        model: Takes images and returns logits; left as it was found.
        images: One image each, of one number of channels; where a region is given it is not looked
            at.
        config: Of the change.
        away: Whether the masks are to be left.
        on_step: Gets the number of steps made.

    Returns:
        float32 (1, C, H, W) of the first image's size, within the budget.

    Raises:
        InputError: No image, images of several numbers of channels, or masks that do not fit.
        ModelError: The network has no gradient, or logits that are not finite.
    """
    check_channels(images)
    change = torch.zeros_like(images[0].images)
    budget = budget_of(change, config)
    count = min(config.at_once, len(images))
    rounds = -(-config.steps * count // len(images))
    turns = [row for _ in range(rounds) for row in torch.randperm(len(images)).tolist()]
    with borrowed(model), torch.inference_mode(False), torch.enable_grad():
        for step in range(config.steps):
            rows = turns[step * count : (step + 1) * count]
            way = torch.stack([_pull(model, images[row], change, away) for row in rows]).mean(dim=0)
            share = 1.0 - (1.0 - LAST_STEP) * step / max(config.steps - 1, 1)
            size = share * CROSSINGS * budget / config.steps
            change = within(change + size * _unit(way, config.norm), budget, config.norm)
            on_step(step + 1)
    return change


def check_channels(images: Sequence[AttackInputs]) -> None:
    """Check that one change can be for all images.

    Raises:
        InputError: There are none, or some are grey and some of colour.
    """
    channels = {one.images.shape[1] for one in images}
    if len(channels) != 1:
        told = " and ".join(map(str, sorted(channels))) or "no image"
        raise InputError(f"one change is for images of one number of channels, got {told}")


def budget_of(change: Tensor, config: UniversalConfig) -> float:
    """Return the budget of a change, (1, C, H, W), as given or automatic."""
    if config.budget is not None:
        return config.budget
    return LINF_BUDGET if config.norm == LINF else L2_BUDGET_RMS * float(change.numel()) ** 0.5


def _pull(model: torch.nn.Module, one: AttackInputs, change: Tensor, away: bool) -> Tensor:
    """Return an image's gradient in the change, at unit mean size, (1, C, H, W)."""
    batch, passes = make_batch(one), GradientPasses(model)
    leaf = change.detach().requires_grad_()
    moved = (batch.images + fitted(leaf, batch.images)).clamp(0.0, 1.0)
    logits = checked_logits(passes.forward(moved))
    pull = batch.valid.to(logits)
    gradient = passes.backward(entropy_weights(logits, batch.target, -pull if away else pull))
    (own,) = torch.autograd.grad(moved, leaf, gradient)
    return own / own.abs().mean().clamp_min(SMALLEST)


def _unit(way: Tensor, norm: str) -> Tensor:
    if norm == LINF:
        return way.sign()
    return way / per_image(norms(way).clamp_min(SMALLEST).to(way))


def within(change: Tensor, budget: float, norm: str) -> Tensor:
    """Return the nearest change, (1, C, H, W), within a budget."""
    if norm == LINF:
        return change.clamp(-budget, budget)
    length = float(norms(change)[0])
    return change * min(1.0, budget / max(length, SMALLEST))


def fitted(change: Tensor, image: Tensor) -> Tensor:
    """Return a change, (1, C, H, W), at the size of an image, (1, C, H', W')."""
    if change.shape[-2:] == image.shape[-2:]:
        return change
    size = tuple(image.shape[-2:])
    resized: Tensor = torch.nn.functional.interpolate(change, size=size, mode="bilinear")
    return resized


def changed(image: Tensor, change: Tensor, budget: float, norm: str) -> Tensor:
    """Return an image with the change, as it would be saved, (1, C, H, W) in [0, 1]."""
    own = within(fitted(change, image), budget, norm) if norm == L2 else fitted(change, image)
    return as_saved((image + own).clamp(0.0, 1.0))
