"""A network that fails for one image of a batch costs that image alone, whatever the attack."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.attacks.contract import AttackEntry, AttackInputs, AttackResult
from asma_core.attacks.engine.passes import GradientPasses
from asma_core.attacks.registry import ATTACKS
from tests.attacks.networks import disc, small_network, some_images

ENTRIES = list(ATTACKS.values())
everyone = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
by_gradients = pytest.mark.parametrize(
    "entry",
    [entry for entry in ENTRIES if not entry.black_box],
    ids=[entry.name for entry in ENTRIES if not entry.black_box],
)
STEPS = 12
BRIGHT = 0.6


class _DarkFails(nn.Module):
    """The small network, which fails in some way for images that are dark."""

    def __init__(self) -> None:
        super().__init__()
        self.network = small_network()

    def forward(self, images: Tensor) -> Tensor:
        dark = (images.detach().mean(dim=(1, 2, 3)) < BRIGHT).tolist()
        pairs = zip(images.split(1), dark, strict=True)
        return torch.cat(
            [self.fail(one) if is_dark else self.network(one) for one, is_dark in pairs]
        )

    def fail(self, image: Tensor) -> Tensor:
        raise NotImplementedError


class Unlike(_DarkFails):
    """Answers NaN as soon as the image differs from its original."""

    def fail(self, image: Tensor) -> Tensor:
        same = torch.equal(image.detach()[0], dark_and_bright()[0])
        return self.network(image) * (1.0 if same else torch.nan)


class Flat(_DarkFails):
    """Has no gradient."""

    def fail(self, image: Tensor) -> Tensor:
        return self.network(image.detach() + 0.0 * image)


class Infinite(_DarkFails):
    """Answers well, with a gradient that is NaN: that of the root at 0, times 0."""

    def fail(self, image: Tensor) -> Tensor:
        return self.network(image + 0.0 * (image - image.detach()).sqrt())


def dark_and_bright() -> Tensor:
    images = some_images(2)
    images[1] = (images[1] + 51 / 255).clamp_max(1.0)
    return (images * 255.0).round() / 255.0


def attacked(entry: AttackEntry, network: nn.Module, rows: slice) -> list[AttackResult]:
    inputs = AttackInputs(dark_and_bright()[rows], disc(2)[rows])
    torch.manual_seed(0)
    return entry.attack(network, inputs, entry.config(steps=STEPS, target_iou=0.999))


def goes_on(result: AttackResult) -> bool:
    return (result.ending, result.steps) == ("steps used", STEPS)


@everyone
def test_logits_that_turn_bad_end_one_image_with_what_it_had(entry: AttackEntry) -> None:
    failed, other = attacked(entry, Unlike(), slice(0, 2))
    assert failed.ending == "NaN or infinite values"
    # All that was seen of it is the original.
    assert (failed.best.step, failed.best.l2, failed.success) == (0, 0.0, False)
    assert torch.equal(failed.adversarial, dark_and_bright()[0])
    assert {now.index for now in failed.trajectory} == {0}
    assert {now.l2 for now in failed.trajectory} == {0.0}
    assert goes_on(other)
    assert {now.index for now in other.trajectory} == {1}
    (alone,) = attacked(entry, Unlike(), slice(0, 1))
    assert (alone.ending, alone.steps, alone.best) == (failed.ending, failed.steps, failed.best)


@by_gradients
@pytest.mark.parametrize(
    ("network", "ending"), [(Flat, "no gradient"), (Infinite, "NaN or infinite values")]
)
def test_a_first_gradient_that_leads_nowhere_ends_one_image(
    entry: AttackEntry, network: type[nn.Module], ending: str
) -> None:
    failed, other = attacked(entry, network(), slice(0, 2))
    assert (failed.ending, failed.success) == (ending, False)
    assert bool(torch.isfinite(failed.adversarial).all())
    # A multiplier is chosen from the first gradient, and there is none to choose it from.
    assert {"tau", "alpha"}.isdisjoint(failed.chosen)
    assert goes_on(other)
    (alone,) = attacked(entry, network(), slice(0, 1))
    assert (alone.ending, alone.steps) == (failed.ending, failed.steps)


def test_a_black_box_needs_no_gradient() -> None:
    assert all(map(goes_on, attacked(ATTACKS["square"], Flat(), slice(0, 2))))


def test_an_image_that_fails_late_keeps_its_best() -> None:
    class Shy(nn.Module):
        """Answers NaN for a change of more than L2 1."""

        def __init__(self) -> None:
            super().__init__()
            self.network = small_network()

        def forward(self, images: Tensor) -> Tensor:
            far = (images.detach() - some_images(1)).norm() > 1.0
            logits: Tensor = self.network(images)
            return logits.masked_fill(far, torch.nan)

    config = ATTACKS["minimal"].config(steps=60)
    (result,) = ATTACKS["minimal"].attack(Shy(), AttackInputs(some_images(1), disc(1)), config)
    assert result.ending == "NaN or infinite values"
    assert 0 < result.best.l2 <= 1.0
    assert result.best.score == max(now.score for now in result.trajectory)
    assert result.best.score > result.trajectory[0].score
    assert result.steps == result.trajectory[-1].step < 60


def test_the_gradient_of_some_rows_is_that_of_these_rows_alone() -> None:
    network, images = small_network(), some_images(3)
    rows = torch.tensor([True, False, True])
    passes = GradientPasses(network)
    logits = passes.forward(images)
    passes.select(rows)
    found = passes.backward(torch.ones_like(logits[rows]))
    inputs = images[rows].clone().requires_grad_()
    (expected,) = torch.autograd.grad(network(inputs).sum(), inputs)
    assert torch.allclose(found, expected, atol=1e-5)
    # The next pass is of all again.
    assert passes.backward(torch.ones_like(passes.forward(images))).shape == images.shape


def test_the_classes_that_were_predicted_are_told() -> None:
    class Never(nn.Module):
        """Has a third class and never says it."""

        def __init__(self) -> None:
            super().__init__()
            self.network = small_network()

        def forward(self, images: Tensor) -> Tensor:
            logits = self.network(images)
            return torch.cat((logits, logits.amin(dim=1, keepdim=True) - 1.0), dim=1)

    inputs = AttackInputs(some_images(1), disc(1, classes=3))
    for name in ("minimal", "worst-case"):
        config = ATTACKS[name].config(steps=6)
        (result,) = ATTACKS[name].attack(Never(), inputs, config)
        assert result.classes == {0, 1}


class FlatFarAway(nn.Module):
    """Has no gradient once an image has changed by more than L2 0.3."""

    def __init__(self) -> None:
        super().__init__()
        self.network = small_network()

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images)
        far = (images.detach() - some_images(1)).flatten(1).norm(dim=1) > 0.3
        return torch.where(far.view(-1, 1, 1, 1), logits.detach(), logits)


@pytest.mark.parametrize("name", ["minimal", "pgd", "worst-case"])
def test_gradients_that_are_0_on_the_way_are_counted_and_end_nothing(name: str) -> None:
    inputs = AttackInputs(some_images(1), disc(1))
    config = ATTACKS[name].config(steps=30, target_iou=0.999)
    (result,) = ATTACKS[name].attack(FlatFarAway(), inputs, config)
    assert (result.ending, result.steps) == ("steps used", 30)
    assert 0 < result.flat < result.gradient_evaluations
    (healthy,) = ATTACKS[name].attack(small_network(), inputs, config)
    assert healthy.flat == 0
