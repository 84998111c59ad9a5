"""A network of which an attack sees the labels alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from asma_core.attacks.engine.passes import exact_of
from asma_core.models.wrapper.calls import checked_shape, predicted


class LabelsOnly(nn.Module):
    """Answers 1 for the class of each pixel and 0 for the others, whatever the logits were.

    NaN and infinite logits stay what they are, so that a network that fails is seen to fail.

    Attributes:
        network: The network, as it is run.
    """

    def __init__(self, network: nn.Module) -> None:
        """Stand before a network."""
        super().__init__()
        self.network = network
        self._exact = exact_of(network)

    @property
    def rounds(self) -> bool:
        """Whether its labels can differ from those by which the network is judged."""
        return self._exact is not None

    def forward(self, images: Tensor) -> Tensor:
        """Return float (B, K, H', W') of images, float32 (B, C, H, W)."""
        return _hard(self.network(images))

    def exact(self, images: Tensor) -> Tensor:
        """Return the same by the network without its backend's rounding."""
        assert self._exact is not None
        return _hard(self._exact(images))


def _hard(logits: Tensor) -> Tensor:
    checked = checked_shape(logits)
    # 0 times a logit is 0, but for those that are not finite.
    nothing = 0.0 * checked
    return nothing.scatter_add(1, predicted(checked)[:, None], torch.ones_like(checked[:, :1]))
