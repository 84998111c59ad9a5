"""Sanity checks: each fault has a network that shows it, and healthy networks show none."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.checks import (
    FAR_REGION,
    HIDDEN,
    PROBABILITIES,
    TRAINING,
    TWO_ANSWERS,
    VANISHING,
    after,
    before,
)
from asma_core.attacks.contract import ImageStep
from asma_core.data.datasets import open_dataset
from asma_core.models.loading import load_model
from tests.attacks.networks import disc, small_network, some_images


def found(network: nn.Module) -> list[str]:
    mask = disc(1)
    return before(network, some_images(1), mask, torch.ones_like(mask, dtype=torch.bool))


@pytest.mark.parametrize("seed", range(5))
def test_a_healthy_network_shows_nothing(seed: int) -> None:
    assert found(small_network(seed=seed)) == []


@pytest.mark.parametrize("name", ["demo-lesion", "demo-fundus"])
def test_the_demo_networks_show_nothing(home: object, name: str) -> None:
    dataset = open_dataset(name)
    one, other = dataset.split("test")[:2]
    image = torch.from_numpy(dataset.image(one))[None]
    mask = torch.from_numpy(dataset.mask(other).labels)[None]
    model = load_model(f"{name}-unet", torch.device("cpu"))
    assert before(model, image, mask, torch.ones_like(mask, dtype=torch.bool)) == []


def test_probabilities_are_told_from_logits() -> None:
    assert PROBABILITIES in found(nn.Sequential(small_network(), nn.Softmax(dim=1)).eval())


def test_random_layers_are_noticed() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = small_network()

        def forward(self, images: Tensor) -> Tensor:
            noise: Tensor = self.network(images + 0.05 * torch.randn_like(images))
            return noise

    assert found(Noisy().eval()) == [TWO_ANSWERS]


def test_training_mode_is_told_and_left_as_it_was() -> None:
    network = small_network().train()
    assert found(network) == [TRAINING]
    assert network.training


def test_vanishing_gradients_are_noticed() -> None:
    class Masked(nn.Module):
        """The same answers, with a gradient a hundred thousand times smaller."""

        def __init__(self) -> None:
            super().__init__()
            self.network = small_network()

        def forward(self, images: Tensor) -> Tensor:
            logits: Tensor = self.network(images)
            return 1e-5 * logits + (1 - 1e-5) * logits.detach()

    assert found(Masked().eval()) == [VANISHING]


def way(scores: list[float]) -> list[ImageStep]:
    return [ImageStep(0, step, score, score, 1.0, 0.0, 0.0) for step, score in enumerate(scores)]


def test_a_way_that_falls_is_told_and_others_are_not() -> None:
    rising = [0.01 * step for step in range(80)]
    falling = rising[:50] + [0.5 - 0.01 * step for step in range(30)]
    assert after(way(rising)) == []
    assert "got worse with more steps: its score ends" in after(way(falling))[0]
    assert after(way([0.5 + 0.2 * (step % 2) for step in range(80)])) == []
    assert after(way(falling[:10])) == []


def test_the_sentences_say_what_to_do() -> None:
    for sentence in (PROBABILITIES, TWO_ANSWERS, TRAINING, VANISHING, HIDDEN):
        assert sentence.endswith(".")
        assert sentence[0].isupper()


def test_a_region_away_from_what_must_change_is_told() -> None:
    network, images, mask = small_network(), some_images(1), disc(1)
    valid = torch.ones_like(mask, dtype=torch.bool)
    with torch.no_grad():
        wrong = network(images).argmax(dim=1) != mask
    assert before(network, images, mask, valid, wrong) == []
    assert before(network, images, mask, valid, ~wrong) == [FAR_REGION]
    assert before(network, images, mask, valid & ~wrong, ~wrong) == []
