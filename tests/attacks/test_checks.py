"""Sanity checks: each fault has a network that shows it, and healthy networks show none."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.checks import (
    FAR_REGION,
    HIDDEN,
    ONE_COLOUR,
    PROBABILITIES,
    TRAINING,
    TWO_ANSWERS,
    VANISHING,
    VOID_TARGET,
    WORSE,
    after,
    before,
)
from asma_core.attacks.contract import StepMetrics
from asma_core.data.datasets import open_dataset
from asma_core.models.sources.cards import find_card
from asma_core.models.sources.loading import load_model
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
    model = load_model(find_card(f"{name}-unet"), torch.device("cpu"))
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


def way(scores: list[float]) -> list[StepMetrics]:
    return [StepMetrics(0, step, score, score, 1.0, 0.0, 0.0) for step, score in enumerate(scores)]


def test_a_way_that_falls_is_told_and_others_are_not() -> None:
    rising = [0.01 * step for step in range(80)]
    falling = rising[:50] + [0.5 - 0.01 * step for step in range(30)]
    assert after(way(rising)) == []
    assert "got worse with more steps: its score ends" in after(way(falling))[0]
    assert after(way([0.5 + 0.2 * (step % 2) for step in range(80)])) == []
    assert after(way(falling[:10])) == []


def test_the_sentences_say_what_to_do() -> None:
    told = (PROBABILITIES, TWO_ANSWERS, TRAINING, VANISHING, HIDDEN, ONE_COLOUR, VOID_TARGET)
    for sentence in told:
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


@pytest.mark.parametrize(
    ("best", "half", "end", "told"),
    [
        # Best, then the third quarter, then the last one.
        (0.5, 0.5, 0.35, True),
        (0.5, 0.5, 0.41, False),
        (0.5, 0.5, 0.39, True),
        (0.5, 0.38, 0.36, False),
        (0.5, 0.40, 0.36, True),
        (0.5, 0.30, 0.36, False),
    ],
)
def test_it_has_gone_astray_who_lost_a_tenth_and_still_falls(
    best: float, half: float, end: float, told: bool
) -> None:
    scores = [best] * 10 + [half] * 5 + [end] * 5
    found = after(way(scores))
    assert found == [WORSE.format(lost=best - end)] * told
    assert after(way(scores[1:])) == []


def test_a_healthy_network_that_is_asked_away_from_its_prediction_shows_nothing() -> None:
    network, images = small_network(), some_images(1)
    seen = network(images).argmax(dim=1)
    valid = torch.ones_like(seen, dtype=torch.bool)
    assert before(network, images, seen, valid, away=True) == []
    # Towards it nothing must change, and away from it all: the region is far from none of it.
    nowhere = torch.zeros_like(valid)
    assert before(network, images, seen, valid, nowhere) == []
    assert before(network, images, seen, valid, nowhere, away=True) == [FAR_REGION]


def test_a_region_is_held_against_the_middle_of_a_network_without_padding() -> None:
    network, images = small_network(padding=0), some_images(1)
    with torch.no_grad():
        seen = network(images).argmax(dim=1)
    mask, valid = seen.clone(), torch.ones_like(seen, dtype=torch.bool)
    mask[0, 4, 7] = 1 - mask[0, 4, 7]
    region = torch.zeros(1, 32, 32, dtype=torch.bool)
    # Three pixels are missing at each side.
    region[0, 7, 10] = True
    assert FAR_REGION not in before(network, images, mask, valid, region)
    assert FAR_REGION in before(network, images, mask, valid, region.roll(1, dims=2))
    assert FAR_REGION in before(network, images, mask, valid, region.roll(-1, dims=1))


@pytest.mark.parametrize("level", [0.0, 0.25, 1.0])
def test_an_image_of_one_colour_is_told(level: float) -> None:
    mask = disc(1)
    valid, images = torch.ones_like(mask, dtype=torch.bool), torch.full((1, 3, 32, 32), level)
    images[:, 1] = 0.5
    assert ONE_COLOUR in before(small_network(), images, mask, valid)
    images[0, 2, 31, 31] = 0.6
    assert ONE_COLOUR not in before(small_network(), images, mask, valid)


def test_a_target_whose_structure_does_not_count_is_told() -> None:
    network, images, mask = small_network(), some_images(1), disc(1)
    outside = mask == 0
    assert before(network, images, mask, outside) == [VOID_TARGET]
    # A target without structure asks for the same on purpose, and one that leads away asks nothing.
    assert before(network, images, torch.zeros_like(mask), outside) == []
    assert VOID_TARGET not in before(network, images, mask, outside, away=True)
    outside[0, 10, 16] = True
    assert mask[0, 10, 16] == 1
    assert before(network, images, mask, outside) == []
