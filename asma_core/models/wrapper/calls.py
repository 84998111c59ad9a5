"""Calling a network: lending it, checking its logits, reading labels from them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from asma_core.errors import ModelError
from asma_core.lazy import Tensor, torch


def checked_logits(logits: Tensor) -> Tensor:
    """Return the logits (B, K, H', W').

    Raises:
        ModelError: NaN or infinite, another shape, or one class only.
    """
    checked = checked_shape(logits)
    if not is_finite(checked):
        raise ModelError(
            "the network answered NaN or infinite logits; check its weights and its normalisation"
        )
    return checked


def is_finite(values: Tensor) -> bool:
    """Tell whether no value is NaN or infinite."""
    # Both are NaN if any value is. One look at each, and no copy, as a sum in float64 makes.
    smallest, largest = torch.aminmax(values.detach())
    return bool(torch.isfinite(smallest) & torch.isfinite(largest))


def checked_shape(answer: object, classes: int | None = None) -> Tensor:
    """Return a network's answer as logits (B, K, H', W').

    Args:
        answer: What the network returned.
        classes: K; at least two unless given.

    Raises:
        ModelError: No tensor of floats, or another shape.
    """
    told = "K >= 2" if classes is None else f"K = {classes}"
    got = type(answer).__name__
    if isinstance(answer, torch.Tensor):
        got = f"{answer.dtype} {tuple(answer.shape)}"
        fits = answer.ndim == 4 and answer.shape[1] >= 2 and answer.is_floating_point()
        if fits and classes in (None, answer.shape[1]):
            return answer
    raise ModelError(
        f"expected logits of float (B, K, H, W) with {told}, got {got}; "
        "wrap the network so that it returns them"
    )


def predicted(logits: Tensor) -> Tensor:
    """Return the labels, int64 (B, H, W), of logits (B, K, H, W); the lower class wins a tie."""
    if logits.shape[1] == 2:
        return (logits[:, 1] > logits[:, 0]).long()
    # On a CPU, argmax over a dimension that is not the last is 20 times slower than max.
    labels: Tensor = logits.max(dim=1).indices
    return labels


@contextmanager
def borrowed(model: torch.nn.Module) -> Iterator[None]:
    """Lend a model in evaluation mode without gradients to its weights; give it back as it was."""
    modes = [(module, module.training) for module in model.modules()]
    wanted = [(weight, weight.requires_grad) for weight in model.parameters()]
    model.eval()
    model.requires_grad_(False)
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        for weight, requires_grad in wanted:
            weight.requires_grad_(requires_grad)
