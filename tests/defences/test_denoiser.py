"""The denoiser: it learns, costs no random numbers, and what is not there is a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from asma_core.defences.denoiser import DenoiserSettings, denoised, is_kept, learn
from asma_core.errors import AsmaError

QUICK = DenoiserSettings(sigma=0.1, steps=150, learnt="quick")


def waves(seed: int, channels: int = 3, height: int = 48, width: int = 40) -> Tensor:
    """Slow waves in random directions, (C, H, W) in [0, 1]."""
    draw = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    slow = 0.3 * torch.rand(channels, 2, 1, 1, generator=draw)
    return 0.5 + 0.4 * torch.sin(slow[:, 0] * rows + slow[:, 1] * columns)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASMA_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("sigma", [0.02, 0.1])
def test_it_learns_to_remove_noise_and_leaves_clean_images_nearly_alone(
    home: Path, sigma: float
) -> None:
    settings = DenoiserSettings(sigma=sigma, steps=300, learnt="waves")
    assert not is_kept(settings)
    learn([waves(seed).numpy() for seed in range(8)], settings)
    assert is_kept(settings)
    clean = torch.stack([waves(seed) for seed in range(100, 104)])
    noise = sigma * torch.randn(clean.shape, generator=torch.Generator().manual_seed(7))

    def off(seen: Tensor) -> float:
        return float((seen - clean).square().mean().sqrt())

    assert off(denoised(clean + noise, settings)) < 0.6 * sigma
    assert off(denoised(clean, settings)) < 0.5 * sigma


@pytest.mark.parametrize("shape", [(1, 1, 33, 50), (2, 3, 5, 3), (1, 3, 64, 64)])
def test_any_size_and_grey_images_have_an_answer_of_their_shape(
    home: Path, shape: tuple[int, ...]
) -> None:
    small = [np.full((1, 9, 50), 0.5, np.float32), waves(1).numpy()]
    learn(small, DenoiserSettings(steps=2, learnt="quick"))
    images = torch.rand(shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    seen = denoised(images, QUICK)
    assert seen.shape == images.shape
    (slope,) = torch.autograd.grad(seen.sum(), images)
    assert torch.isfinite(slope).all() and slope.abs().sum() > 0


def test_learning_leaves_the_random_numbers_as_they_were(home: Path) -> None:
    torch.manual_seed(5)
    before, steps = torch.get_rng_state(), list[int]()
    learn([waves(0).numpy()], DenoiserSettings(steps=3, learnt="quick"), steps.append)
    assert torch.equal(torch.get_rng_state(), before) and steps == [1, 2, 3]


@pytest.mark.parametrize(
    ("learnt", "says"),
    [("", "learnt nothing"), ("gone", "not in this data folder"), ("../../secret", "no name")],
)
def test_weights_that_are_not_there_are_a_sentence(home: Path, learnt: str, says: str) -> None:
    with pytest.raises(AsmaError, match=says):
        denoised(torch.rand(1, 3, 8, 8), DenoiserSettings(learnt=learnt))


def test_weights_that_are_no_weights_are_a_sentence(home: Path) -> None:
    file = home / "denoisers" / "broken.safetensors"
    file.parent.mkdir()
    file.write_bytes(b"rubbish")
    with pytest.raises(AsmaError, match="denoiser"):
        denoised(torch.rand(1, 3, 8, 8), DenoiserSettings(learnt="broken"))
