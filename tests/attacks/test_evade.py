"""The attack that knows a detector: its bisection, and what it leaves of the detector's score."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.engine.batch import as_saved, make_batch
from asma_core.attacks.evade import EvadeConfig, _Evading, evade
from asma_core.attacks.registry import ATTACKS
from asma_core.defences.detectors.contract import judged, suspicion
from asma_core.defences.detectors.registry import DETECTORS, find_detector
from asma_core.errors import AsmaError
from tests.attacks.networks import disc, small_network, some_images

BUDGET = 4.0


def excess(detector: str, network: nn.Module, images: Tensor, found: Tensor) -> Tensor:
    asked = find_detector(detector)
    one, other = (suspicion(asked.maps(network, given, judged())) for given in (found, images))
    return one - other


def result_of(name: str, network: nn.Module, images: Tensor, masks: Tensor, **config):
    entry = ATTACKS[name]
    torch.manual_seed(0)
    given = entry.config(**{"target_iou": 0.6, "budget": BUDGET} | config)
    return entry.attack(network, AttackInputs(images, masks), given)


def test_every_detector_can_be_chosen() -> None:
    for name in DETECTORS:
        assert EvadeConfig(detector=name).chosen_detector().entry.name == name
    own = EvadeConfig(detector="squeezing", detector_settings="bits=3").chosen_detector()
    assert own.settings.as_dict() == {"bits": 3, "window": "3"}
    for settings in ("bits=x", "bits", "colour=1"):
        with pytest.raises(AsmaError):
            EvadeConfig(detector="squeezing", detector_settings=settings)


def test_the_weight_is_bisected() -> None:
    batch = make_batch(AttackInputs(some_images(2), disc(2)))
    rule = _Evading(batch, EvadeConfig(), small_network())
    tried = []
    for reached in ((False, True), (True, True), (False, False), (True, True), (False, True)):
        rule._bisect(torch.tensor(reached))
        tried.append(rule._weight.tolist())
    # The first image is not at its goal with weight 0 and goes on so.
    assert [row for row, _ in tried] == [0.0, 0.5, 0.25, 0.375, 0.3125]
    assert [row for _, row in tried] == [0.5, 0.75, 0.625, 0.6875, 0.71875]


@pytest.mark.parametrize("detector", ["squeezing", "augmentation", "residual"])
def test_it_reaches_its_goal_less_suspiciously_than_an_attack_that_does_not_know(
    detector: str,
) -> None:
    network, images, masks = small_network(), some_images(2), disc(2)
    plain = result_of("pgd", network, images, masks, norm="l2", steps=80)
    knowing = result_of("evade", network, images, masks, detector=detector, steps=80)
    assert all(one.success for one in (*plain, *knowing))
    before, after = (
        excess(detector, network, images, torch.stack([one.adversarial for one in results]))
        for results in (plain, knowing)
    )
    assert bool((before > 0).all()) and bool((after < 0.3 * before).all())
    for image, one in zip(images, knowing, strict=True):
        saved = as_saved(one.adversarial[None])[0]
        assert float((saved - image).norm()) <= BUDGET + 1e-4
        assert one.chosen["detector_weight"] > 0 and one.chosen["detector_looks"] == 81


def test_the_kept_one_is_the_least_suspicious_of_those_at_the_goal() -> None:
    (found,) = result_of("evade", small_network(), some_images(1), disc(1), steps=60)
    there = [now for now in found.trajectory if now.score >= 0.6]
    assert (found.best.suspicion, found.best.l2) == min((n.suspicion, n.l2) for n in there)
    assert found.trajectory[0].suspicion == 0.0


def test_a_network_without_a_gradient_is_a_sentence() -> None:
    class Hard(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            first = (images[:, :1] > 0.5).float()
            return torch.cat([first, 1 - first], dim=1)

    with pytest.raises(AsmaError, match="no gradient"):
        evade(Hard(), AttackInputs(some_images(1), disc(1)), EvadeConfig(steps=3))
