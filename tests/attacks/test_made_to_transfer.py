"""Momentum, input diversity and the whole budget: what they add, and that off they add nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs, AttackResult, StepReport
from asma_core.attacks.engine.batch import make_batch
from asma_core.attacks.engine.diversity import Diverse
from asma_core.attacks.engine.loop import AttackState
from asma_core.attacks.engine.projected import LATER, BudgetConfig
from asma_core.attacks.pgd import PGD
from asma_core.attacks.registry import ATTACKS
from asma_core.errors import InputError
from asma_core.runs.spec import make_spec
from tests import tiny
from tests.attacks.networks import Linear, disc, small_network, some_images

PLAIN = BudgetConfig(target_iou=0.99, steps=12, budget=0.03)


def attacked(config: BudgetConfig, network: nn.Module | None = None, **more) -> AttackResult:
    torch.manual_seed(0)
    inputs = AttackInputs(some_images(1), disc(1))
    (result,) = PGD(network or small_network(), inputs, config, **more)
    return result


def test_momentum_is_the_papers_recursion() -> None:
    """g <- mu g + gradient / mean |gradient|, and the step goes by the sign of g."""
    image = torch.full((1, 3, 2, 2), 0.5)
    batch = make_batch(AttackInputs(image, torch.ones(1, 2, 2, dtype=torch.int64)))
    config = BudgetConfig(steps=10, budget=0.4, step_size=0.05, momentum=0.7, rounding=False)
    rule, nothing = PGD.make(batch, config), torch.zeros(1)
    torch.manual_seed(4)
    velocity, expected = torch.zeros_like(image), image
    for step in range(4):
        gradient = torch.randn_like(image) * 10.0**step
        labels = torch.zeros(1, 2, 2, dtype=torch.int64)
        state = AttackState(
            step, 10, batch, expected, expected, image, labels, nothing, nothing > 1
        )
        velocity = 0.7 * velocity + gradient / gradient.abs().mean()
        expected = expected + 0.05 * velocity.sign()
        torch.testing.assert_close(rule.step(state, gradient), expected)


def test_with_momentum_a_batch_drops_who_is_done() -> None:
    images, masks = some_images(2), disc(2)
    masks[0] = small_network()(images[:1]).argmax(dim=1)[0]
    config = replace(PLAIN, momentum=1.0)
    first, second = PGD(small_network(), AttackInputs(images, masks), config)
    (alone,) = PGD(small_network(), AttackInputs(images[1:], masks[1:]), config)
    assert first.ending == "already there" and second.steps == alone.steps == 12


@pytest.mark.parametrize("attack", ["pgd", "segpgd", "cospgd"])
def test_each_of_the_three_changes_what_is_made(attack: str) -> None:
    entry, inputs = ATTACKS[attack], AttackInputs(some_images(1), disc(1))

    def made(**more) -> Tensor:
        torch.manual_seed(0)
        config = entry.config(target_iou=0.3, steps=12, budget=0.03, **more)
        return entry.attack(small_network(), inputs, config)[0].adversarial

    plain = made()
    for more in ({"momentum": 1.0}, {"diversity": 1.0}, {"whole_budget": True}):
        assert not torch.equal(made(**more), plain), more


def test_diversity_sees_the_image_smaller_and_moved_and_puts_the_answer_back() -> None:
    seen: list[Tensor] = []

    class Watched(Linear):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(images)
            return super().forward(images)

    network = Watched((1.0, 0.0, 0.0), -0.5)
    images = torch.zeros(1, 3, 40, 40)
    images[..., 12:28, 12:28] = 1.0
    torch.manual_seed(1)
    for _ in range(5):
        logits = Diverse(network, 1.0)(images)
        bright = (seen[-1][0, 0] > 0.5).nonzero()
        sides = (bright.max(0).values - bright.min(0).values + 1).tolist()
        assert all(14 <= side <= 16 for side in sides)
        # Where it was, but for a pixel of the border.
        inner, outer = logits[0, 1, 14:26, 14:26], logits[0, 1, :10]
        assert (inner > 0).all() and (outer < 0).all()
    assert torch.equal(Diverse(network, 0.0)(images), network(images))


def test_what_is_told_is_what_the_network_says_of_the_image_itself() -> None:
    network, config = small_network(), replace(PLAIN, target_iou=0.5, diversity=1.0)
    result = attacked(config, network)
    said = network(result.adversarial[None]).argmax(dim=1)
    target = disc(1)
    overlap = float(((said > 0) & (target > 0)).sum() / ((said > 0) | (target > 0)).sum())
    assert result.success == (overlap >= 0.5)
    if result.success:
        assert result.best.score == pytest.approx(overlap)


def test_the_whole_budget_keeps_the_highest_score_and_goes_on() -> None:
    scores: list[float] = []

    def watch(report: StepReport) -> None:
        scores.append(report.images[0].score)

    near = attacked(replace(PLAIN, target_iou=0.3))
    whole = attacked(replace(PLAIN, target_iou=0.3, whole_budget=True), on_step=watch)
    assert near.success and whole.success and near.steps < whole.steps == 12
    assert whole.best.score == max(scores) > near.best.score


def test_a_network_without_padding_has_no_diversity() -> None:
    network = small_network(padding=0)
    inputs = AttackInputs(some_images(1), disc(1)[:, 3:-3, 3:-3])
    with pytest.raises(InputError, match="set diversity to 0"):
        PGD(network, inputs, replace(PLAIN, diversity=1.0))
    assert PGD(network, inputs, PLAIN)


def test_a_run_of_before_stands_for_one_that_asks_for_none_of_them(home: Path) -> None:
    tiny.furnish(home)
    given, config = tiny.inputs(), BudgetConfig().as_dict()
    before = {name: value for name, value in config.items() if name not in LATER}
    new = make_spec(tiny.request(config, attack="pgd"), given, given.packed())
    assert new.identity == replace(new, config=before).identity
    assert new.recipe == replace(new, config=before).recipe
    for name, value in {"momentum": 1.0, "diversity": 0.5, "whole_budget": True}.items():
        assert replace(new, config=config | {name: value}).identity != new.identity
    assert replace(new, config=config | {"budget": 0.1}).identity != new.identity
