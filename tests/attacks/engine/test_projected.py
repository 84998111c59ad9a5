"""PGD, SegPGD, CosPGD and DAG: each step against its paper's formula, written out plainly."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from asma_core.attacks.contract import AttackInputs, Pictures
from asma_core.attacks.cospgd import COSPGD, CosPgdConfig
from asma_core.attacks.dag import DAG, DagConfig
from asma_core.attacks.engine.projected import BudgetConfig
from asma_core.attacks.pgd import PGD
from asma_core.attacks.segpgd import SEGPGD
from asma_core.errors import InputError
from tests.attacks.networks import disc, small_network, some_images
from tests.attacks.oracle import assert_seen

TOWARDS, AWAY = "towards the mask", "away from the prediction"
STEPS, SIZE, BUDGET = 6, 0.004, 0.02
PLAIN = {"steps": STEPS, "target_iou": 1.0, "rounding": False, "stop_at_target": False}


def pixel_weights(name: str, logits: Tensor, right: Tensor, mask: Tensor, step: int) -> Tensor:
    """Return the papers' weights of one image's pixels, for an attack away from the mask."""
    if name == "segpgd":
        share = step / (2 * STEPS)
        return torch.where(right, 1 - share, share)
    if name == "cospgd":
        likely = logits.softmax(dim=1)
        hot = torch.nn.functional.one_hot(mask, logits.shape[1]).permute(0, 3, 1, 2).float()
        return torch.nn.functional.cosine_similarity(likely, hot, dim=1)
    return torch.ones_like(logits[:, 0])


def plain_gradient(
    name: str, network: nn.Module, image: Tensor, seen: Tensor, mask: Tensor, step: int, away: bool
) -> Tensor:
    """The direction of the papers' step from an image in which the attack saw a prediction."""
    now = image.clone().requires_grad_()
    logits = network(now)
    assert_seen(logits, seen[0])
    # Towards a mask, right and wrong change places.
    right = (seen == mask) == away
    weights = pixel_weights(name, logits.detach(), right, mask, step)
    if name == "cospgd" and not away:
        weights = 1 - weights
    loss = (weights * cross_entropy(logits, mask, reduction="none")).mean()
    (gradient,) = torch.autograd.grad(loss if away else -loss, now)
    return gradient


@pytest.mark.parametrize("away", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["pgd", "segpgd", "cospgd"])
def test_each_step_is_the_papers(name: str, classes: int, away: bool) -> None:
    attack = {"pgd": PGD, "segpgd": SEGPGD, "cospgd": COSPGD}[name]
    network, image, mask = small_network(classes), some_images(1), disc(1, classes=classes)
    config = attack.config(
        **PLAIN,
        goal_is=AWAY if away else TOWARDS,
        budget=BUDGET,
        step_size=SIZE,
        random_start=False,
    )
    way: list[Pictures] = []
    attack(
        network,
        AttackInputs(image, mask),
        config,
        on_step=lambda at: way.append(at.pictures()) or False,
    )
    assert len(way) == STEPS + 1
    for step, (now, after) in enumerate(pairwise(way)):
        gradient = plain_gradient(name, network, now.images, now.predictions, mask, step, away)
        moved = now.images + SIZE * gradient.sign()
        expected = moved.clamp(image - BUDGET, image + BUDGET).clamp(0, 1)
        # The sign of a gradient that is within rounding of 0 may be either.
        clear = gradient.abs() > 1e-4 * gradient.abs().max()
        assert clear.float().mean() > 0.95
        torch.testing.assert_close(after.images[clear], expected[clear], atol=1e-5, rtol=0)


def test_a_step_of_dag_is_the_papers() -> None:
    network, image, mask = small_network(3), some_images(1), disc(1, classes=3)
    now = image.clone().requires_grad_()
    logits = network(now)
    total = torch.zeros(())
    for row in range(32):
        for column in range(32):
            scores, wanted = logits[0, :, row, column], int(mask[0, row, column])
            if int(scores.argmax()) != wanted:
                rival = int(scores.argmax())
                total = total + scores[wanted] - scores[rival]
    (gradient,) = torch.autograd.grad(total, now)
    expected = (image + 0.003 / gradient.abs().max() * gradient).clamp(0, 1)
    last: list[Tensor] = []
    DAG(
        network,
        AttackInputs(image, mask),
        DagConfig(steps=1, gamma=0.003, rounding=False, target_iou=1.0),
        on_step=lambda at: last.append(at.pictures().images) or False,
    )
    torch.testing.assert_close(last[-1], expected, atol=1e-5, rtol=0)


def test_an_l2_step_has_its_length() -> None:
    config = BudgetConfig(**PLAIN, norm="l2", budget=5.0, step_size=0.25)
    images: list[Tensor] = []
    gentle = some_images(2).clamp(0.2, 0.8)
    PGD(
        small_network(),
        AttackInputs(gentle, disc(2)),
        config,
        on_step=lambda at: images.append(at.pictures().images) or False,
    )
    lengths = (images[1] - images[0]).flatten(1).norm(dim=1)
    torch.testing.assert_close(lengths, torch.full((2,), 0.25), atol=1e-5, rtol=0)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**16),
    norm=st.sampled_from(["linf", "l2"]),
    levels=st.integers(1, 30),
    start=st.booleans(),
    rounding=st.booleans(),
)
def test_budget_box_and_region_hold(
    seed: int, norm: str, levels: int, start: bool, rounding: bool
) -> None:
    torch.manual_seed(seed)
    images, region = torch.rand(2, 3, 16, 16), torch.rand(2, 16, 16) < 0.7
    budget = levels / 255 if norm == "linf" else levels / 20
    config = BudgetConfig(
        target_iou=1.0,
        steps=4,
        norm=norm,
        budget=budget,
        step_size=budget,
        random_start=start,
        rounding=rounding,
        stop_at_target=False,
    )
    seen: list[Tensor] = []
    results = PGD(
        small_network(),
        AttackInputs(images, disc(2, size=16), region=region),
        config,
        on_step=lambda at: seen.append(at.pictures().images) or False,
    )
    for now in seen:
        assert float(now.min()) >= 0 and float(now.max()) <= 1
        change = now - images
        size = change.abs().flatten(1).amax(1) if norm == "linf" else change.flatten(1).norm(dim=1)
        assert float(size.max()) <= budget + 1e-5
    for image, kept, result in zip(images, region, results, strict=True):
        outside = ~kept.expand_as(image)
        assert torch.equal(result.adversarial[outside], image[outside])


@pytest.mark.parametrize("attack", [PGD, SEGPGD, COSPGD])
@pytest.mark.parametrize("goal", [TOWARDS, AWAY])
def test_it_gets_there_and_stops(attack, goal: str) -> None:
    network, images = small_network(), some_images(2)
    mask = disc(2) if goal == TOWARDS else network(images).argmax(dim=1)
    config = attack.config(goal_is=goal, target_iou=0.7, budget=0.15, steps=100)
    for result in attack(network, AttackInputs(images, mask), config):
        assert result.success
        assert result.ending == "goal reached"
        assert result.gradient_evaluations <= result.steps < 100
        assert result.best.score >= 0.7
        if goal == AWAY:
            assert result.best.score == pytest.approx(1 - result.best.iou)


def test_a_random_start_costs_no_evaluation_and_hangs_on_the_seed() -> None:
    config = CosPgdConfig(steps=3, target_iou=1.0)
    images = some_images(1).repeat(2, 1, 1, 1)
    masks = disc(1).repeat(2, 1, 1)
    network = small_network()
    torch.manual_seed(1)
    first, same_in_batch = COSPGD(network, AttackInputs(images, masks), config)
    torch.manual_seed(1)
    (again,) = COSPGD(network, AttackInputs(images[:1], masks[:1]), config)
    torch.manual_seed(2)
    (other,) = COSPGD(network, AttackInputs(images[:1], masks[:1]), config)
    assert first.gradient_evaluations == 2
    # The start itself: what follows goes through the network, which rounds a batch otherwise.
    starts = [run.trajectory[1].l2 for run in (first, same_in_batch, again, other)]
    assert starts[1:3] == pytest.approx([starts[0]] * 2, rel=1e-5)
    assert starts[3] != pytest.approx(starts[0], rel=1e-3)


def test_the_automatic_budget_is_told() -> None:
    for norm, expected in (("linf", 8 / 255), ("l2", 4 / 255 * (3 * 32 * 32) ** 0.5)):
        config = BudgetConfig(steps=1, target_iou=1.0, norm=norm)
        (result,) = PGD(small_network(), AttackInputs(some_images(1), disc(1)), config)
        assert result.chosen["budget"] == pytest.approx(expected)
        assert result.chosen["step_size"] == pytest.approx(2.5 * expected)


def test_a_budget_below_one_level_is_a_sentence() -> None:
    with pytest.raises(InputError, match="below 1/255"):
        PGD(small_network(), AttackInputs(some_images(1), disc(1)), BudgetConfig(budget=0.003))
    PGD(
        small_network(),
        AttackInputs(some_images(1), disc(1)),
        BudgetConfig(budget=1 / 255, steps=2),
    )
    fine = BudgetConfig(budget=0.003, steps=2, rounding=False)
    PGD(small_network(), AttackInputs(some_images(1), disc(1)), fine)
