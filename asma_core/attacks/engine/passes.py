"""Forward and backward passes of a batch: gradients to the images, none to the weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, runtime_checkable

from asma_core.errors import ModelError
from asma_core.lazy import Tensor, torch

NO_GRADIENT: Final = (
    "the network has no gradient, so there is nothing to climb; check that its output is logits "
    "that hang on the image, and not a hard mask"
)


@runtime_checkable
class PerImageModel(Protocol):
    """A model that has a state for each image of a batch."""

    def select(self, rows: Tensor) -> None:
        """Go on with some rows, bool (B,)."""


def exact_of(model: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor] | None:
    """Return a network without its backend's rounding; None if it has none (`Backend.rounds`)."""
    if not getattr(model, "rounds", False):
        return None
    exact: Callable[[Tensor], Tensor] = model.exact  # type: ignore[attr-defined]
    return exact


class GradientPasses:
    """The passes of one attack: a backward pass goes through the last forward pass."""

    def __init__(self, model: Callable[[Tensor], Tensor]) -> None:
        """Prepare the passes of a model."""
        self._model = model
        self._exact = exact_of(model)
        self._images: Tensor | None = None
        self._logits: Tensor | None = None
        self._rows: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of a batch, without gradients; `backward` may follow.

        Args:
            images: (B, C, H, W).

        Returns:
            What the model returns; unchecked.
        """
        self._images, self._rows = images.detach().requires_grad_(), None
        self._logits = self._model(self._images)
        return self._logits.detach() if isinstance(self._logits, torch.Tensor) else self._logits

    def select(self, rows: Tensor) -> None:
        """Go on with some rows, bool (B,), of the last forward pass, and in those to come."""
        self._rows = rows
        if isinstance(self._model, PerImageModel):
            self._model.select(rows)
        if isinstance(self._logits, torch.Tensor):
            self._logits = self._logits[rows]

    @property
    def exact(self) -> Callable[[Tensor], Tensor] | None:
        """The network without its backend's rounding, for images (B, C, H, W); None if it is."""
        return self._exact

    def backward(self, weights: Tensor) -> Tensor:
        """Return the gradient of the weighted sum of the last logits in the images.

        Args:
            weights: Like the logits, of the rows that were selected.

        Raises:
            ModelError: The logits do not hang on the images.
        """
        logits, images = self._logits, self._images
        # The graph goes with the pass, before the next one needs the memory.
        self._logits = self._images = None
        if logits is None or images is None or not logits.requires_grad:
            raise ModelError(NO_GRADIENT)
        (gradient,) = torch.autograd.grad(logits, images, weights, materialize_grads=True)
        return gradient if self._rows is None else gradient[self._rows]
