"""APGD ensemble, Square and the worst case: what they add to what every attack promises."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from asma_core.attacks.apgd import (
    APGD_ENSEMBLE,
    Apgd,
    ApgdConfig,
    EnsembleConfig,
    _checkpoints,
    balanced_entropy,
    jensen_shannon,
    masked_entropy,
)
from asma_core.attacks.contract import AttackInputs, StepReport
from asma_core.attacks.engine.batch import make_batch
from asma_core.attacks.engine.loop import AttackState
from asma_core.attacks.minimal.attack import MINIMAL
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.attacks.square import SQUARE, SquareConfig
from asma_core.attacks.worst_case import WORST_CASE, WorstCaseConfig
from asma_core.errors import InputError
from tests.attacks.networks import disc, small_network, some_images

AWAY, TOWARDS = "away from the prediction", "towards the mask"


def state_at(logits: Tensor, mask: Tensor) -> AttackState:
    images = torch.zeros(len(mask), 3, *mask.shape[1:])
    batch = make_batch(AttackInputs(images, mask))
    nothing = torch.zeros(len(mask))
    return AttackState(
        1, 9, batch, images, images, logits, logits.argmax(dim=1), nothing, nothing > 1
    )


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
    value, weights = loss[name](state_at(logits, mask), True)
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
    for result in APGD_ENSEMBLE(network, AttackInputs(images, mask), config, on_step=watch):
        assert result.best.linf <= 12 / 255 + 1e-6
        assert result.best.score > result.trajectory[0].score
        assert result.notes["best of"] in (
            "masked cross-entropy",
            "balanced cross-entropy",
            "Jensen-Shannon",
        )
    assert max(seen) > 18 / 255


def test_an_ensemble_that_has_succeeded_spends_no_more() -> None:
    network, images = small_network(), some_images(1)
    mask = network(images).argmax(dim=1)
    config = EnsembleConfig(target_iou=0.3, steps=90, budget=0.2)
    (result,) = APGD_ENSEMBLE(network, AttackInputs(images, mask), config)
    assert result.success
    assert result.ending == "goal reached"
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
    (result,) = SQUARE(network, AttackInputs(images, mask), config)
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
    (result,) = SQUARE(Stepped(), AttackInputs(image, mask), config)
    assert result.success


def test_the_worst_case_is_the_nearest_success_of_its_attacks() -> None:
    network, images, masks = small_network(), some_images(2), disc(2)
    whole = WORST_CASE(
        network, AttackInputs(images, masks), WorstCaseConfig(target_iou=0.8, steps=240)
    )
    alone = MINIMAL(network, AttackInputs(images, masks), MinimalConfig(target_iou=0.8, steps=80))
    for all_of_them, one in zip(whole, alone, strict=True):
        assert all_of_them.success
        assert all_of_them.best.l2 <= one.best.l2
        assert all_of_them.gradient_evaluations > 80
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
    results = WORST_CASE(network, AttackInputs(images, masks), config, on_step=watch)
    assert {total for _, total in steps} == {90}
    assert [step for step, _ in steps] == list(range(51))
    assert all(result.ending == "cancelled" for result in results)


def test_a_budget_below_one_level_is_a_sentence() -> None:
    for attack, config in (
        (APGD_ENSEMBLE, EnsembleConfig(budget=0.003)),
        (SQUARE, SquareConfig(budget=0.003)),
    ):
        with pytest.raises(InputError, match="below 1/255"):
            attack(small_network(), AttackInputs(some_images(1), disc(1)), config)


BUDGET = 0.1


def led(steps: int, losses: list[float], signs: list[float]) -> list[float]:
    """The values that APGD goes through from 0.5, with losses and gradients that are given."""
    image = torch.full((1, 1, 1, 1), 0.5)
    batch = make_batch(AttackInputs(image, torch.ones(1, 1, 1, dtype=torch.int64)))
    told = iter(losses)
    config = ApgdConfig(steps=steps, budget=BUDGET, rounding=False)
    rule = Apgd(batch, config, lambda state, away: (torch.tensor([next(told)]), image))
    way, nothing = [image], torch.zeros(1)
    for step in range(steps):
        state = AttackState(
            step, steps, batch, way[-1], way[-1], image, image, nothing, nothing > 1
        )
        rule.logit_weights(state)
        way.append(rule.step(state, torch.full_like(image, 0.01 * signs[step])))
    return [float(one) for one in way]


def algorithm_1(steps: int, losses: list[float], signs: list[float]) -> list[float]:
    """Algorithm 1 of arXiv:2003.01690 over the three radii of SEA, in plain numbers."""
    way, x, ends = [0.5], 0.5, [int(0.3 * steps), int(0.6 * steps), steps]
    best = (-math.inf, 0.5, 1.0)
    for radius, begin, end in zip((0.2, 0.15, 0.1), [0, *ends], ends, strict=False):
        low, high, size = 0.5 - radius, 0.5 + radius, 2 * radius
        x = min(max(x + size * signs[0] if begin == 0 else best[1], low), high)
        before = 0.5 if begin == 0 else x
        way.append(x)
        best = (-math.inf, x, 1.0)
        last = at_check = -math.inf
        improved = since = 0
        halved = False
        checks = [begin + round(share * (end - begin)) for share in SHARES]
        for step in range(begin + 1, end):
            now, sign = losses[step], signs[step]
            improved, since, last = improved + (now > last), since + 1, now
            if now > best[0]:
                best = (now, x, sign)
            if step in checks:
                halve = improved < 0.75 * since or (not halved and best[0] <= at_check)
                halved, at_check, improved, since = halve, best[0], 0, 0
                if halve:
                    size /= 2
                    x, sign, before = best[1], best[2], best[1]
            full = min(max(x + size * sign, low), high)
            moved = min(max(x + 0.75 * (full - x) + 0.25 * (x - before), low), high)
            before, x = x, moved
            way.append(x)
    return way


# 0, 0.22, then gaps that are 0.03 shorter each, 0.06 at least.
SHARES = [0.22, 0.41, 0.57, 0.70, 0.80, 0.87, 0.93, 0.99]


@pytest.mark.parametrize("seed", range(12))
def test_each_step_of_apgd_is_the_algorithm_s(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    steps = 60
    # Whole numbers, of which some are alike, around a trend; few signs change.
    noise = torch.randint(-4, 5, (steps,), generator=generator)
    losses = (noise + torch.arange(steps) * (seed % 3)).float().tolist()
    signs = torch.where(torch.rand(steps, generator=generator) < 0.8, 1.0, -1.0).tolist()
    assert led(steps, losses, signs) == pytest.approx(algorithm_1(steps, losses, signs), abs=1e-6)


def test_apgd_counts_what_lies_in_the_budget_itself_alone() -> None:
    image = torch.full((1, 1, 1, 1), 0.5)
    batch = make_batch(AttackInputs(image, torch.ones(1, 1, 1, dtype=torch.int64)))
    rule = Apgd(batch, ApgdConfig(steps=30, budget=BUDGET), masked_entropy)
    assert [step for step in range(31) if rule.eligible(step, 30)] == [0, *range(19, 31)]
    assert rule.chosen() == {0: {"budget": pytest.approx(BUDGET)}}


@pytest.mark.parametrize("away", [True, False])
@pytest.mark.parametrize("name", ["masked", "balanced", "Jensen-Shannon"])
def test_void_pixels_are_in_no_loss(name: str, away: bool) -> None:
    """The loss over what counts alone is that of an image that is only what counts."""
    loss = {"masked": masked_entropy, "balanced": balanced_entropy}.get(name, jensen_shannon)
    torch.manual_seed(1)
    logits, mask = 2 * torch.randn(1, 3, 6, 7), torch.randint(0, 3, (1, 6, 7))
    valid = torch.ones(1, 6, 7, dtype=torch.bool)
    valid[:, :, 4:] = False
    whole = replace(
        state_at(logits, mask), batch=make_batch(AttackInputs(torch.zeros(1, 3, 6, 7), mask, valid))
    )
    value, weights = loss(whole, away)
    expected, inside = loss(state_at(logits[..., :4], mask[..., :4]), away)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(weights[..., :4], inside)
    assert not weights[..., 4:].any()


def test_the_loss_that_decides_counts_a_pixel_won_as_one_at_the_border() -> None:
    logits = torch.tensor([[1.0, 3.0, 0.0], [2.0, 0.0, 0.5]]).view(1, 2, 1, 3)
    mask = torch.tensor([[[0, 0, 0]]])
    entropy = cross_entropy(logits, mask, reduction="none").flatten().tolist()
    # Away, pixels 0 and 2 are won; towards, pixel 1 is, and there is nothing left of it.
    away, _ = masked_entropy(state_at(logits, mask), True)
    assert float(away) == pytest.approx(2 * math.log(2.0) + entropy[1], rel=1e-5)
    towards, weights = masked_entropy(state_at(logits, mask), False)
    assert float(towards) == pytest.approx(-entropy[0] - entropy[2], rel=1e-5)
    assert (weights[0, 0, 0] > 0).tolist() == [True, False, True]


def square_method(steps: int = 1000, away: bool = False, share: float = 0.05):
    image = torch.full((1, 3, 20, 20), 0.5)
    batch = make_batch(AttackInputs(image, torch.ones(1, 20, 20, dtype=torch.int64)))
    goal = AWAY if away else TOWARDS
    config = SquareConfig(
        steps=steps, budget=BUDGET, goal_is=goal, first_share=share, rounding=False
    )
    return SQUARE.make(batch, config), batch


@pytest.mark.parametrize("share", [0.05, 0.8])
def test_the_squares_get_smaller_as_in_the_paper(share: float) -> None:
    rule, _ = square_method(share=share)
    # The paper halves the share after these of 10 000 queries.
    halved = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000]
    for query in (1, 10, 11, 50, 51, 201, 501, 1001, 2001, 4001, 6001, 8000, 8001):
        area = share * 400 / 2 ** sum(query > one for one in halved)
        expected = min(max(round(math.sqrt(area)), 1), 20)
        assert rule._side(query / 10_000, 20, 20) == expected
    assert rule._side(0.0, 2, 400) == min(2, round(math.sqrt(share * 800)))


@pytest.mark.parametrize("away", [False, True])
def test_square_keeps_a_proposal_that_is_better_and_the_stripes_in_any_case(away: bool) -> None:
    rule, batch = square_method(steps=100, away=away, share=0.25)
    nothing, still = torch.zeros(1), torch.zeros(1, 3, 20, 20)

    def propose(step: int, images: Tensor, right: float) -> Tensor:
        """Answer with logits by which every pixel is so much at the mask."""
        told = torch.stack((torch.zeros(20, 20), torch.full((20, 20), right)))[None]
        seen = told.argmax(dim=1)
        state = AttackState(step, 100, batch, images, images, told, seen, nothing, nothing > 1)
        return rule.step(state, still)

    up = -1.0 if away else 1.0
    stripes = propose(0, batch.images, 5.0 * up)
    assert torch.allclose((stripes - 0.5).abs(), torch.tensor(BUDGET))
    assert torch.equal(stripes, stripes[:, :, :1].expand_as(stripes))
    assert len((stripes[0, 0, 0] - 0.5).sign().unique()) == 2
    first = propose(1, stripes, 0.0)
    changed = (first != stripes).any(dim=1)[0]
    rows, columns = (changed.any(dim=one).nonzero() for one in (1, 0))
    # A tenth of the budget of queries is behind 0.5 % and 0.1 %: a square of sqrt(100 / 4).
    assert int(rows.max() - rows.min()) < 5 and int(columns.max() - columns.min()) < 5
    assert torch.allclose((first - 0.5).abs(), torch.tensor(BUDGET))
    # Worse and as good are not kept: the next is made from the stripes.
    for step, right in ((2, -1.0), (3, 0.0)):
        other = propose(step, first, right * up)
        assert int((other != stripes).any(dim=1).sum()) <= 25
    better = propose(4, other, 1.0 * up)
    assert int((better != other).any(dim=1).sum()) <= 25
    assert not torch.equal(better, other)
