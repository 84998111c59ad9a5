"""The wrapper makes all networks one thing, and changes nothing of what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from asma_core.errors import ModelError
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.specs import InputSpec, OutputSpec
from tests.models import bare

SPEC = InputSpec(3, 0, 4, bare.MEAN, bare.STD)
NAMES = ("ground", "disc")
IMAGES = bare.images()


def wrapped(network: nn.Module, output: OutputSpec, spec: InputSpec = SPEC) -> SegmentationModel:
    return SegmentationModel(network, spec, NAMES, output).eval()


KINDS: dict[str, tuple[nn.Module, OutputSpec, Callable[[nn.Module, Tensor], Tensor]]] = {
    "logits": (bare.Plain(), OutputSpec(), lambda net, x: net(x)),
    "tuple": (bare.Tuple(), OutputSpec(element=(1, 0)), lambda net, x: net(x)[1][0]),
    "dict": (bare.Dict(), OutputSpec(element=("out",)), lambda net, x: net(x)["out"]),
    "deep supervision": (bare.Deep(), OutputSpec(element=(1,)), lambda net, x: net(x)[:, 1]),
    "probabilities": (
        bare.Probabilities(),
        OutputSpec(reading="probabilities"),
        lambda net, x: net(x).log(),
    ),
    "one logit": (
        bare.OneLogit(),
        OutputSpec(reading="one-logit"),
        lambda net, x: torch.cat([-net(x) / 2, net(x) / 2], 1),
    ),
    "one probability": (
        bare.OneProbability(),
        OutputSpec(reading="one-probability"),
        lambda net, x: torch.cat([1 - net(x), net(x)], 1).log(),
    ),
    "no channels": (
        bare.Flat(),
        OutputSpec(reading="one-logit"),
        lambda net, x: torch.stack([-net(x) / 2, net(x) / 2], 1),
    ),
    "other order": (bare.Plain(), OutputSpec(channels=(1, 0)), lambda net, x: net(x).flip(1)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_logits_are_the_bare_network_s(kind: str) -> None:
    network, output, expected = KINDS[kind]
    model = wrapped(network, output)
    found = model(IMAGES)
    assert found.shape == (2, 2, 32, 40)
    assert (found - expected(network, bare.prepared(IMAGES))).abs().max() <= 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_is_the_bare_network_s(kind: str) -> None:
    network, output, expected = KINDS[kind]
    ours, theirs = (IMAGES.clone().requires_grad_() for _ in range(2))
    wrapped(network, output)(ours)[:, 1].sum().backward()
    expected(network, bare.prepared(theirs))[:, 1].sum().backward()
    assert ours.grad is not None and theirs.grad is not None
    assert (ours.grad - theirs.grad).abs().max() <= 1e-5


def test_one_image_at_a_time() -> None:
    network = bare.OneByOne()
    model = wrapped(network, OutputSpec(), replace(SPEC, batch=1))
    single = torch.cat([network(bare.prepared(IMAGES[place : place + 1])) for place in (0, 1)])
    assert (model(IMAGES) - single).abs().max() <= 1e-5


def test_an_answer_without_padding_lies_in_the_centre() -> None:
    network = bare.Valid()
    model = wrapped(network, OutputSpec(fit="centre"))
    found = model(IMAGES)
    assert found.shape == (2, 2, 32, 40)
    inside = network(bare.prepared(IMAGES))
    assert inside.shape == (2, 2, 28, 36)
    assert (found[..., 2:-2, 2:-2] - inside).abs().max() <= 1e-5
    edge = found.argmax(1)
    edge[:, 2:-2, 2:-2] = 0
    assert not edge.any()
    covered = model.covered(32, 40)
    assert covered[2:-2, 2:-2].all() and covered.sum() == 28 * 36


def test_all_of_an_image_is_covered_otherwise() -> None:
    assert wrapped(bare.Half(), OutputSpec()).covered(7, 9).all()


def test_an_answer_larger_than_the_image_is_no_centre() -> None:
    grown = nn.Sequential(nn.Upsample(scale_factor=2), bare.Plain())
    with pytest.raises(ModelError, match=r"can't be its centre; set output\.fit"):
        wrapped(grown, OutputSpec(fit="centre"))(IMAGES)


def test_a_coarser_answer_is_resized() -> None:
    network = bare.Half()
    small = network(bare.prepared(IMAGES))
    expected = functional.interpolate(small, (32, 40), mode="bilinear")
    assert (wrapped(network, OutputSpec())(IMAGES) - expected).abs().max() <= 1e-5


@pytest.mark.parametrize("how", ["zeros", "reflect", "edge"])
def test_padding_to_a_multiple_and_back(how: str) -> None:
    network = bare.Plain()
    pictures = bare.images(1, 3, 30, 37)
    mode = {"zeros": "constant", "reflect": "reflect", "edge": "replicate"}[how]
    padded = functional.pad(bare.prepared(pictures), (0, 3, 0, 2), mode=mode)
    assert padded.shape[-2:] == (32, 40)
    expected = network(padded)[..., :30, :37]
    found = wrapped(network, OutputSpec(), replace(SPEC, multiple=8, pad=how))(pictures)
    assert (found - expected).abs().max() <= 1e-5


def test_an_image_smaller_than_its_padding() -> None:
    spec = replace(SPEC, multiple=64, pad="reflect")
    assert wrapped(bare.Plain(), OutputSpec(), spec)(bare.images(1, 3, 20, 20)).shape[-2:] == (
        20,
        20,
    )


def test_an_exact_size_whatever_the_aspect() -> None:
    seen = []

    class Seeing(bare.Plain):
        def forward(self, images: Tensor) -> Tensor:
            seen.append(tuple(images.shape[-2:]))
            return super().forward(images)

    spec = replace(SPEC, exact=(24, 56))
    assert wrapped(Seeing(), OutputSpec(), spec)(IMAGES).shape[-2:] == (32, 40)
    assert seen == [(24, 56)]


def test_blue_green_red() -> None:
    network = bare.Plain()
    found = wrapped(network, OutputSpec(), replace(SPEC, order="bgr"))(IMAGES)
    assert (found - network(bare.prepared(IMAGES.flip(1)))).abs().max() <= 1e-5


def test_each_image_normalised_by_itself() -> None:
    network = bare.Plain()
    spec = replace(SPEC, normalisation="image")
    each = torch.stack([(one - one.mean()) / one.std() for one in IMAGES])
    assert (wrapped(network, OutputSpec(), spec)(IMAGES) - network(each)).abs().max() <= 1e-5


@pytest.mark.parametrize(("inside", "outside"), [(1, 3), (3, 1)])
def test_grey_networks_with_colour_and_the_reverse(inside: int, outside: int) -> None:
    network = bare.Plain(channels=inside)
    spec = InputSpec(inside, 0, 1, (0.0,) * inside, (1.0,) * inside)
    pictures = bare.images(1, outside)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    given = (
        (pictures * weights).sum(1, keepdim=True) if outside == 3 else pictures.repeat(1, 3, 1, 1)
    )
    assert (wrapped(network, OutputSpec(), spec)(pictures) - network(given)).abs().max() <= 1e-5


@pytest.mark.parametrize(
    ("network", "output", "sentence"),
    [
        (bare.Tuple(), OutputSpec(), "answers with a tuple of 2; say in output.element"),
        (bare.Dict(), OutputSpec(), "a dict of aux, out"),
        (bare.Dict(), OutputSpec(element=("no",)), "has no element 'no'"),
        (bare.Tuple(), OutputSpec(element=(9,)), "has no element 9"),
        (bare.Plain(), OutputSpec(reading="one-logit"), "expected one channel for one-logit"),
        (bare.Plain(), OutputSpec(channels=(0, 5)), "answers with 2 channels, there is no 5"),
        (bare.Plain(classes=3), OutputSpec(), "with K = 2"),
    ],
)
def test_an_answer_that_is_not_as_its_card_says(
    network: nn.Module, output: OutputSpec, sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence):
        wrapped(network, output)(IMAGES)


def test_probabilities_of_0_and_1_stay_finite() -> None:
    class Sure(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return (images[:, :1] > 0.5).float() + 0 * images[:, :1]

    logits = wrapped(Sure(), OutputSpec(reading="one-probability"))(IMAGES)
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("size", [(32, 40), (48, 60), (24, 30), (109, 40)])
def test_what_is_mixed_with_what_no_network_said_is_not_covered(size: tuple[int, int]) -> None:
    """Two networks that differ in what lies around the answer agree where it is covered alone."""
    model = wrapped(bare.Valid(), OutputSpec(fit="centre"), replace(SPEC, exact=(32, 40)))
    images = torch.rand(1, 3, *size)
    told = model(images)[0, 1]
    # Without the frame of two pixels, in which the wrapper says 0: drawn as far as it reaches.
    inner = model.read(model.ask(model.prepared(images)))[:, 1:]
    framed = functional.pad(inner, (2, 2, 2, 2), value=1000.0)
    smooth = {"mode": "bilinear", "antialias": size[0] < 32}
    other = functional.interpolate(framed, size=size, **smooth)[0, 0]
    covered = model.covered(*size)
    # A ten thousandth of a thousand is a tenth; of 109 rows some have half a hundredth of it.
    assert torch.equal(covered, (told - other).abs() < 0.1)
    assert 0 < int(covered.sum()) < covered.numel()
