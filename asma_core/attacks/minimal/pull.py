"""Which pixels pull, and how hard: the weights of the margins in the minimal-norm attack.

What is to be lowered is a smooth count of the pixels that are not at the target, weighed by what
each takes from the IoU. Everything is relative to the image's own margins and areas, so that no
network needs another number. How the shape was found: docs/decisions.md.
"""

from __future__ import annotations

from typing import Final

from asma_core.attacks.engine.batch import AttackBatch
from asma_core.attacks.engine.pixels import margin_weights, margins, typical_size
from asma_core.lazy import Tensor, torch

# In units of the image's median margin before the attack.
HEADROOM: Final = 0.02
WIDTH_FIRST: Final = 0.1
WIDTH_LAST: Final = 0.03
# After the first success a pixel that is this far from flipping pulls half as much, as the target
# IoU lets some stay wrong: the further the fewer may. At a target IoU of 1 none may.
HOPELESS: Final = 0.006
HOPELESS_LEAST: Final = 0.1


class Pull:
    """The weights of one batch; per image as everything here."""

    def __init__(self, batch: AttackBatch, target_iou: float) -> None:
        """Prepare the pull towards the target of a batch."""
        self._batch = batch
        free = max(1.0 - target_iou, 1e-9)
        self._hopeless = batch.images.new_full(
            (len(batch.images),), max(HOPELESS_LEAST, HOPELESS / free)
        )
        self._spread: Tensor | None = None
        self._shares: Tensor | None = None

    def logit_weights(
        self,
        logits: Tensor,
        progress: Tensor,
        close: Tensor,
        strayed: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Return the logit weights to ascend, and how far the pull says that there is to go.

        Args:
            logits: float32 (B, K, H, W).
            progress: float32 (B,), 0 where the search is coarse, 1 where it is fine.
            close: bool (B,), whether the image has been at the target: then pixels that are far
                from flipping pull less.
            strayed: bool (B,), whether it has lost the target for long: then twice as far counts
                as far from here on.

        Returns:
            float32 (B, K, H, W), and float32 (B,): the sum of pull times margin of wrong pixels.
        """
        margin, rivals = margins(logits, self._batch.target)
        if self._spread is None:
            self._spread = typical_size(margin, self._batch)
        spread = self._spread
        width = spread * (WIDTH_FIRST + (WIDTH_LAST - WIDTH_FIRST) * progress.view(-1, 1, 1))
        pull = torch.sigmoid((margin + HEADROOM * spread) / width)
        wrong = margin.clamp_min(0.0)
        self._hopeless = torch.where(strayed, 2.0 * self._hopeless, self._hopeless)
        reach = spread * self._hopeless.where(close, torch.inf).view(-1, 1, 1)
        far = wrong / reach
        pull = pull / far.square_().add_(1.0) * self._share_of(rivals, logits.shape[1])
        pull = pull * self._batch.valid
        left = (pull * wrong).flatten(1).sum(dim=1)
        return margin_weights(logits, self._batch.target, rivals, pull), left

    def select(self, rows: Tensor, batch: AttackBatch) -> None:
        """Go on with some rows, bool (B,), of which the batch is."""
        self._batch = batch
        self._hopeless = self._hopeless[rows]
        if self._spread is not None and self._shares is not None:
            self._spread, self._shares = self._spread[rows], self._shares[rows]

    def _share_of(self, rivals: Tensor, classes: int) -> Tensor:
        """Return how much a wrong pixel takes from the mean IoU, the most being 1: (B, H, W).

        It is one over the area of the smaller class that the pixel is wrong between.
        """
        target = self._batch.target
        if self._shares is None:
            counted = self._batch.valid.flatten(1).float()
            areas = counted.new_zeros(len(target), classes)
            areas.scatter_add_(1, target.flatten(1), counted)
            areas[:, 0] = areas[:, 1:].amax(dim=1)
            present = areas > 0
            smallest = areas.where(present, torch.inf).amin(dim=1, keepdim=True)
            self._shares = torch.where(present, smallest / areas, 1.0).nan_to_num(1.0, 1.0)
        if classes == 2:
            return self._shares.new_ones(())
        flat = self._shares.gather(1, target.flatten(1)).maximum(
            self._shares.gather(1, rivals.flatten(1))
        )
        return flat.view_as(target)
