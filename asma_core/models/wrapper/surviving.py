"""A network as an attack sees it whose change shall survive what happens to files.

Source: Athalye, Engstrom, Ilyas and Kwok, "Synthesizing robust adversarial examples", ICML 2018,
arXiv:1707.07397: the gradient is the mean over random treatments (EOT). Deviation: a step has one
draw of each kind, and the image as it is, instead of independent draws of one mixture; their mean
is off by less for as many passes.
"""

from __future__ import annotations

from functools import lru_cache

from torch import Tensor, nn

from asma_core.defences.averaging import mean_answer
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.treatments.registry import DRAWS, each_draw


class SurvivingModel(nn.Module):
    """A network that is searched through random treatments, and judged as it is.

    Attributes:
        base: The network itself, defended or not.
        random: That a search draws.
    """

    random = True

    def __init__(self, base: SegmentationModel) -> None:
        """Stand before a network.

        Args:
            base: Not changed, but for the draws of a random defence; see `choose_draws`.
        """
        super().__init__()
        self.base = base

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits that count: those of the network itself, of the image as it is."""
        logits: Tensor = self.base(images)
        return logits

    def search(self, images: Tensor) -> Tensor:
        """Return logits as the mean over new draws says, (B, K, H, W)."""
        ask = self.base.search if isinstance(self.base, DefendedModel) else self.base
        return mean_answer(each_draw(ask, images))

    def choose_draws(self, images: Tensor) -> int:
        """Return how many answers a step asks for; what a random defence needs is shared out."""
        if not isinstance(self.base, DefendedModel):
            return DRAWS
        self.base.draws = -(-self.base.choose_draws(images) // DRAWS)
        return DRAWS * self.base.draws

    def seen_size(self, height: int, width: int) -> tuple[int, int] | None:
        """Return None: what happens to a file does not happen to a smaller one."""
        return None


@lru_cache(maxsize=4)
def made_to_survive(model: SegmentationModel) -> SurvivingModel:
    """Return a network as such an attack sees it; the last few are kept, as backends are."""
    return SurvivingModel(model).eval()
