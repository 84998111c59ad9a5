"""A network behind defences: what it says when judged, and what an attack is shown."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.defences.contract import Defence
from asma_core.errors import AsmaError
from asma_core.models.wrapper.backend import make_backend
from asma_core.models.wrapper.calls import predicted
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import JUDGED_DRAWS, MOST_DRAWS, PILOT_DRAWS, DefendedModel
from asma_core.models.wrapper.specs import InputSpec

CPU = torch.device("cpu")
BLUR, NOISE = Defence("gaussian", {"sigma": 1.0}), Defence("smoothing", {"sigma": 0.2})


class Bright(nn.Module):
    """Says class 1 where it is bright."""

    def forward(self, images: Tensor) -> Tensor:
        bright = 6 * (images.mean(1, keepdim=True) - 0.5)
        return torch.cat([-bright, bright], 1)


def base() -> SegmentationModel:
    spec = InputSpec(channels=3, size=0, multiple=1, mean=(0.0,) * 3, std=(1.0,) * 3)
    return SegmentationModel(Bright(), spec, ("background", "bright")).eval()


def some_images(count: int = 2) -> Tensor:
    return torch.rand(count, 3, 16, 12, generator=torch.Generator().manual_seed(1))


def test_the_first_defence_meets_the_image_first() -> None:
    images, model = some_images(), base()
    bits = Defence("bit-depth", {"bits": 1})
    blurred_last = DefendedModel(model, [bits, BLUR])(images)
    blurred_first = DefendedModel(model, [BLUR, bits])(images)
    from asma_core.defences.bit_depth import reduced
    from asma_core.defences.gaussian import gaussian

    assert torch.allclose(blurred_last, model(gaussian(reduced(images, 1), 1.0)))
    assert torch.allclose(blurred_first, model(reduced(gaussian(images, 1.0), 1)))


def test_what_draws_is_judged_by_the_same_draws_and_attacked_by_new_ones() -> None:
    images, model = some_images(), DefendedModel(base(), [NOISE])
    torch.manual_seed(0)
    before = torch.get_rng_state()
    judged = model(images)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(1)
    assert torch.equal(model(images), judged)
    first, second = model.search(images), model.search(images)
    assert not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(model.search(images), first)
    draws = list(model.each_draw(images))
    assert len(draws) == JUDGED_DRAWS
    mean = torch.stack([one.softmax(1) for one in draws]).mean(0)
    assert torch.allclose(judged.exp(), mean, atol=1e-6)
    assert model.random and not DefendedModel(base(), [BLUR]).random


@pytest.mark.parametrize("defences", [[NOISE], [Defence("random-resizing"), NOISE], [BLUR]])
def test_a_batch_is_answered_as_its_images(defences: list[Defence]) -> None:
    images, model = some_images(3), DefendedModel(base(), defences)
    singles = torch.cat([model(one[None]) for one in images])
    assert torch.allclose(model(images), singles, atol=1e-6)


def test_a_backend_searches_by_new_draws_and_is_asked_again_by_the_judge_s() -> None:
    images, model = some_images(), DefendedModel(base(), [NOISE])
    backend = make_backend(model, CPU)
    assert backend.rounds
    assert torch.equal(backend.exact(images), model(images))
    assert not torch.equal(backend(images), model(images))
    assert "not compiled" in backend.compiled_for(images)
    plain = make_backend(DefendedModel(base(), [BLUR]), CPU)
    assert not plain.rounds


@pytest.mark.parametrize(("noise", "draws"), [(0.0, 1), (0.5, 1), (2.0, 16), (100.0, MOST_DRAWS)])
def test_as_many_draws_as_halve_the_gradient_s_noise(
    monkeypatch: pytest.MonkeyPatch, noise: float, draws: int
) -> None:
    """Of noise with n times the gradient's length the mean over 4 n ** 2 has half of it."""
    model = DefendedModel(base(), [NOISE])
    generator = torch.Generator().manual_seed(0)
    truth = torch.ones(1, 3, 64, 64)

    def slope(*_: Tensor) -> Tensor:
        return truth + noise * torch.randn(truth.shape, generator=generator)

    monkeypatch.setattr(model, "_slope", slope)
    chosen = model.choose_draws(some_images())
    assert chosen == model.draws == pytest.approx(draws, abs=1)
    assert PILOT_DRAWS > 1


def test_without_a_draw_one_look_is_enough() -> None:
    model = DefendedModel(base(), [BLUR])
    assert model.choose_draws(some_images()) == model.draws == 1
    assert torch.equal(model.search(some_images()), model(some_images()))
    assert len(list(model.each_draw(some_images()))) == 1


def test_a_network_behind_a_defence_is_never_seen_smaller() -> None:
    spec = InputSpec(channels=3, size=8, multiple=1, mean=(0.0,) * 3, std=(1.0,) * 3)
    small = SegmentationModel(Bright(), spec, ("background", "bright")).eval()
    assert small.seen_size(32, 32) is not None
    assert DefendedModel(small, [BLUR]).seen_size(32, 32) is None
    assert predicted(DefendedModel(small, [BLUR])(torch.rand(1, 1, 32, 20))).shape == (1, 32, 20)


def test_what_there_is_not_is_a_sentence() -> None:
    with pytest.raises(AsmaError, match="defence"):
        DefendedModel(base(), [Defence("garlic")])
    with pytest.raises(AsmaError, match="sigma"):
        DefendedModel(base(), [Defence("smoothing", {"sigma": -1.0})])
