"""The minimal-norm attack in CIEDE2000: the metric, the weights, and what it is for."""

from __future__ import annotations

import pytest
import torch

from asma_core.attacks.contract import AttackInputs, AttackResult
from asma_core.attacks.engine.batch import AttackBatch, make_batch
from asma_core.attacks.minimal.attack import MINIMAL
from asma_core.attacks.minimal.colours import ColourDifference
from asma_core.attacks.minimal.settings import MinimalConfig
from asma_core.data.formats.images import ByteImage, to_bytes
from asma_core.errors import InputError
from asma_core.metrics.visibility import mean_delta_e
from tests.attacks.networks import Linear, disc, small_network, some_images

CONFIG = MinimalConfig(norm="ciede2000")


def batch_of(images: torch.Tensor) -> AttackBatch:
    target = torch.ones(len(images), *images.shape[2:], dtype=torch.int64)
    return make_batch(AttackInputs(images, target))


def pixels(image: torch.Tensor) -> ByteImage:
    return to_bytes(image.numpy())


def colours(channels: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (2, channels, 24, 24), generator=generator) / 255


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("levels", [1, 4])
def test_its_measure_is_the_mean_ciede2000_of_a_small_change(channels: int, levels: int) -> None:
    images = colours(channels)
    step = torch.randint(-levels, levels + 1, images.shape, generator=torch.Generator()) / 255
    changed = (images + step).clamp(0, 1)
    found = ColourDifference(batch_of(images), CONFIG).measured(changed, images)
    expected = [mean_delta_e(*map(pixels, pair)) for pair in zip(images, changed, strict=True)]
    assert found.tolist() == pytest.approx(expected, rel=0.02)


def test_a_typical_change_of_a_level_is_as_long_as_in_l2() -> None:
    grey = torch.full((1, 1, 8, 8), 128 / 255)
    norm = ColourDifference(batch_of(grey), CONFIG)
    change = torch.full_like(grey, 3 / 255)
    assert float(norm.length(change)) == pytest.approx(3 / 255 * 8, rel=1e-4)


def test_the_steepest_way_gains_what_it_says() -> None:
    """The gain per length of a step along the steepest way is the gain that is told."""
    images = colours(3)
    norm = ColourDifference(batch_of(images), CONFIG)
    gradient = torch.randn(images.shape, generator=torch.Generator().manual_seed(1))
    seen, gains = norm.steepest(gradient)
    originals = batch_of(images)
    inner = torch.full_like(images, 0.5)
    direction = seen / gains.view(-1, 1, 1, 1)
    stride, far = torch.full((2,), 1e-3), torch.full((2,), 1e9)
    moved = norm.moved(inner, originals, direction, stride, far) - inner
    assert norm.length(moved).tolist() == pytest.approx([1e-3] * 2, rel=1e-3)
    gained = (moved * gradient).flatten(1).sum(dim=1)
    torch.testing.assert_close(gained, 1e-3 * gains, atol=0, rtol=1e-3)


def test_a_pixel_counts_as_in_l1_up_to_twice_the_typical_change() -> None:
    grey = torch.full((1, 1, 1, 100), 128 / 255)
    norm = ColourDifference(batch_of(grey), CONFIG)
    change = torch.zeros_like(grey)
    # The root mean square is 1 level: one pixel far, one small, the others as they were.
    change[..., 0], change[..., 1] = 99**0.5 / 255, 1 / 255
    before = norm.length(change)
    norm.settle(change, torch.tensor([False]))
    assert torch.equal(norm.length(change), before), "not before it has been at the target"
    norm.settle(change, torch.tensor([True]))
    assert float(norm.length(change)) == pytest.approx(float(before), rel=1e-5)
    one, two, none = (float(norm._weights[0, 0, 0, place]) ** 2 for place in (0, 1, 2))
    assert two / one == pytest.approx(2.0, rel=1e-3)
    assert none / one == pytest.approx(10.0, rel=1e-3)


def test_it_is_the_closed_form_on_a_linear_network() -> None:
    weights = torch.tensor([0.6, -0.3, 0.2])
    network = Linear((0.6, -0.3, 0.2), bias=-0.35)
    colour = torch.tensor([128, 128, 128]) / 255
    image = colour.view(1, 3, 1, 1).expand(1, 3, 24, 24).contiguous()
    target = torch.zeros(1, 24, 24, dtype=torch.int64)
    target[:, 8:14, 6:15] = 1
    missing = 0.35 - float((weights * colour).sum())
    norm = ColourDifference(batch_of(image), CONFIG)
    # Of one pixel: the least of |L' d| where w'd is what is missing.
    factor = norm._factors[0, :, :, 0, 0]
    per_pixel = missing / float(torch.linalg.solve(factor, weights).norm())
    smallest = per_pixel * float(norm._seen) * int(target.sum()) / target.numel()
    config = MinimalConfig(target_iou=1.0, steps=300, rounding=False, norm="ciede2000")
    (result,) = MINIMAL(network, AttackInputs(image, target), config)
    assert result.success
    assert 0.9999 * smallest <= result.best.ciede2000 <= 1.05 * smallest


@pytest.mark.parametrize("classes", [2, 3])
def test_it_is_seen_less_than_the_smallest_change_in_l2(classes: int) -> None:
    network, images = small_network(classes), some_images(3)
    images = (images * 255).round() / 255
    inputs = AttackInputs(images, disc(3, classes=classes))

    def attacked(norm: str) -> list[AttackResult]:
        config = MinimalConfig(target_iou=0.75, steps=100, norm=norm)  # type: ignore[arg-type]
        return MINIMAL(network, inputs, config)

    for image, seen, plain in zip(images, attacked("ciede2000"), attacked("l2"), strict=True):
        assert seen.success and plain.success
        by_eye, by_norm = (
            mean_delta_e(pixels(image), pixels(result.adversarial)) for result in (seen, plain)
        )
        assert by_eye < 0.9 * by_norm
        assert seen.best.l2 > plain.best.l2
        nearest = [now.ciede2000 for now in seen.trajectory if now.score >= 0.75]
        assert seen.best.ciede2000 == min(nearest) == pytest.approx(by_eye, rel=0.1)


def test_only_grey_and_rgb_images_have_colours() -> None:
    images = torch.rand(1, 4, 8, 8)
    with pytest.raises(InputError, match="have 4 channels; choose L2 or Linf"):
        ColourDifference(batch_of(images), CONFIG)
