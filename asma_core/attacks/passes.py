"""Forward and backward passes of a batch, spread over the CPU's cores.

On a CPU, two halves of a batch on one core each are done sooner than the whole batch on both cores
in turn (docs/performance.md). On a GPU, and for little work, a batch stays in one piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final, Self

import torch
from torch import Tensor, nn

from asma_core.errors import ModelError

NO_GRADIENT: Final = (
    "the network has no gradient at this image, so there is nothing to climb; check that its "
    "output is logits and not a hard mask or saturated probabilities, and that the region matters"
)
# Values in a batch below which handing pieces to threads costs more than it gains.
LEAST_VALUES: Final = 2**18


class Passes:
    """The passes of one attack; a context manager, as it may own threads."""

    def __init__(self, model: nn.Module, images: Tensor) -> None:
        """Prepare the passes of a model over batches no larger than `images`, (B, C, H, W)."""
        self._model = model
        self._cores = torch.get_num_threads()
        worth = images.device.type == "cpu" and images.numel() >= LEAST_VALUES
        self._pieces = min(self._cores, len(images)) if worth else 1
        self._open = ExitStack()
        self._pool: ThreadPoolExecutor | None = None
        self._inputs: list[Tensor] = []
        self._logits: list[Tensor] = []

    def __enter__(self) -> Self:
        """Start the threads, one core each, if there are any."""
        if self._pieces > 1:
            pool = ThreadPoolExecutor(self._pieces, "passes", torch.set_num_threads, (1,))
            self._pool = self._open.enter_context(pool)
            # A thread that sets its own number sets the one for threads yet to come as well.
            self._open.callback(torch.set_num_threads, self._cores)
        return self

    def __exit__(self, *_: object) -> None:
        """End the threads."""
        self._inputs, self._logits = [], []
        self._open.close()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of a batch, without gradients; `backward` may follow.

        Args:
            images: (B, C, H, W).

        Returns:
            What the model returns; unchecked.
        """
        pieces = images.detach().tensor_split(min(self._pieces, len(images)))
        self._inputs = [piece.requires_grad_() for piece in pieces]
        self._logits = list(self._each(self._model, self._inputs))
        if not all(isinstance(logits, Tensor) for logits in self._logits):
            return self._logits[0]
        detached = [logits.detach() for logits in self._logits]
        return detached[0] if len(detached) == 1 else torch.cat(detached)

    def backward(self, weights: Tensor) -> Tensor:
        """Return the gradient of the weighted sum of the last logits in the images.

        Args:
            weights: Like the logits.

        Raises:
            ModelError: The logits do not hang on the images.
        """
        if not all(logits.requires_grad for logits in self._logits):
            raise ModelError(NO_GRADIENT)
        pieces = weights.tensor_split(len(self._logits))
        gradients = list(self._each(_gradient, self._logits, self._inputs, pieces))
        return gradients[0] if len(gradients) == 1 else torch.cat(gradients)

    def _each(self, call: Callable[..., Tensor], *columns: Iterable[Tensor]) -> Iterable[Tensor]:
        return map(call, *columns) if self._pool is None else self._pool.map(call, *columns)


def _gradient(logits: Tensor, images: Tensor, weights: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(logits, images, weights, materialize_grads=True)
    return gradient
