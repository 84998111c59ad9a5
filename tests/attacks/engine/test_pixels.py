"""What attacks ask of each pixel: against small maps worked out by hand and torch's gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.batch import AttackBatch, make_batch
from asma_core.attacks.engine.pixels import (
    entropy_weights,
    keepable,
    margin_weights,
    margins,
    random_like,
    typical_size,
)


def problem_of(target: Tensor, valid: Tensor | None = None) -> AttackBatch:
    return make_batch(AttackInputs(torch.zeros(len(target), 1, *target.shape[1:]), target, valid))


def test_a_margin_is_the_strongest_rival_over_the_target() -> None:
    logits = torch.tensor([[5.0, 1.0, 2.0], [1.0, 4.0, 4.5], [1.0, 3.0, 4.0]]).T.reshape(1, 3, 1, 3)
    margin, rivals = margins(logits, torch.tensor([[[0, 1, 0]]]))
    assert margin.tolist() == [[[-3.0, -0.5 + 1.0, 3.0]]]
    assert rivals.tolist() == [[[2, 2, 2]]]
    two, others = margins(logits[:, :2], torch.tensor([[[0, 1, 0]]]))
    assert two.tolist() == [[[-4.0, -3.0, 2.0]]]
    assert others.tolist() == [[[1, 0, 1]]]


@pytest.mark.parametrize("classes", [2, 3])
def test_margin_weights_are_the_gradient_of_the_margins(classes: int) -> None:
    logits = torch.randn(2, classes, 4, 5, requires_grad=True)
    target, pull = torch.randint(0, classes, (2, 4, 5)), torch.rand(2, 4, 5)
    margin, rivals = margins(logits, target)
    (expected,) = torch.autograd.grad(-(pull * margin).sum(), logits)
    assert torch.equal(margin_weights(logits.detach(), target, rivals, pull), expected)


def test_entropy_weights_are_the_gradient_of_the_cross_entropy() -> None:
    logits = torch.randn(2, 3, 4, 5, requires_grad=True)
    target, pull = torch.randint(0, 3, (2, 4, 5)), torch.randn(2, 4, 5)
    loss = (pull * cross_entropy(logits, target, reduction="none")).sum()
    (expected,) = torch.autograd.grad(-loss, logits)
    torch.testing.assert_close(entropy_weights(logits.detach(), target, pull), expected)


def test_the_typical_size_is_the_median_over_what_counts() -> None:
    margin = torch.tensor([[[-1.0, 2.0, 9.0, 9.0]], [[0.0, 0.0, 0.0, 5.0]]])
    valid = torch.tensor([[[True, True, True, False]], [[True, True, True, True]]])
    sizes = typical_size(margin, problem_of(torch.zeros(2, 1, 4, dtype=torch.int64), valid))
    # What is certain nowhere has a scale all the same.
    torch.testing.assert_close(sizes, torch.tensor([2.0, 1e-6]).view(2, 1, 1))


def test_a_share_of_the_structure_that_counts_may_stay_wrong() -> None:
    """Eight pixels of structure count: of them a quarter, the two worst of all that count."""
    target, valid = torch.zeros(2, 4, 4, dtype=torch.int64), torch.ones(2, 4, 4, dtype=torch.bool)
    target[0, :3] = 1
    valid[0, 2] = False
    values = torch.arange(16.0).view(1, 4, 4).repeat(2, 1, 1)
    # Void pixels are neither among the worst nor kept, however bad or good.
    values[0, 2] = torch.tensor([100.0, 100.0, -100.0, -100.0])
    kept = keepable(values, problem_of(target, valid), 0.25)
    expected = valid[0].float()
    expected[3, 2:] = 0.0
    assert torch.equal(kept[0], expected)
    # Without structure nothing may stay wrong.
    assert torch.equal(kept[1], torch.ones(4, 4))
    assert torch.equal(keepable(values, problem_of(target, valid), 0.0), valid.float())


def test_where_all_may_stay_wrong_the_best_is_kept() -> None:
    values = torch.tensor([[[3.0, 1.0], [2.0, 4.0]]])
    kept = keepable(values, problem_of(torch.ones(1, 2, 2, dtype=torch.int64)), 1.0)
    assert kept.tolist() == [[[0.0, 1.0], [0.0, 0.0]]]


def test_noise_is_the_same_for_every_image_and_fills_the_range() -> None:
    torch.manual_seed(4)
    noise = random_like(torch.zeros(2, 3, 50, 50))
    assert torch.equal(noise[0], noise[1])
    assert -1.0 <= float(noise.min()) < -0.99 and 0.99 < float(noise.max()) <= 1.0
    assert abs(float(noise[0].mean())) < 0.05
