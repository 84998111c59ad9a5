"""The attack within a training does what its paper says, stays in its budget, and is repeatable."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from asma_core.training.adversary import Adversary
from asma_core.training.plan import TrainingPlan

PLAN = TrainingPlan("d", width="tiny", image_size=16, adversarial="pgd", batch_size=4)
LINF = 4.0 / 255.0


def linear(images: Tensor) -> Tensor:
    """Two logits whose difference is the mean over the channels less a half, pixel by pixel."""
    difference = images.mean(dim=1, keepdim=True) - 0.5
    return torch.cat([-difference, difference], dim=1)


def batch(count: int = 4, side: int = 16) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    labels = torch.zeros(count, 1, side, side, dtype=torch.int64)
    for row in range(count):
        labels[row, :, : 2 + row] = 1
    return torch.rand(count, 3, side, side) * 0.5 + 0.25, labels


def attacked(plan: TrainingPlan, step: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    images, labels = batch()
    return images, labels, Adversary(plan, linear).attacked(images, labels, step)


@pytest.mark.parametrize("kind", ["pgd", "segpgd"])
def test_of_a_linear_network_the_worst_is_the_corner_away_from_the_truth(kind: str) -> None:
    plan = replace(PLAN, adversarial=kind, attack_steps=5)
    images, labels, moved = attacked(plan)
    # A pixel of class 1 is worst where all channels are least, one of class 0 where they are most.
    corner = images + LINF * (1.0 - 2.0 * labels)
    torch.testing.assert_close(moved, corner, atol=1e-6, rtol=0)


def test_asma_leads_towards_another_image_s_mask_and_leaves_what_is_there() -> None:
    plan = replace(PLAN, adversarial="asma", attack_steps=3, budget=0.05)
    images, labels, moved = attacked(plan)
    change = (moved - images).mean(dim=1)
    for row in range(4):
        own, others = labels[row, 0], [labels[other, 0] for other in range(4) if other != row]
        agree = []
        for target in others:
            there = linear(images[row : row + 1]).argmax(dim=1)[0] == target
            # Far from the border a pixel can't get there, so it is pushed by the whole budget.
            far = (linear(moved[row : row + 1]).argmax(dim=1)[0] != target) & ~there
            wanted = torch.where(target == 1, 0.05, -0.05)
            agree.append(bool(((change[row] - wanted).abs()[far] < 1e-5).all()))
        assert any(agree) and not bool((own == others[0]).all())


@pytest.mark.parametrize("steps", [1, 2, 7])
@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("budget", [0.02, None])
def test_the_budget_is_kept_and_used(norm: str, budget: float | None, steps: int) -> None:
    plan = replace(PLAN, norm=norm, budget=budget, attack_steps=steps)
    images, _, moved = attacked(plan)
    assert moved.min() >= 0 and moved.max() <= 1
    change = (moved - images).flatten(1)
    lengths = change.abs().amax(dim=1) if norm == "linf" else change.norm(dim=1)
    allowed = plan.budget_at(3, 16, 16)
    assert (lengths <= allowed * (1 + 1e-4)).all()
    assert (lengths > 0.5 * allowed).all()


def test_an_l2_budget_grows_with_the_side_and_a_linf_budget_does_not() -> None:
    l2 = replace(PLAN, norm="l2", budget=3.0, image_size=64)
    assert l2.budget_at(3, 64, 64) == pytest.approx(3.0)
    assert l2.budget_at(3, 32, 128) == pytest.approx(3.0)
    assert l2.budget_at(1, 128, 128) == pytest.approx(6.0)
    # The automatic one is a root mean square: of so many values all changed by 2/255.
    values = torch.full((3, 32, 32), 2.0 / 255.0, dtype=torch.float64)
    assert replace(l2, budget=None).budget_at(3, 32, 32) == pytest.approx(float(values.norm()))
    assert PLAN.budget_at(3, 64, 64) == PLAN.budget_at(1, 8, 8) == pytest.approx(LINF)


def test_a_share_of_the_images_is_left_as_it_is_and_the_share_is_kept_over_the_steps() -> None:
    plan = replace(PLAN, attacked=0.3)
    counts = []
    for step in range(200):
        images, _, moved = attacked(plan, step)
        same = (moved == images).flatten(1).all(dim=1)
        counts.append(int((~same).sum()))
    assert set(counts) == {1, 2}
    assert sum(counts) / (200 * 4) == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("kind", ["pgd", "segpgd", "asma"])
def test_a_step_s_images_hang_on_seed_and_step_alone(kind: str) -> None:
    plan = replace(PLAN, adversarial=kind, attack_steps=1)
    _, _, first = attacked(plan, 3)
    torch.manual_seed(99)
    assert torch.equal(first, attacked(plan, 3)[2])
    assert not torch.equal(first, attacked(plan, 4)[2])
    assert not torch.equal(first, attacked(replace(plan, seed=1), 3)[2])


def test_void_pixels_do_not_push_and_an_image_of_them_alone_is_no_fault() -> None:
    images, labels = batch()
    labels[0], labels[1, :, 8:] = 255, 255
    moved = Adversary(replace(PLAN, attack_steps=9), linear).attacked(images, labels, 0)
    corner = images + LINF * (1.0 - 2.0 * labels)
    torch.testing.assert_close(moved[1, :, :8], corner[1, :, :8], atol=1e-6, rtol=0)
    # There only the random start is left.
    start = (moved - images)[0] / LINF
    assert start.abs().max() <= 1 + 1e-3 and 0.4 < start.abs().mean() < 0.6
