"""A network as an attack sees it whose change shall survive what happens to files.

Source: Athalye, Engstrom, Ilyas and Kwok, "Synthesizing robust adversarial examples", ICML 2018,
arXiv:1707.07397: the gradient is the mean over random treatments (EOT). Deviations: a step has one
draw of each kind, and the image as it is, instead of independent draws of one mixture, as their
mean is off by less for as many passes. And the mean is weighted pixel by pixel towards the draws
that are furthest from the goal (as the min-max attacks of Wang et al., NeurIPS 2021,
arXiv:1906.03563, weight whole draws): with equal weights an attack that makes its change small
leaves the hardest draw to be outvoted by the others (docs/decisions.md).
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn

from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.treatments.registry import DRAWS, each_draw

# By so much, in logits, a draw must be further from the goal to weigh e times as much.
TEMPERATURE: Final = 0.3


class SurvivingModel(nn.Module):
    """A network that is searched through random treatments, and judged as it is.

    It belongs to one attack, as it knows where that shall lead.

    Attributes:
        base: The network itself, defended or not.
        random: That a search draws.
    """

    random = True

    def __init__(self, base: SegmentationModel, reference: Tensor, away: bool) -> None:
        """Stand before a network.

        Args:
            base: Not changed, but for the draws of a random defence; see `choose_draws`.
            reference: int64 (1, H, W): the target of the one image, or what the attack leads away
                from.
            away: Whether it leads away.
        """
        super().__init__()
        self.base = base
        self._reference = reference
        self._sign = 1.0 if away else -1.0

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits that count: those of the network itself, of the image as it is."""
        logits: Tensor = self.base(images)
        return logits

    def search(self, images: Tensor) -> Tensor:
        """Return logits as new draws say, those furthest from the goal most, (1, K, H, W)."""
        ask = self.base.search if isinstance(self.base, DefendedModel) else self.base
        said = torch.stack([logits.log_softmax(1) for logits in each_draw(ask, images)])
        weights = (self._sign * self._leads(said.detach()) / TEMPERATURE).softmax(0)
        return (weights * said).sum(0)

    def _leads(self, said: Tensor) -> Tensor:
        """Return by how much the reference's class leads, (N, 1, 1, H, W) of (N, 1, K, H, W)."""
        place = self._reference[None, :, None].expand(len(said), -1, -1, -1, -1)
        rivals = said.scatter(2, place, -torch.inf)
        return said.gather(2, place) - rivals.amax(2, keepdim=True)

    def choose_draws(self, images: Tensor) -> int:
        """Return how many answers a step asks for; what a random defence needs is shared out."""
        if not isinstance(self.base, DefendedModel):
            return DRAWS
        self.base.draws = -(-self.base.choose_draws(images) // DRAWS)
        return DRAWS * self.base.draws

    def seen_size(self, height: int, width: int) -> tuple[int, int] | None:
        """Return None: what happens to a file does not happen to a smaller one."""
        return None
