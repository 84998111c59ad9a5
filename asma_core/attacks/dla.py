"""DLA, the black box that sees labels alone: stripes of plus or minus the budget, parts turned.

Source: Chen et al., "Delving into Decision-based Black-box Attacks on Semantic Segmentation",
arXiv:2402.01220, the Discrete Linear Attack. A change holds plus or minus the budget everywhere
(discrete noise); it is explored with random stripes across the whole image (linear noise), then
calibrated by turning the sign of smaller and smaller parts; a proposal is kept where a proxy of the
whole prediction, computed from labels alone, gets no worse. It is written from what the paper says,
not from its code. Deviations:

- The proxy is what the run is judged by (IoU with the target, structure removed, IoU lost); of two
  alike the one with more pixels at the goal is better. The paper's attack is untargeted, and its
  proxy is the mIoU.
- The parts are halves, quarters and so on of the image, a channel each, all of one size in random
  order before the next size; when a part is a pixel it begins again. The budget of queries decides
  how far that comes.
- All images of a batch are given the same proposals, so that a batch gives what single images give;
  an image stops at its first success; the first query looks at the original.

A step is a query. What the network says goes through `LabelsOnly`, so that no logit can be used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Final

from asma_core.attacks.contract import BLACK_BOX, AttackEntry
from asma_core.attacks.engine.balls import check_budget, linf_bounds
from asma_core.attacks.engine.batch import AttackBatch, per_image
from asma_core.attacks.engine.loop import AttackRule, AttackState, RuleAttack
from asma_core.attacks.engine.pixels import seeded
from asma_core.attacks.engine.projected import budgets, chosen_budget
from asma_core.attacks.settings import LINF, QueryConfig
from asma_core.fields import setting
from asma_core.lazy import Tensor, torch


@dataclass(frozen=True)
class DlaConfig(QueryConfig):
    """Settings of DLA, the black box that sees labels alone."""

    exploring: float = setting(
        0.2,
        "Exploring",
        "Share of the queries that try stripes across the whole image; the others turn parts.",
        minimum=0.0,
        maximum=1.0,
        advanced=True,
    )


# Part of an image: rows and columns.
Part = tuple[slice, slice]


class _Signs(AttackRule):
    needs_gradient: ClassVar[bool] = False

    def __init__(self, batch: AttackBatch, config: DlaConfig) -> None:
        self._config = config
        self._away = config.goal().away
        self._budget = chosen_budget(batch, LINF, config.budget)
        check_budget(float(self._budget.min()), LINF, config.rounding)
        self._chosen = budgets(batch, self._budget)
        self._low, self._high = linf_bounds(batch, self._budget, config.rounding)
        self._generator = seeded()
        channels, height, width = batch.images.shape[1:]
        self._parts = self._turns(channels, height, width)
        self._signs = torch.zeros_like(batch.images)
        self._proposed = self._signs
        self._proxy = torch.full((len(batch.images), 2), -1.0, dtype=torch.float64)

    def chosen(self) -> Mapping[int, Mapping[str, float]]:
        """Return the budget of each image."""
        return self._chosen

    def logit_weights(self, state: AttackState) -> None:
        """Ask for no gradient."""

    def step(self, state: AttackState, gradient: Tensor) -> Tensor:
        """Keep the last proposal where it was no worse, and make the next one."""
        self._keep(state)
        explored = int(self._config.exploring * state.steps)
        exploring = state.step == 0 or state.step < explored
        self._proposed = self._stripes() if exploring else self._turned()
        moved = state.batch.images + per_image(self._budget) * self._proposed
        return moved.clamp_(self._low, self._high)

    def _keep(self, state: AttackState) -> None:
        if state.step == 0:
            return  # the original is only looked at: the first stripes are taken in any case
        proxy = torch.stack((state.scores, self._share_at_goal(state)), dim=1)
        (score, share), (best, best_share) = proxy.unbind(1), self._proxy.unbind(1)
        kept = (score > best) | ((score == best) & (share >= best_share))
        self._proxy = torch.where(kept[:, None], proxy, self._proxy)
        rows = per_image(kept.to(self._signs.device))
        self._signs = torch.where(rows, self._proposed, self._signs)

    def _share_at_goal(self, state: AttackState) -> Tensor:
        """Return the share of pixels that count which are as the goal wants them, float64 (B,)."""
        at_mask = state.predictions == state.batch.target
        at_goal = (~at_mask if self._away else at_mask) & state.batch.valid
        counted = state.batch.valid.flatten(1).sum(dim=1)
        return (at_goal.flatten(1).sum(dim=1).double() / counted).cpu()

    def _random_signs(self, *shape: int) -> Tensor:
        return torch.randint(0, 2, shape, generator=self._generator) * 2.0 - 1.0

    def _stripes(self) -> Tensor:
        """Return signs that are alike along each row, or along each column."""
        _, channels, height, width = self._signs.shape
        along_rows = bool(torch.randint(0, 2, (1,), generator=self._generator))
        shape = (height, 1) if along_rows else (1, width)
        stripes = self._random_signs(1, channels, *shape).to(self._signs)
        return stripes.expand_as(self._signs)

    def _turned(self) -> Tensor:
        """Return the signs that were kept, those of the next part turned."""
        channel, (rows, columns) = next(self._parts)
        turned = self._signs.clone()
        turned[:, channel, rows, columns] *= -1.0
        return turned

    def _turns(self, channels: int, height: int, width: int) -> Iterator[tuple[int, Part]]:
        """Yield a channel and a part of the image, larger parts first, without an end."""
        while True:
            for parts in halved(height, width):
                places = torch.randperm(channels * len(parts), generator=self._generator)
                for place in places.tolist():
                    yield place % channels, parts[place // channels]


def halved(height: int, width: int) -> Iterator[list[Part]]:
    """Yield the image as one part, then as twice as many, until each is a pixel.

    The longer side of the parts is halved; parts of a size differ by a pixel where it is odd.
    """
    down, across = 1, 1
    while True:
        yield [
            (slice(top, bottom), slice(left, right))
            for top, bottom in _cuts(height, down)
            for left, right in _cuts(width, across)
        ]
        if down >= height and across >= width:
            return
        if height / down >= width / across:
            down = min(2 * down, height)
        else:
            across = min(2 * across, width)


def _cuts(length: int, count: int) -> list[tuple[int, int]]:
    ends = [place * length // count for place in range(count + 1)]
    return list(pairwise(ends))


def _labels_only(model: torch.nn.Module, _config: DlaConfig) -> torch.nn.Module:
    from asma_core.attacks.engine.labels_only import LabelsOnly

    return LabelsOnly(model)


DLA: Final = RuleAttack(DlaConfig, _Signs, through=_labels_only)


ENTRY: Final = AttackEntry(
    "dla",
    "DLA",
    BLACK_BOX,
    "Sees labels alone, no logits: stripes of plus or minus the budget, then parts of them turned.",
    "arXiv:2402.01220",
    DlaConfig,
    DLA,
    black_box=True,
)
