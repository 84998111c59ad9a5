"""Several networks that answer as one: the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from asma_core.defences.averaging import mean_answer
from asma_core.models.wrapper.contract import SegmentationModel


class Members(nn.Module):
    """The bare network of an ensemble: each member sees the image in its own way.

    An attack goes through all of them, as the gradient does.
    """

    def __init__(self, members: Sequence[SegmentationModel]) -> None:
        """Take the members, which have the same classes."""
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logarithm of the mean probabilities, which are logits, float32 (B, K, H, W).

        Args:
            images: float32 (B, 1 or 3, H, W) in [0, 1].
        """
        return mean_answer(member(images) for member in self.members)
