"""A batch against single images, compared step by step from the same states.

Two paths that differ by a rounding error part as soon as a pixel flips in only one of them, and a
batch rounds otherwise than a single image does. So their ends can't be compared. Here the single
image is led along the batch's path: at each step it must be where the batch had it, and the network
answers what it answered to the batch.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import Tensor, nn

from asma_core.attacks.contract import AttackResult, OnStep, StepReport

# A signed step goes the other way where a gradient is within a rounding error of 0.
STRAY, CLOSE = 1e-3, 1e-5

# Attacks some images, given as places in the batch, with a network that stands for the real one.
Attack = Callable[[nn.Module, slice, OnStep], list[AttackResult]]


def assert_same_place(found: Tensor, expected: Tensor) -> None:
    """All but one in a thousand values are equal but for rounding."""
    assert float(((found - expected).abs() > CLOSE).float().mean()) <= STRAY


class _Seen(nn.Module):
    """Keeps the batches that a network was asked about."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.batches: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.batches.append(images.detach().clone())
        logits: Tensor = self.network(images)
        return logits


class _Along(nn.Module):
    """Answers to one image what the network said of it in the batch, call by call."""

    def __init__(self, seen: _Seen) -> None:
        super().__init__()
        self.network = seen.network
        self.batches = iter(seen.batches)

    def forward(self, images: Tensor) -> Tensor:
        batch = next(self.batches).to(images.device)
        row = int((batch - images.detach()).abs().flatten(1).sum(dim=1).argmin())
        assert_same_place(images.detach()[0], batch[row])
        # The values are the batch's, the gradient is this image's.
        led = batch.clone()
        led[row] = batch[row] + (images[0] - images[0].detach())
        logits: Tensor = self.network(led)
        return logits[row : row + 1]


def assert_batch_equals_singles(attack: Attack, network: nn.Module, count: int) -> None:
    """Check that each image of a batch is attacked as if it were alone.

    The config of the attack must leave out rounding to 8 bits, which makes a grey level of a
    difference in the last digit.
    """
    pictures: dict[tuple[int, int], Tensor] = {}

    def watch(report: StepReport) -> None:
        now = report.pictures()
        for index, image in zip(now.indices, now.images, strict=True):
            pictures[index, report.step] = image

    seen = _Seen(network)
    batch = attack(seen, slice(0, count), watch)
    assert len(batch) == count
    for row, result in enumerate(batch):
        (single,) = attack(_Along(seen), slice(row, row + 1), lambda _: None)
        assert [now.index for now in result.trajectory] == [row] * len(result.trajectory)
        for one, other in zip(single.trajectory, result.trajectory, strict=True):
            assert (one.step, one.iou, one.score) == (other.step, other.iou, other.score)
            assert one.l2 == pytest.approx(other.l2, rel=1e-3, abs=1e-6)
        ended = (single.success, single.ending, single.gradient_evaluations)
        assert ended == (result.success, result.ending, result.gradient_evaluations)
        assert single.best.l2 == pytest.approx(result.best.l2, rel=1e-3, abs=1e-6)
        assert single.chosen == pytest.approx(dict(result.chosen), rel=1e-4)
        # Of two steps that are equally good, rounding may keep either.
        assert_same_place(single.adversarial, pictures[row, single.best.step])
