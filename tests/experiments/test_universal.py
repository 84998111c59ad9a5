"""One change for all images: what it is of a linear network, its budget, and the study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from asma_core.attacks.contract import AttackInputs
from asma_core.attacks.universal import UniversalConfig, changed, fitted, learned
from asma_core.cli.main import main
from asma_core.data.datasets import open_dataset
from asma_core.errors import AsmaError, InputError
from asma_core.experiments.universal_plan import doubled, universal_plan
from asma_core.models.sources.cards import find_card
from tests import tiny
from tests.attacks.networks import Linear, small_network, some_images
from tests.models.sources.test_black_box import named

WEIGHTS = (1.0, -0.5, 0.0)


def given(images: torch.Tensor, mask: torch.Tensor) -> list[AttackInputs]:
    return [AttackInputs(image[None], mask[None]) for image in images]


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_of_a_linear_network_it_is_the_weights(norm: str) -> None:
    """To hide all, each pixel goes against the weights, as far as the budget lets it."""
    images = 0.5 + 0.02 * torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    budget = 0.1 if norm == "linf" else 1.0
    config = UniversalConfig(steps=40, norm=norm, budget=budget, at_once=2)
    torch.manual_seed(0)
    # Logits near 0, where the pull is about the same at all pixels.
    network = Linear(WEIGHTS, -0.25)
    change = learned(network, given(images, torch.zeros(8, 8, dtype=torch.int64)), config, False)
    weights = torch.tensor(WEIGHTS).view(1, 3, 1, 1)
    if norm == "linf":
        torch.testing.assert_close(change, (-0.1 * weights.sign()).expand_as(change))
        return
    straight = -weights.expand(1, 3, 8, 8) / weights.expand(1, 3, 8, 8).norm()
    assert float(change.norm()) == pytest.approx(1.0, abs=1e-5)
    assert float((change * straight).sum()) > 0.99


def test_away_it_goes_the_other_way_and_network_and_images_stay() -> None:
    images = 0.6 + torch.zeros(2, 3, 4, 4)
    network = Linear((1.0, 0.0, 0.0), -0.5)
    ones = torch.ones(4, 4, dtype=torch.int64)
    change = learned(network, given(images, ones), UniversalConfig(steps=5, budget=0.05), True)
    assert torch.equal(change[:, 1:], torch.zeros(1, 2, 4, 4))
    torch.testing.assert_close(change[:, 0], torch.full((1, 4, 4), -0.05))
    assert network.weight.requires_grad and network.weight.grad is None
    assert float(images.min()) == float(images.max())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_an_image_of_another_size_has_it_resized_within_the_budget(norm: str) -> None:
    torch.manual_seed(3)
    change = torch.rand(1, 3, 16, 16) - 0.5
    change = change / (change.abs().max() if norm == "linf" else change.norm())
    budget = 0.1 if norm == "linf" else 1.0
    image = torch.full((1, 3, 40, 24), 0.5)
    assert fitted(change * budget, image).shape == image.shape
    file = changed(image, change * budget, budget, norm)
    length = (file - image).abs().max() if norm == "linf" else (file - image).norm()
    # Half a level of each value is lost or won by rounding.
    assert float(length) <= budget + (0.5 / 255) * (1 if norm == "linf" else image.numel() ** 0.5)
    assert torch.equal((file * 255).round() / 255, file)
    sizes = [image, torch.full((1, 3, 16, 16), 0.5)]
    masks = [torch.zeros(1, *one.shape[-2:], dtype=torch.int64) for one in sizes]
    several = [AttackInputs(one, mask) for one, mask in zip(sizes, masks, strict=True)]
    assert learned(small_network(), several, UniversalConfig(steps=2), False).shape == image.shape


def test_grey_and_colour_share_no_change() -> None:
    mask = torch.zeros(1, 32, 32, dtype=torch.int64)
    some = [AttackInputs(some_images(1, channels), mask) for channels in (1, 3)]
    with pytest.raises(InputError, match="one number of channels, got 1 and 3"):
        learned(small_network(), some, UniversalConfig(), False)


def test_counts_double_up_to_the_last() -> None:
    assert [doubled(n) for n in (1, 2, 6, 16)] == [(1,), (1, 2), (1, 2, 4, 6), (1, 2, 4, 8, 16)]


def test_what_is_learned_on_is_not_judged_on(home: Path) -> None:
    tiny.furnish(home)
    dataset, card = open_dataset(tiny.DATASET), find_card(tiny.MODEL)
    plan = universal_plan(card, dataset, 4, 9, "hide", config=UniversalConfig())
    assert plan.learned_on == ("00", "01", "02", "03") and plan.counts == (1, 2, 4)
    assert plan.judged_on == ("06", "07")
    with pytest.raises(AsmaError, match="has 6 images to learn on and 2 to judge on"):
        universal_plan(card, dataset, 7, 9, "hide", config=UniversalConfig())
    with pytest.raises(AsmaError, match="'up' is no goal"):
        universal_plan(card, dataset, 1, 1, "up", config=UniversalConfig())
    with pytest.raises(AsmaError, match="needs the image whose mask it is"):
        universal_plan(card, dataset, 1, 1, "mask", config=UniversalConfig())
    with pytest.raises(AsmaError, match="takes no gradients"):
        universal_plan(find_card(named(home)), dataset, 1, 1, "hide", config=UniversalConfig())


@pytest.mark.parametrize("goal", ["hide", "away", "mask"])
def test_the_command_learns_judges_and_saves(
    home: Path, capsys: pytest.CaptureFixture[str], goal: str
) -> None:
    tiny.furnish(home)
    words = f"universal --model {tiny.MODEL} --dataset {tiny.DATASET} --images 4 --goal {goal}"
    more = f"--steps 30 --budget 0.2 --target-sample 02 --out {home / 'out'} --json"
    if goal != "mask":
        more = more.replace("--target-sample 02", "")
    assert main([*words.split(), *more.split()]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["images"] for row in found["rows"]] == ["noise", 1, 2, 4]
    assert found["rows"][0]["score_learned"] is None
    assert found["budget"] == 0.2 and len(found["sentences"]) == 1
    change = np.load(found["files"]["universal.npy"])
    assert change.shape == (3, 32, 32) and np.abs(change).max() <= np.float32(0.2)
    for row in found["rows"]:
        assert 0 <= row["successes"] <= row["n"] <= 2 and 0.0 <= row["score"] <= 1.0
    # A fifth of the range hides a bright disc from a network that looks at brightness.
    if goal == "hide":
        assert found["rows"][-1]["score"] > found["rows"][0]["score"]
    assert all(Path(path).stat().st_size for path in found["files"].values())
    # The change that was saved is the one that was judged: put on by hand, it scores the same.
    if goal == "away":
        scores = []
        for index in (6, 7):
            pixels = tiny.image_pixels(index).astype(np.float32) / 255.0
            moved = np.clip(pixels + change.transpose(1, 2, 0), 0, 1)
            scores.append(1.0 - _iou(_said(home, pixels), _said(home, moved)))
        assert found["rows"][-1]["score"] == pytest.approx(np.mean(scores))


def _said(home: Path, pixels: np.ndarray) -> np.ndarray:
    network = tiny.bare_network(tiny.MODEL, home / "models" / f"{tiny.MODEL}.safetensors")
    images = torch.from_numpy(np.rint(pixels * 255).transpose(2, 0, 1)[None] / 255).float()
    with torch.no_grad():
        return network((images - tiny.MEAN) / tiny.STD).argmax(dim=1)[0].numpy() > 0


def _iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())
