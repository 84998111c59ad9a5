"""What each defence does to an image, against libraries and plain loops; and its gradient."""

from __future__ import annotations

import io
from dataclasses import MISSING
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from torch import Tensor

from asma_core.defences import jpeg
from asma_core.defences.averaging import mean_answer
from asma_core.defences.bit_depth import reduced
from asma_core.defences.contract import Defence
from asma_core.defences.gaussian import gaussian
from asma_core.defences.median import exchanges, median
from asma_core.defences.non_local_means import averaged
from asma_core.defences.registry import DEFENCES, find_defence, in_words, settings_of
from asma_core.defences.total_variation import denoised
from asma_core.errors import AsmaError
from asma_core.fields import declared


def picture(channels: int = 3, height: int = 21, width: int = 19, seed: int = 0) -> Tensor:
    """Smooth colours with an edge and some noise, rounded to 8 bits, (1, C, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    planes = torch.stack([rows / height, columns / width, (rows > columns).float()])[:channels]
    noise = 0.1 * torch.randn(channels, height, width, generator=generator)
    return ((0.2 + 0.6 * planes + noise).clamp(0, 1)[None] * 255).round() / 255


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [5, 50, 75, 100])
def test_jpeg_is_what_a_file_would_hold(channels: int, quality: int) -> None:
    image = picture(channels)
    bytes_ = (image[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(bytes_[..., 0] if channels == 1 else bytes_).save(file, "JPEG", quality=quality)
    read = np.asarray(Image.open(file)).reshape(21, 19, channels)
    seen = jpeg.compressed(image, quality)[0].permute(1, 2, 0)
    assert np.array_equal((seen * 255).round().numpy(), read)


@pytest.mark.parametrize("quality", [10, 49, 50, 75, 98])
def test_the_tables_are_those_in_libjpeg_s_own_files(quality: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", quality=quality)
    held: Any = Image.open(file)
    for number, table in enumerate((jpeg._LUMA, jpeg._CHROMA)):
        assert jpeg.quantisation(table, quality) == list(held.quantization[number])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [30, 75, 95])
def test_what_stands_for_jpeg_is_close_to_it(channels: int, quality: int) -> None:
    """But for the way in which libjpeg enlarges colours, which is its own, and its integers."""
    image = picture(channels, 32, 48)
    near, real = jpeg.approximate(image, quality), jpeg.compressed(image, quality)
    apart = (near.clamp(0, 1) - real).abs().mean()
    assert apart < 0.01 < (picture(channels, 32, 48, seed=1) - real).abs().mean()


def test_jpeg_s_gradient_is_small_where_it_takes_away_and_large_where_it_lets_through() -> None:
    image = torch.full((1, 1, 8, 8), 0.5)
    rows = torch.arange(8.0)[:, None] + 0.5
    slow = torch.cos(torch.pi / 8 * rows).expand(8, 8)
    quick = torch.cos(torch.pi / 8 * rows * 7) * torch.cos(torch.pi / 8 * 7 * rows.T)

    def slope(wave: Tensor, amplitude: float) -> float:
        asked = (image + amplitude * slow).requires_grad_()
        (gradient,) = torch.autograd.grad((jpeg.approximate(asked, 50) * wave).sum(), asked)
        return float((gradient * wave).sum() / (wave**2).sum())

    # Of an image without quick waves, quality 50 removes what little is added of them.
    assert slope(quick, 0.1) == pytest.approx(jpeg.FLATTEST, abs=0.01)
    # A slow wave in the middle between two steps passes.
    half = 11 * 0.5 / 255 / float((slow / slow.norm()).norm()) * float(slow.norm() ** -1)
    assert slope(slow, half) > 0.5


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.3])
def test_gaussian_is_scipy_s(sigma: float) -> None:
    image = picture()
    truth = ndimage.gaussian_filter(image[0].numpy(), (0, sigma, sigma), mode="nearest", truncate=4)
    assert np.allclose(gaussian(image, sigma)[0].numpy(), truth, atol=2e-3)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_median_is_scipy_s(size: int) -> None:
    image = picture()
    truth = ndimage.median_filter(image[0].numpy(), (1, size, size), mode="nearest")
    assert np.array_equal(median(image, size)[0].numpy(), truth)


@given(values=st.lists(st.integers(0, 9), min_size=2, max_size=49))
@settings(max_examples=60)
def test_exchanges_bring_the_median_to_the_middle(values: list[int]) -> None:
    row, truth = list(values), sorted(values)
    for first, second, lower, higher in exchanges(len(row)):
        one, other = row[first], row[second]
        # What nobody looks at afterwards may be anything.
        row[first] = min(one, other) if lower else -1000
        row[second] = max(one, other) if higher else 1000
    assert row[len(row) // 2] == truth[len(row) // 2]


@pytest.mark.parametrize("size", [3, 5, 7])
def test_the_gradient_of_a_median_goes_to_the_pixel_that_it_is(size: int) -> None:
    """Of values that all differ, as torch's own median of each pixel's square has it."""
    values = torch.randperm(2 * 15 * 11, generator=torch.Generator().manual_seed(0))
    images = values.view(2, 1, 15, 11).float().requires_grad_()
    squares = torch.nn.functional.pad(images, (size // 2,) * 4, mode="replicate")
    own = squares.unfold(2, size, 1).unfold(3, size, 1).flatten(4).median(dim=4).values
    weights = torch.randn(own.shape, generator=torch.Generator().manual_seed(1))
    (truth,) = torch.autograd.grad((own * weights).sum(), images)
    (found,) = torch.autograd.grad((median(images, size) * weights).sum(), images)
    assert torch.allclose(found, truth, atol=1e-5)


@given(bits=st.integers(1, 8), value=st.integers(0, 255))
@settings(max_examples=40)
def test_bit_depth_is_the_nearest_level(bits: int, value: int) -> None:
    seen = float(reduced(torch.full((1, 1, 1, 1), value / 255), bits))
    levels = [level / (2**bits - 1) for level in range(2**bits)]
    assert abs(seen - value / 255) <= min(abs(level - value / 255) for level in levels) + 1e-6
    assert min(abs(level - seen) for level in levels) < 1e-6


def test_total_variation_solves_its_problem() -> None:
    """Of many steps: no small change of the answer makes energy smaller, and wiggles are fewer."""
    image, weight = picture(1, 12, 10).double(), 0.1

    def energy(planes: Tensor) -> float:
        falls = torch.nn.functional.pad(planes.diff(dim=2), (0, 0, 0, 1))
        runs = torch.nn.functional.pad(planes.diff(dim=3), (0, 1))
        wiggles = (falls**2 + runs**2).sqrt().sum()
        return float(((planes - image) ** 2).sum() / (2 * weight) + wiggles)

    found = denoised(image, weight, 3000)
    assert energy(found) < energy(image)
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        step = 0.01 * torch.randn(image.shape, generator=generator, dtype=torch.float64)
        assert energy(found + step) > energy(found) - 1e-4


@pytest.mark.parametrize("shape", [(2, 3, 9, 7), (1, 1, 1, 6), (1, 1, 5, 1)])
@pytest.mark.parametrize("rounds", [1, 20])
def test_total_variation_has_the_gradient_of_what_it_does(
    shape: tuple[int, ...], rounds: int
) -> None:
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda given: denoised(given, 0.05, rounds),
        images.requires_grad_(),
        check_undefined_grad=False,
    )


def test_non_local_means_is_the_plain_loop() -> None:
    image, strength, search = picture(3, 9, 8), 0.1, 5
    planes, (height, width) = image[0].double().numpy(), image.shape[-2:]

    def at(row: int, column: int) -> Any:
        return planes[:, min(max(row, 0), height - 1), min(max(column, 0), width - 1)]

    apart = np.zeros((height, width, search, search))
    for row, column, down, right in np.ndindex(*apart.shape):
        other = at(row + down - 2, column + right - 2)
        apart[row, column, down, right] = ((at(row, column) - other) ** 2).mean()
    for row, column in np.ndindex(height, width):
        near = [
            apart[min(max(row + down, 0), height - 1), min(max(column + right, 0), width - 1)]
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
        ]
        weights = np.exp(-np.mean(near, axis=0) / strength**2)
        total = sum(
            weights[down, right] * at(row + down - 2, column + right - 2)
            for down, right in np.ndindex(search, search)
        )
        seen = averaged(image, strength, search)[0, :, row, column].numpy()
        assert np.allclose(seen, total / weights.sum(), atol=1e-5)


def test_the_mean_of_answers_is_that_of_their_probabilities() -> None:
    answers = [torch.randn(2, 3, 4, 4) for _ in range(5)]
    mean = torch.stack([logits.softmax(1) for logits in answers]).mean(0)
    assert torch.allclose(mean_answer(answers).exp(), mean, atol=1e-6)
    far = [torch.tensor([[[[300.0]], [[-300.0]]]]), torch.tensor([[[[500.0]], [[-500.0]]]])]
    assert torch.isfinite(mean_answer(far)).all()


class TwoClasses(torch.nn.Module):
    """Says class 1 where the mean of the channels is over a half."""

    def forward(self, images: Tensor) -> Tensor:
        bright = 8 * (images.mean(1, keepdim=True) - 0.5)
        return torch.cat([-bright, bright], 1)


@pytest.fixture
def learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Settings of what learns from images first, by its name; it has learnt."""
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    known = {}
    for name, entry in DEFENCES.items():
        if entry.learning is not None:
            values = {"steps": 20, "learnt": "mine"}
            entry.learning.learn([picture()[0].numpy()], settings_of(Defence(name, values)))
            known[name] = values
    return known


@pytest.mark.parametrize("name", DEFENCES)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_has_a_finite_gradient_that_leads_somewhere(
    name: str, channels: int, learnt: dict[str, dict[str, Any]]
) -> None:
    """A step along it raises what was asked for, through the defence as it really is."""
    entry = find_defence(name)
    settings = settings_of(Defence(name, learnt.get(name, {})))
    images = picture(channels, 24, 32).expand(2, -1, -1, -1).clone().requires_grad_()

    def asked(given: Tensor) -> Tensor:
        torch.manual_seed(3)
        answer = entry.ask(TwoClasses(), given, settings)
        assert answer.shape == (2, 2, 24, 32)
        return answer[:, 1].sum() - answer[:, 0].sum()

    before = asked(images)
    (gradient,) = torch.autograd.grad(before, images)
    assert torch.isfinite(gradient).all() and gradient.abs().sum() > 0
    # Both images are the same, and so is what becomes of them.
    assert torch.allclose(gradient[0], gradient[1], atol=1e-6)
    step = images.detach() + 0.1 * gradient.sign()
    assert asked(step) > before
    # Where no gradient is wanted, the answer is the same and has none.
    with torch.no_grad():
        told = asked(images)
    assert torch.allclose(told, before.detach(), atol=1e-3) and not told.requires_grad


@pytest.mark.parametrize("name", DEFENCES)
def test_each_is_told_and_its_settings_are_checked(name: str) -> None:
    entry = find_defence(name)
    assert entry.summary.endswith(".") and entry.adaptive.endswith(".") and entry.source
    assert in_words([Defence(name)]).startswith(entry.title)
    assert all(item.default is not MISSING for item in declared(entry.settings).values())
    with pytest.raises(AsmaError, match="setting"):
        settings_of(Defence(name, {"no-such": 1}))


def test_a_defence_that_there_is_not_is_a_sentence() -> None:
    with pytest.raises(AsmaError, match="defence"):
        find_defence("garlic")
