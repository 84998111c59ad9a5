"""What each detector says, against closed forms and what is worked out by hand; its gradient."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import Tensor

from asma_core.defences.detectors.contract import Detector, judged, suspicion
from asma_core.defences.detectors.registry import DETECTORS, find_detector
from asma_core.errors import AsmaError

NAMES = list(DETECTORS)


def images(count: int = 2, size: int = 32, seed: int = 0) -> Tensor:
    """Smooth images exact in 8 bits, (B, 3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return (smooth * 255).round() / 255


def pixelwise(given: Tensor) -> Tensor:
    """Three classes from each pixel by itself: it follows whatever is moved."""
    red, green, blue = given.split(1, dim=1)
    return torch.cat([6 * red, 5 * green - blue, 4 * blue], dim=1)


def whole(given: Tensor) -> Tensor:
    """Each pixel against the mean of all: a crop is seen otherwise than the image."""
    return pixelwise(given - 3 * given.mean(dim=(2, 3), keepdim=True) ** 2)


def placed(given: Tensor) -> Tensor:
    """Sees the left side otherwise than the right one."""
    return pixelwise(given) * torch.linspace(0.2, 2.0, given.shape[-1])


def asked(text: str, network=pixelwise, given: Tensor | None = None) -> Tensor:
    return find_detector(text).maps(network, images() if given is None else given, judged())


def test_entropy_and_margin_are_those_of_the_probabilities() -> None:
    chances = pixelwise(images()).softmax(dim=1).numpy().astype(np.float64)
    expected = stats.entropy(chances, axis=1, base=3)
    assert asked("entropy").numpy() == pytest.approx(expected, abs=1e-6)
    ordered = np.sort(chances, axis=1)
    assert asked("margin").numpy() == pytest.approx(1 - ordered[:, 2] + ordered[:, 1], abs=1e-6)


def test_a_network_that_knows_nothing_is_as_suspicious_as_can_be() -> None:
    fair = lambda given: torch.zeros(len(given), 4, 32, 32)  # noqa: E731
    assert torch.allclose(asked("entropy", fair), torch.ones(2, 32, 32))
    assert torch.allclose(asked("margin", fair), torch.ones(2, 32, 32))


@pytest.mark.parametrize("sigma", [0.01, 0.05])
def test_the_residual_of_white_noise_is_its_standard_deviation(sigma: float) -> None:
    rows, columns = np.mgrid[:200, :150]
    ramp = torch.from_numpy(0.3 + 0.001 * rows + 0.0005 * columns).float().expand(1, 3, 200, 150)
    generator = torch.Generator().manual_seed(1)
    noisy = ramp + sigma * torch.randn(1, 3, 200, 150, generator=generator)
    maps = asked("residual", given=noisy)[:, 1:-1, 1:-1]
    assert float(suspicion(maps)[0]) == pytest.approx(sigma, rel=0.02)
    # What is linear is no noise.
    assert float(asked("residual", given=ramp)[:, 1:-1, 1:-1].max()) < 1e-6


def test_squeezing_is_the_larger_distance_of_bits_and_median() -> None:
    given = images(1)
    values = given[0].numpy()
    few = np.rint(values * 7) / 7
    smooth = ndimage.median_filter(values, size=(1, 3, 3), mode="nearest")
    plain, *others = (
        pixelwise(torch.from_numpy(one).float()[None]).softmax(dim=1)[0].numpy()
        for one in (values, few, smooth)
    )
    expected = np.maximum(*(0.5 * np.abs(other - plain).sum(axis=0) for other in others))
    found = asked("squeezing:bits=3", given=given)[0].numpy()
    assert found == pytest.approx(expected, abs=1e-5)
    assert found.max() > 0.01
    # Of 8 bits nothing is taken away, and a flat image is its own median.
    assert float(asked("squeezing:bits=8", given=torch.full((1, 3, 16, 16), 0.2)).max()) < 1e-6


def test_what_follows_every_move_does_not_disagree() -> None:
    assert float(asked("augmentation:sigma=0").max()) < 1e-6
    assert float(asked("crops").max()) < 1e-6
    flips = asked("augmentation:sigma=0:shift=0", placed)
    chances = placed(images()).softmax(dim=1)
    mirrored = placed(images().flip(3)).softmax(dim=1).flip(3)
    # Upside down nothing changes for this network: half the distance of left to right.
    expected = 0.25 * (mirrored - chances).abs().sum(dim=1)
    assert torch.allclose(flips, expected, atol=1e-6) and float(flips.max()) > 0.05
    assert float(asked("crops", whole).mean()) > 1e-3
    shifted = asked("augmentation:sigma=0:flips=false:shift=5", placed)
    assert float(shifted[:, :27, :27].mean()) > 1e-3
    # What was moved out of the image says nothing.
    assert float(shifted[:, 27:].abs().max()) == float(shifted[:, :, 27:].abs().max()) == 0.0


@pytest.mark.parametrize("name", NAMES)
def test_maps_are_one_an_image_repeatable_and_alike_in_a_batch(name: str) -> None:
    maps = asked(name, whole)
    assert maps.shape == (2, 32, 32) and float(maps.min()) >= 0 and float(maps.max()) <= 1.0001
    assert torch.equal(maps, asked(name, whole))
    alone = asked(name, whole, images()[1:])
    assert torch.allclose(maps[1:], alone, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "squeezing"])
def test_the_gradient_is_the_slope(name: str) -> None:
    detector, given = find_detector(name), images(1).double() * 0.9 + 0.05
    given += 0.01 * torch.rand(given.shape, generator=torch.Generator().manual_seed(2))
    way = torch.randn(given.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def said(moved: Tensor) -> Tensor:
        return suspicion(detector.maps(whole, moved, judged())).sum()

    free = given.clone().requires_grad_()
    (slope,) = torch.autograd.grad(said(free), free)
    near = 1e-6
    measured = float(said(given + near * way) - said(given - near * way)) / (2 * near)
    assert float((slope * way).sum()) == pytest.approx(measured, rel=1e-2, abs=1e-7)


def test_the_gradient_goes_straight_through_the_rounding_of_squeezing() -> None:
    free = images(1).requires_grad_()
    found = suspicion(find_detector("squeezing").maps(whole, free, judged()))
    (slope,) = torch.autograd.grad(found.sum(), free)
    assert bool(torch.isfinite(slope).all()) and float(slope.abs().max()) > 0


def test_suspicion_is_the_mean_of_what_counts() -> None:
    maps = torch.tensor([[[1.0, 2.0], [3.0, math.nan]]])
    valid = torch.tensor([[[True, True], [True, False]]])
    assert suspicion(maps, valid).tolist() == [2.0]
    # A mask of another size says nothing of these pixels.
    assert suspicion(maps[:, :1], valid).tolist() == [1.5]


@pytest.mark.parametrize(
    "text",
    [
        "garlic",
        "squeezing:4",
        "squeezing:bits=x",
        "squeezing:colour=1",
        "squeezing:bits=0",
        "augmentation:flips=false:shift=0:sigma=0",
        "entropy:bits=3",
    ],
)
def test_what_is_no_detector_is_a_sentence(text: str) -> None:
    with pytest.raises(AsmaError):
        find_detector(text)


def test_words_say_the_settings() -> None:
    assert find_detector("squeezing:bits=3").words() == "Feature squeezing (bits 3, window 3)"
    assert find_detector("entropy").words() == "Entropy"
    assert isinstance(find_detector("crops"), Detector)


def test_moved_images_need_an_answer_for_every_pixel() -> None:
    smaller = lambda given: pixelwise(given)[..., 2:-2, 2:-2]  # noqa: E731
    for name in NAMES:
        if DETECTORS[name].moves:
            with pytest.raises(AsmaError, match="choose another detector"):
                asked(name, smaller)
    with pytest.raises(AsmaError, match="leaves nothing"):
        asked("augmentation:shift=40")


def test_a_detector_is_called_by_its_settings() -> None:
    assert find_detector("squeezing:bits=3").words() == "Feature squeezing (bits 3, window 3)"
    assert find_detector("augmentation").words() == "Disagreement (flips, shift 4, sigma 0.02)"
    told = find_detector("augmentation:flips=false").words()
    assert told == "Disagreement (no flips, shift 4, sigma 0.02)"
    assert find_detector("entropy").words() == "Entropy"
