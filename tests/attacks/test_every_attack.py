"""What every attack of the registry promises, whatever its rule."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.contract import (
    AttackEntry,
    AttackInputs,
    AttackResult,
    OnStep,
    StepReport,
)
from asma_core.attacks.registry import ATTACKS
from asma_core.errors import InputError, ModelError
from tests.attacks.along import assert_batch_equals_singles
from tests.attacks.networks import disc, small_network, some_images

ENTRIES = list(ATTACKS.values())
everyone = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])


def run(
    entry: AttackEntry,
    images: Tensor,
    masks: Tensor,
    network: nn.Module | None = None,
    valid: Tensor | None = None,
    region: Tensor | None = None,
    **more,
):
    """Run an attack for ten steps towards a target that it will not quite reach."""
    config = entry.config(**{"steps": 10, "target_iou": 0.99} | more.pop("config", {}))
    torch.manual_seed(0)
    inputs = AttackInputs(images, masks, valid, region)
    return entry.attack(network or small_network(), inputs, config, **more)


@everyone
def test_a_batch_equals_singles(entry: AttackEntry) -> None:
    images, masks = some_images(4), disc(4)

    def attack(network: nn.Module, rows: slice, on_step: OnStep) -> list[AttackResult]:
        plain = {"rounding": False}
        return run(entry, images[rows], masks[rows], network, config=plain, on_step=on_step)

    assert_batch_equals_singles(attack, small_network(), 4)


@everyone
def test_it_repeats_bit_for_bit(entry: AttackEntry) -> None:
    images, masks = some_images(2), disc(2)
    for one, other in zip(run(entry, images, masks), run(entry, images, masks), strict=True):
        assert torch.equal(one.adversarial, other.adversarial)
        assert one.best == other.best


@everyone
def test_three_classes_and_void_pixels(entry: AttackEntry) -> None:
    network, images, masks = small_network(3), some_images(2), disc(2, classes=3)
    valid = torch.ones_like(masks, dtype=torch.bool)
    valid[:, :, 20:] = False
    results = run(entry, images, masks, network, valid=valid)
    nonsense = run(entry, images, masks.where(valid, 255), network, valid=valid)
    for one, other in zip(results, nonsense, strict=True):
        assert torch.equal(one.adversarial, other.adversarial)
        assert one.best.score >= one.trajectory[0].score


@everyone
def test_outside_the_region_nothing_changes(entry: AttackEntry) -> None:
    images, masks = torch.rand(2, 3, 32, 32), disc(2)
    region = torch.zeros(2, 32, 32, dtype=torch.bool)
    region[:, 6:28, 4:30] = True
    for image, result in zip(images, run(entry, images, masks, region=region), strict=True):
        assert torch.equal(result.adversarial[:, ~region[0]], image[:, ~region[0]])
        assert float(result.adversarial.min()) >= 0 and float(result.adversarial.max()) <= 1


@everyone
def test_at_the_target_nothing_changes(entry: AttackEntry) -> None:
    network, images = small_network(), some_images(1)
    mask = network(images).argmax(dim=1)
    config = {"goal_is": "towards the mask"} if hasattr(entry.config, "goal_is") else {}
    (result,) = run(entry, images, mask, network, config=config)
    assert torch.equal(result.adversarial, images[0])
    assert (result.gradient_evaluations, result.success) == (0, False)
    assert (result.ending, result.best.score) == ("already there", 1.0)


@everyone
def test_cancel_returns_the_best_so_far(entry: AttackEntry) -> None:
    (result,) = run(entry, some_images(1), disc(1), on_step=lambda report: report.step == 4)
    assert (result.ending, result.steps) == ("cancelled", 4)
    assert result.best.score == max(now.score for now in result.trajectory)


@everyone
def test_one_image_of_a_batch_is_cancelled_and_the_others_go_on(entry: AttackEntry) -> None:
    images, masks = some_images(3), disc(3)
    seen: list[tuple[int, ...]] = []

    def watch(report: StepReport) -> set[int]:
        seen.append(tuple(now.index for now in report.images))
        return {1} if report.step == 4 else set()

    results = run(entry, images, masks, on_step=watch)
    left = run(entry, images, masks, on_step=lambda _: None)
    assert (results[1].ending, results[1].steps) == ("cancelled", 4)
    assert results[1].best.score == max(now.score for now in results[1].trajectory)
    assert all(1 in indices for indices in seen[:5])
    assert not any(1 in indices for indices in seen[5:])
    for row in (0, 2):
        assert results[row].ending == left[row].ending != "cancelled"
        assert results[row].steps == left[row].steps


@everyone
def test_bad_logits_are_a_sentence(entry: AttackEntry) -> None:
    class Bad(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images[:, :2] * torch.nan

    with pytest.raises(ModelError, match="NaN"):
        run(entry, some_images(1), disc(1), Bad())


@everyone
def test_bad_inputs_are_sentences(entry: AttackEntry) -> None:
    images, masks = some_images(1), disc(1)
    empty = torch.zeros(1, 32, 32, dtype=torch.bool)
    with pytest.raises(InputError, match="region mask of an image is empty"):
        run(entry, images, masks, region=empty)
    with pytest.raises(InputError, match="valid mask of an image is empty"):
        run(entry, images, masks, valid=empty)
    with pytest.raises(InputError, match="holds class 7"):
        run(entry, images, masks * 7)
    with pytest.raises(InputError, match="divide 8-bit values by 255"):
        run(entry, images * 255, masks)
    with pytest.raises(InputError, match="float32"):
        run(entry, (images * 255).to(torch.uint8), masks)
    with pytest.raises(InputError, match="attack each size by itself"):
        run(entry, [images[0], images[0, :, :16]], masks)


class Elsewhere(nn.Module):
    """The small network, whose logits are scaled and turned around where nothing counts."""

    def __init__(self, classes: int, valid: Tensor, scale: float) -> None:
        super().__init__()
        self.network, self.valid, self.scale = small_network(classes), valid, scale

    def forward(self, images: Tensor) -> Tensor:
        logits = self.network(images)
        return torch.where(self.valid[:, None], logits, self.scale * logits.flip(1))


@pytest.mark.parametrize("scale", [50.0, 0.0])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("aim", ["towards the mask", "away from the prediction"])
@everyone
def test_what_the_logits_are_where_nothing_counts_changes_no_bit(
    entry: AttackEntry, aim: str, classes: int, scale: float
) -> None:
    aims = {"goal_is": aim} if hasattr(entry.config, "goal_is") else {}
    valid = torch.ones(1, 32, 32, dtype=torch.bool)
    valid[:, :, :20] = False
    images, mask = some_images(1), disc(1, classes=classes)
    results = []
    for factor in (1.0, scale):
        torch.manual_seed(0)
        config = entry.config(steps=12, target_iou=0.99, **aims)
        network = Elsewhere(classes, valid, factor)
        results += entry.attack(network, AttackInputs(images, mask, valid=valid), config)
    one, other = results
    assert torch.equal(one.adversarial, other.adversarial)
    assert [repr(now) for now in one.trajectory] == [repr(now) for now in other.trajectory]
    assert (one.ending, one.chosen, one.success) == (other.ending, other.chosen, other.success)
