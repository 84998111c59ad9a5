"""APGD ensemble, Square and the worst case: what they add to what every attack promises."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from asma_core.attacks.apgd import (
    APGD_ENSEMBLE,
    _checkpoints,
    balanced_entropy,
    jensen_shannon,
    masked_entropy,
)
from asma_core.attacks.contract import StepReport
from asma_core.attacks.ensemble_configs import EnsembleConfig, SquareConfig, WorstCaseConfig
from asma_core.attacks.loop import Look
from asma_core.attacks.minimal import MINIMAL
from asma_core.attacks.minimal_configs import MinimalConfig
from asma_core.attacks.problem import make_problem
from asma_core.attacks.square import SQUARE
from asma_core.attacks.worst_case import WORST_CASE
from asma_core.errors import InputError
from tests.attacks.networks import disc, small_network, some_images

AWAY, TOWARDS = "away from the prediction", "towards the mask"


def look_at(logits: Tensor, mask: Tensor) -> Look:
    images = torch.zeros(len(mask), 3, *mask.shape[1:])
    problem = make_problem(images, mask, None, None)
    nothing = torch.zeros(len(mask))
    return Look(1, 9, problem, images, images, logits, logits.argmax(dim=1), nothing, nothing > 1)


def expected_loss(name: str, logits: Tensor, mask: Tensor) -> Tensor:
    """The losses of SEA, written with torch's own functions, of one image; to be raised."""
    entropy = cross_entropy(logits, mask, reduction="none")
    right = logits.argmax(dim=1) == mask
    if name == "masked":
        return (entropy * right).sum()
    if name == "balanced":
        total = torch.zeros(())
        for label in mask.unique():
            share = mask.numel() / int((mask == label).sum()) / logits.shape[1]
            total = total + share * (entropy * right)[mask == label].sum()
        return total
    likely = logits.softmax(dim=1)
    hot = one_hot(mask, logits.shape[1]).permute(0, 3, 1, 2).float()
    middle = (likely + hot) / 2
    first = (likely * (likely / middle).log()).sum()
    second = torch.where(hot > 0, hot * (1 / middle).log(), 0.0).sum()
    return (first + second) / 2


@pytest.mark.parametrize("name", ["masked", "balanced", "Jensen-Shannon"])
def test_the_weights_are_the_gradients_of_the_papers_losses(name: str) -> None:
    torch.manual_seed(1)
    logits, mask = 2 * torch.randn(1, 3, 6, 7), torch.randint(0, 3, (1, 6, 7))
    leaf = logits.clone().requires_grad_()
    (expected,) = torch.autograd.grad(expected_loss(name, leaf, mask), leaf)
    loss = {
        "masked": masked_entropy,
        "balanced": balanced_entropy,
        "Jensen-Shannon": jensen_shannon,
    }
    value, weights = loss[name](look_at(logits, mask), True)
    torch.testing.assert_close(weights, expected, atol=1e-5, rtol=1e-4)
    if name == "Jensen-Shannon":
        assert float(value) == pytest.approx(float(expected_loss(name, logits, mask)), rel=1e-5)


def test_checkpoints_come_closer_and_closer() -> None:
    steps = _checkpoints(0, 100)
    gaps = [after - before for before, after in zip([0, *steps], steps, strict=False)]
    assert steps[:3] == [22, 41, 57]
    assert gaps == sorted(gaps, reverse=True)
    assert min(gaps) == 6


@pytest.mark.parametrize("goal", [AWAY, TOWARDS])
def test_larger_radii_never_count(goal: str) -> None:
    network, images = small_network(), some_images(2)
    mask = network(images).argmax(dim=1) if goal == AWAY else disc(2)
    seen: list[float] = []

    def watch(report: StepReport) -> None:
        seen.extend(now.linf for now in report.images)

    config = EnsembleConfig(target_iou=0.99, steps=30, budget=12 / 255, goal_is=goal)
    for result in APGD_ENSEMBLE(network, images, mask, config, on_step=watch):
        assert result.best.linf <= 12 / 255 + 1e-6
        assert result.best.score > result.trajectory[0].score
        assert result.notes["best of"] in (
            "masked cross-entropy", "balanced cross-entropy", "Jensen-Shannon",
        )  # fmt: skip
    assert max(seen) > 18 / 255


def test_an_ensemble_that_has_succeeded_spends_no_more() -> None:
    network, images = small_network(), some_images(1)
    mask = network(images).argmax(dim=1)
    config = EnsembleConfig(target_iou=0.3, steps=90, budget=0.2)
    (result,) = APGD_ENSEMBLE(network, images, mask, config)
    assert result.success
    assert result.stopped == "goal reached"
    assert result.gradient_evaluations < 60


def test_square_asks_for_no_gradient_and_never_gets_worse() -> None:
    network, graphs = small_network(), []
    network.register_forward_hook(
        lambda _module, _given, output: graphs.append(output.requires_grad)
    )
    images = some_images(1)
    mask = network(images).argmax(dim=1)
    graphs.clear()
    config = SquareConfig(target_iou=0.4, steps=300, budget=0.2, goal_is=AWAY)
    (result,) = SQUARE(network, images, mask, config)
    assert result.success
    assert result.gradient_evaluations == 0
    assert len(graphs) == result.steps + 1
    assert not any(graphs)


def test_square_succeeds_where_gradients_are_hidden() -> None:
    class Stepped(nn.Module):
        """Answers with a hard decision, whose gradient says nothing."""

        def forward(self, images: Tensor) -> Tensor:
            bright = (images.mean(dim=1, keepdim=True) > 0.5).float()
            return torch.cat((1 - bright, bright), dim=1) + 0.0 * images[:, :1]

    image = torch.full((1, 3, 16, 16), 0.48)
    mask = torch.ones(1, 16, 16, dtype=torch.int64)
    config = SquareConfig(target_iou=0.7, steps=400, budget=0.1)
    (result,) = SQUARE(Stepped(), image, mask, config)
    assert result.success


def test_the_worst_case_is_the_nearest_success_of_its_attacks() -> None:
    network, images, masks = small_network(), some_images(2), disc(2)
    whole = WORST_CASE(network, images, masks, WorstCaseConfig(target_iou=0.8, steps=120))
    alone = MINIMAL(network, images, masks, MinimalConfig(target_iou=0.8, steps=40))
    for all_of_them, one in zip(whole, alone, strict=True):
        assert all_of_them.success
        assert all_of_them.best.l2 <= one.best.l2
        assert all_of_them.gradient_evaluations > 40
        steps = [now.step for now in all_of_them.trajectory]
        assert steps == sorted(set(steps))
        assert all_of_them.trajectory[all_of_them.best.step].l2 == all_of_them.best.l2


def test_a_sequence_reports_all_its_steps_and_can_be_stopped() -> None:
    network, images, masks = small_network(), some_images(2), disc(2)
    steps: list[tuple[int, int]] = []

    def watch(report: StepReport) -> bool:
        steps.append((report.step, report.steps))
        return report.step == 50

    config = WorstCaseConfig(target_iou=1.0, steps=90)
    results = WORST_CASE(network, images, masks, config, on_step=watch)
    assert {total for _, total in steps} == {90}
    assert [step for step, _ in steps] == list(range(51))
    assert all(result.stopped == "cancelled" for result in results)


def test_a_budget_below_one_level_is_a_sentence() -> None:
    for attack, config in (
        (APGD_ENSEMBLE, EnsembleConfig(budget=0.003)),
        (SQUARE, SquareConfig(budget=0.003)),
    ):
        with pytest.raises(InputError, match="below 1/255"):
            attack(small_network(), some_images(1), disc(1), config)
