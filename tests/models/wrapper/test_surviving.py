"""A network that is searched through random treatments: what leads, and what counts."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.defences.contract import Defence
from asma_core.models.wrapper import surviving
from asma_core.models.wrapper.backend import make_backend
from asma_core.models.wrapper.calls import predicted
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.models.wrapper.specs import InputSpec
from asma_core.models.wrapper.surviving import SurvivingModel
from asma_core.treatments.registry import DRAWS

CPU = torch.device("cpu")


class Bright(nn.Module):
    """Says class 1 where it is bright."""

    def forward(self, images: Tensor) -> Tensor:
        bright = 6 * (images.mean(1, keepdim=True) - 0.5)
        return torch.cat([-bright, bright], 1)


def base() -> SegmentationModel:
    spec = InputSpec(channels=3, size=0, multiple=1, mean=(0.0,) * 3, std=(1.0,) * 3)
    return SegmentationModel(Bright(), spec, ("background", "bright")).eval()


def image() -> Tensor:
    return torch.rand(1, 3, 16, 12, generator=torch.Generator().manual_seed(1))


def target() -> Tensor:
    return torch.zeros(1, 16, 12, dtype=torch.int64)


def test_what_counts_is_the_network_itself_and_a_search_draws() -> None:
    model = SurvivingModel(base(), target(), away=False)
    assert torch.equal(model(image()), base()(image()))
    torch.manual_seed(0)
    first, second = model.search(image()), model.search(image())
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(model.search(image()), first)
    assert model.seen_size(512, 512) is None
    backend = make_backend(model, CPU)
    assert backend.rounds and torch.equal(backend.exact(image()), base()(image()))
    assert "not compiled" in backend.compiled_for(image())


def answers(*leads: float) -> list[Tensor]:
    """Logits of one pixel, whose class 1 leads by so much."""
    return [torch.tensor([0.0, lead]).view(1, 2, 1, 1) for lead in leads]


@pytest.mark.parametrize(
    ("leads", "wanted", "away", "said"),
    [
        # Four draws of five are won by far: their mean would be too, the fifth decides.
        ((9.0, 9.0, 9.0, 9.0, -2.0), 1, False, 0),
        ((9.0, 9.0, 9.0, 9.0, 0.5), 1, False, 1),
        ((-9.0, -9.0, 2.0, -9.0, -9.0), 0, False, 1),
        # Away from class 1: as long as one draw still says it, so does all of it.
        ((-9.0, -9.0, 2.0, -9.0, -9.0), 1, True, 1),
        ((-9.0, -9.0, -1.0, -9.0, -9.0), 1, True, 0),
    ],
)
def test_the_draw_that_is_furthest_from_the_goal_decides(
    monkeypatch: pytest.MonkeyPatch, leads: tuple[float, ...], wanted: int, away: bool, said: int
) -> None:
    monkeypatch.setattr(surviving, "each_draw", lambda *_: answers(*leads))
    model = SurvivingModel(base(), torch.tensor([[[wanted]]]), away)
    logits = model.search(torch.zeros(1, 3, 1, 1))
    assert logits.shape == (1, 2, 1, 1) and predicted(logits).item() == said


def test_of_equal_draws_it_is_the_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surviving, "each_draw", lambda *_: answers(1.5, 1.5, 1.5))
    model = SurvivingModel(base(), torch.ones(1, 1, 1, dtype=torch.int64), away=False)
    assert torch.allclose(model.search(torch.zeros(1, 3, 1, 1)), answers(1.5)[0].log_softmax(1))


def test_a_gradient_reaches_the_image() -> None:
    images = image().requires_grad_()
    logits = SurvivingModel(base(), target(), away=False).search(images)
    (slope,) = torch.autograd.grad(logits[:, 1].sum() - logits[:, 0].sum(), images)
    assert torch.isfinite(slope).all() and (slope > 0).float().mean() > 0.9


def test_what_a_random_defence_needs_is_shared_out_among_the_draws() -> None:
    noisy = DefendedModel(base(), [Defence("smoothing", {"sigma": 0.2})])
    model = SurvivingModel(noisy, target(), away=False)
    needed = DefendedModel(base(), noisy.defences).choose_draws(image())
    chosen = model.choose_draws(image())
    assert chosen == DRAWS * noisy.draws and needed <= chosen < needed + DRAWS
    assert model.search(image()).shape == (1, 2, 16, 12)
    assert SurvivingModel(base(), target(), away=False).choose_draws(image()) == DRAWS
