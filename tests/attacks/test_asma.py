"""The paper's four attacks against its own procedure, closed forms and each other."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.asma import multipliers
from asma_core.attacks.asma.attack import (
    ASM,
    ASMA,
    SSM,
    SSM_DPM,
)
from asma_core.attacks.asma.multipliers import MOST_RAISED, Multipliers, Pace
from asma_core.attacks.asma.settings import ConstantConfig, DynamicConfig, PaperConfig
from asma_core.attacks.contract import AttackInputs, AttackResult, OnStep, StepReport
from asma_core.attacks.engine.loop import RuleAttack
from asma_core.attacks.registry import find_attack
from tests.attacks.along import assert_batch_equals_singles
from tests.attacks.networks import Linear, disc, small_network, some_images
from tests.attacks.oracle import paper_step

ALL = {"ssm": SSM, "ssm-dpm": SSM_DPM, "asm": ASM, "asma": ASMA}
PLAIN = {"target_iou": 1.0, "stop_at_target": False, "rounding": False}


def config_of(attack: RuleAttack, tau: float, beta: float, **more: object) -> PaperConfig:
    own = {"tau": tau, "beta": beta} if attack.config is DynamicConfig else {"alpha": tau}
    return attack.config(**own, **more)


class Follower:
    """Collects images and predictions of each step, by their place in the batch."""

    def __init__(self) -> None:
        self.images: dict[int, list[Tensor]] = {}
        self.predictions: dict[int, list[Tensor]] = {}

    def __call__(self, report: StepReport) -> None:
        pictures = report.pictures()
        for place, index in enumerate(pictures.indices):
            self.images.setdefault(index, []).append(pictures.images[place])
            self.predictions.setdefault(index, []).append(pictures.predictions[place])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", sorted(ALL))
def test_each_step_is_the_paper_s(name: str, classes: int) -> None:
    attack, network = ALL[name], small_network(classes)
    images, targets = some_images(2), disc(2, classes=classes)
    tau, beta, steps = 2e-3, 4e-3, 50
    config = config_of(attack, tau, beta, steps=steps, distance_weight=1.0, **PLAIN)
    dynamic = attack.config is DynamicConfig
    for row in range(2):
        follower = Follower()
        one = images[row : row + 1], targets[row : row + 1]
        (result,) = attack(network, AttackInputs(*one), config, on_step=follower)
        way = follower.images[0]
        for step in range(steps):
            expected, iou = paper_step(
                network,
                images[row],
                way[step],
                follower.predictions[0][step],
                targets[row],
                adaptive=attack in (ASM, ASMA),
                multiplier=(tau, beta if dynamic and step else 0.0),
                distance_weight=1.0,
            )
            torch.testing.assert_close(way[step + 1], expected, atol=1e-5, rtol=0)
            assert result.trajectory[step].iou == pytest.approx(iou)
        # The comparison means something: the image has moved, and the overlap with it.
        assert (way[-1] - way[0]).norm() > 1.0
        ious = [now.iou for now in result.trajectory]
        assert max(ious) - ious[0] > 0.2


def test_the_registry_s_names_are_these_four() -> None:
    for name, attack in ALL.items():
        entry = find_attack(name)
        assert entry.attack is attack
        assert entry.config is attack.config
        for preset in entry.presets.values():
            entry.config(**preset)


def test_ssm_on_a_linear_network_is_what_a_hand_works_out() -> None:
    # z_1 - its own gradient - is +w at target 1, and z_0 = -z_1 gives -w at target 0.
    weights = torch.tensor([0.5, -0.25, 1.0])
    network = Linear((0.5, -0.25, 1.0), bias=-0.6)
    image = torch.full((1, 3, 16, 16), 0.5)
    target = torch.zeros(1, 16, 16, dtype=torch.int64)
    target[:, :, 8:] = 1
    alpha, steps, weight = 0.01, 7, 3.0
    follower = Follower()
    config = ConstantConfig(alpha=alpha, steps=steps, distance_weight=weight, **PLAIN)
    SSM(network, AttackInputs(image, target), config, on_step=follower)
    # d <- d + alpha (s w - 2 weight d), so d_n = s w (1 - (1 - 2 alpha weight)^n) / (2 weight).
    reach = (1 - (1 - 2 * alpha * weight) ** steps) / (2 * weight)
    sign = target.float() * 2 - 1
    expected = 0.5 + sign[:, None] * weights.view(1, 3, 1, 1) * reach
    torch.testing.assert_close(follower.images[0][-1], expected[0], atol=1e-5, rtol=0)


def test_asm_changes_only_pixels_that_are_not_at_the_target() -> None:
    network = Linear((1.0,), bias=-0.5)
    image = torch.full((1, 1, 16, 16), 0.25)
    image[..., 8:] = 0.75
    target = torch.zeros(1, 16, 16, dtype=torch.int64)
    target[:, 4:] = 1
    wrong = network(image).argmax(dim=1) != target
    config = ConstantConfig(alpha=0.02, steps=5, target_iou=1.0, rounding=False)
    follower = Follower()
    ASM(network, AttackInputs(image, target), config, on_step=follower)
    changed = follower.images[0][-1] != image[0]
    assert torch.equal(changed, wrong)


def test_the_smallest_change_that_flips_a_linear_network_is_met_within_a_step() -> None:
    # Each wrong pixel is 0.25 from the border; 192.3 steps of 0.0013 may overshoot by one step.
    network = Linear((1.0,), bias=-0.5)
    image = torch.full((1, 1, 16, 16), 0.25)
    target = torch.zeros(1, 16, 16, dtype=torch.int64)
    target[:, 4:12, 4:12] = 1
    config = ConstantConfig(
        alpha=0.0013, steps=1000, target_iou=1.0, distance_weight=0.0, rounding=False
    )
    (result,) = ASM(network, AttackInputs(image, target), config)
    smallest = 0.25 * 64**0.5
    assert result.success
    assert smallest <= result.best.l2 <= smallest * 1.05


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_batch_equals_singles(name: str) -> None:
    images, targets = some_images(4), disc(4)
    config = config_of(ALL[name], 5e-4, 3e-3, steps=20, **PLAIN)

    def attack(network: nn.Module, rows: slice, on_step: OnStep) -> list[AttackResult]:
        return ALL[name](
            network, AttackInputs(images[rows], targets[rows]), config, on_step=on_step
        )

    assert_batch_equals_singles(attack, small_network(), 4)


def test_a_batch_equals_singles_when_images_finish_at_different_steps() -> None:
    network, images = small_network(), some_images(4)
    targets = disc(4)
    targets[2] = network(images).argmax(dim=1)[2]
    config = DynamicConfig(steps=60, target_iou=0.7, rounding=False)
    steps: list[int] = []

    def attack(model: nn.Module, rows: slice, on_step: OnStep) -> list[AttackResult]:
        results = ASMA(model, AttackInputs(images[rows], targets[rows]), config, on_step=on_step)
        steps.extend(result.steps for result in results)
        return results

    assert_batch_equals_singles(attack, network, 4)
    assert steps[2] == 0
    assert len(set(steps[:4])) >= 3


def test_a_repeat_gives_the_same_bits() -> None:
    network, images, targets = small_network(), some_images(2), disc(2)
    config = DynamicConfig(steps=15)
    first, second = (ASMA(network, AttackInputs(images, targets), config) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.adversarial, other.adversarial)
        assert one.trajectory == other.trajectory


@pytest.mark.parametrize("name", sorted(ALL))
def test_what_was_chosen_gives_the_same_attack_again(name: str) -> None:
    attack, network = ALL[name], small_network()
    images, targets = some_images(1), disc(1)
    config = attack.config(steps=15, target_iou=1.0, distance_weight=0.5)
    (automatic,) = attack(network, AttackInputs(images, targets), config)
    (given,) = attack(
        network, AttackInputs(images, targets), dataclasses.replace(config, **automatic.chosen)
    )
    assert torch.equal(automatic.adversarial, given.adversarial)
    assert given.chosen == automatic.chosen


@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize("stop", [True, False])
def test_already_at_the_target_nothing_is_done(name: str, stop: bool) -> None:
    attack, network, images = ALL[name], small_network(3), some_images(2)
    targets = network(images).argmax(dim=1)
    results = attack(network, AttackInputs(images, targets), attack.config(stop_at_target=stop))
    for image, result in zip(images, results, strict=True):
        assert (result.steps, result.gradient_evaluations) == (0, 0)
        assert not result.success, "nothing was changed, so nothing succeeded"
        assert result.ending == "already there"
        assert torch.equal(result.adversarial, image)


# Powers of two: a product with any other number would round, and change the path.
@pytest.mark.parametrize("scale", [2.0**-10, 2.0**10])
@pytest.mark.parametrize("name", sorted(ALL))
def test_automatic_multipliers_do_not_depend_on_the_scale_of_the_logits(
    name: str, scale: float
) -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = small_network()

        def forward(self, images: Tensor) -> Tensor:
            return self.network(images) * scale

    attack, images, targets = ALL[name], some_images(1), disc(1)
    config = attack.config(steps=20, target_iou=1.0)
    (plain,) = attack(small_network(), AttackInputs(images, targets), config)
    (scaled,) = attack(Scaled(), AttackInputs(images, targets), config)
    assert plain.best.step > 0
    torch.testing.assert_close(scaled.adversarial, plain.adversarial, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [24, 64])
def test_automatic_multipliers_work_at_any_size(size: int) -> None:
    images, targets = some_images(1, size=size), disc(1, size=size)
    (result,) = ASMA(small_network(), AttackInputs(images, targets), DynamicConfig(target_iou=0.9))
    assert result.success
    assert set(result.chosen) == {"tau", "beta", "first_distance_weight"}
    first = result.trajectory[1]
    # The first step is 5e-4 long as root mean square, but for pixels at the box.
    assert first.l2 == pytest.approx(5e-4 * (3 * size * size) ** 0.5, rel=0.1)


def test_the_pace_is_raised_only_where_the_score_would_not_arrive_in_time() -> None:
    config = DynamicConfig(target_iou=0.9, steps=200)
    pace = Pace(config, torch.zeros(2, dtype=torch.float64))
    assert not pace.update(24, torch.tensor([0.1, 0.1], dtype=torch.float64))
    # 0.2 in 25 steps is more than enough for the other 0.7 in 175; 0.05 for 0.85 is not.
    assert pace.update(25, torch.tensor([0.2, 0.05], dtype=torch.float64))
    assert pace.raised.tolist() == [1.0, 2.0]
    for step in range(50, 200, 25):
        pace.update(step, torch.tensor([min(0.9, 0.1 + step / 200), 0.05], dtype=torch.float64))
    assert pace.raised.tolist() == [1.0, MOST_RAISED]
    pace.select(torch.tensor([False, True]))
    assert pace.raised.tolist() == [MOST_RAISED]


def test_a_raised_multiplier_is_told_and_goes_further(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, config = AttackInputs(some_images(1), disc(1)), DynamicConfig(target_iou=1.0, steps=60)
    # So short are the steps where a network's logits are flat.
    monkeypatch.setattr(multipliers, "FIRST_STEP_RMS", 5e-5)
    (raised,) = ASMA(small_network(), inputs, config)
    monkeypatch.setattr(multipliers, "MOST_RAISED", 1.0)
    (steady,) = ASMA(small_network(), inputs, config)
    assert raised.chosen["raised"] > 1.0
    assert "raised" not in steady.chosen
    assert raised.best.score > steady.best.score


def test_given_multipliers_are_never_raised() -> None:
    config = DynamicConfig(target_iou=1.0, steps=60, tau=1e-7, beta=1e-6)
    (result,) = ASMA(small_network(), AttackInputs(some_images(1), disc(1)), config)
    assert "raised" not in result.chosen


def test_the_automatic_distance_term_keeps_the_image_nearer_at_first_and_then_is_gone() -> None:
    rms, config = torch.tensor([4.0], dtype=torch.float64), DynamicConfig(steps=100)
    automatic = Multipliers.make(config, rms)
    # 2 * weight * 0.2 is the first gradient's root mean square.
    assert automatic.pull_at(0).tolist() == pytest.approx([10.0])
    assert automatic.pull_at(25).tolist() == pytest.approx([5.0])
    assert automatic.pull_at(50).tolist() == automatic.pull_at(99).tolist() == [0.0]
    given = Multipliers.make(dataclasses.replace(config, tau=1e-7), rms)
    assert given.pull_at(0).tolist() == given.pull_at(99).tolist() == [1.0]


def test_the_distance_term_keeps_the_image_nearer() -> None:
    network, images, targets = small_network(), some_images(1), disc(1)
    l2 = [
        SSM(
            network,
            AttackInputs(images, targets),
            ConstantConfig(steps=40, distance_weight=weight, **PLAIN),
        )[0]
        .trajectory[-1]
        .l2
        for weight in (0.0, 100.0, 1000.0)
    ]
    assert l2[0] > l2[1] > l2[2]
