"""The wrapper takes images as the user has them and gives logits of their size."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from asma_core.errors import InputError, ModelError
from asma_core.models.sources.cards import InputSpec
from asma_core.models.wrapper.calls import borrowed, checked_logits
from asma_core.models.wrapper.contract import SegmentationModel, match_channels
from asma_core.models.wrapper.resizing import resized

CLASSES = ("background", "disc")


def spec_of(channels: int = 3, size: int = 48, multiple: int = 16) -> InputSpec:
    return InputSpec(channels, size, multiple, (0.4,) * channels, (0.2,) * channels)


def model_of(spec: InputSpec) -> SegmentationModel:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(spec.channels, 8, 3, padding=1), nn.SiLU(), nn.Conv2d(8, 2, 3, padding=1)
    )
    return SegmentationModel(network, spec, CLASSES).eval()


class Recording(nn.Module):
    """Answers two logits and remembers what it got."""

    def forward(self, images: Tensor) -> Tensor:
        self.got = images
        return images[:, :1].repeat(1, 2, 1, 1)


@pytest.mark.parametrize("size", [(48, 48), (16, 16), (97, 31), (200, 140), (16, 300)])
@pytest.mark.parametrize(("given", "wanted"), [(3, 3), (1, 3), (3, 1), (1, 1)])
def test_any_image_gives_logits_of_its_size_and_a_gradient_to_every_pixel(
    size: tuple[int, int], given: int, wanted: int
) -> None:
    images = torch.rand(2, given, *size, requires_grad=True)
    logits = model_of(spec_of(wanted))(images)
    assert logits.shape == (2, 2, *size)
    (gradient,) = torch.autograd.grad(logits[:, 1].square().sum(), images)
    assert bool((gradient != 0).all())


@pytest.mark.parametrize(
    ("size", "multiple", "image", "inner"),
    [
        (256, 16, (256, 256), (256, 256)),
        (256, 16, (512, 512), (256, 256)),
        (256, 16, (428, 569), (224, 288)),
        (256, 16, (64, 1024), (64, 1024)),
        (256, 16, (16, 4096), (16, 4096)),
        (256, 16, (16, 65536), (16, 16384)),
        (0, 16, (100, 17), (96, 16)),
        (0, 1, (101, 17), (101, 17)),
        (32, 32, (16, 5000), (32, 576)),
    ],
)
def test_the_inner_size_keeps_area_and_aspect(
    size: int, multiple: int, image: tuple[int, int], inner: tuple[int, int]
) -> None:
    assert spec_of(size=size, multiple=multiple).inner_size(*image) == inner


def test_the_network_sees_normalised_images_of_its_size() -> None:
    model = SegmentationModel(Recording(), spec_of(), CLASSES)
    model(torch.full((1, 3, 96, 96), 0.6))
    assert model.network.got.shape == (1, 3, 48, 48)
    torch.testing.assert_close(model.network.got, torch.ones(1, 3, 48, 48))


def test_grey_is_repeated_and_colour_is_weighed() -> None:
    grey, colour = torch.rand(2, 1, 4, 4), torch.rand(2, 3, 4, 4)
    assert torch.equal(match_channels(grey, 3), torch.cat((grey, grey, grey), dim=1))
    luma = 0.299 * colour[:, 0] + 0.587 * colour[:, 1] + 0.114 * colour[:, 2]
    torch.testing.assert_close(match_channels(colour, 1)[:, 0], luma)
    assert match_channels(colour, 3) is colour


@pytest.mark.parametrize("shape", [(1, 2, 16, 16), (1, 4, 16, 16), (3, 16, 16)])
def test_images_neither_grey_nor_rgb_are_told(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="convert them to grey or RGB"):
        model_of(spec_of())(torch.rand(shape))


def test_resizing_is_smooth_and_leaves_what_fits() -> None:
    planes = torch.rand(1, 2, 30, 20)
    assert resized(planes, (30, 20)) is planes
    flat = torch.full((1, 1, 31, 17), 0.3)
    for size in ((62, 34), (15, 8), (40, 9)):
        torch.testing.assert_close(resized(flat, size), torch.full((1, 1, *size), 0.3))
    # Made smaller, a fine pattern becomes its mean and does not alias.
    stripes = torch.arange(64).remainder(2).float().expand(1, 1, 64, 64)
    middle = resized(stripes, (16, 16))[..., 4:-4]
    torch.testing.assert_close(middle, torch.full_like(middle, 0.5), atol=0.05, rtol=0)


@pytest.mark.parametrize("size", [(9, 7), (3, 4)])
def test_resizing_is_differentiable(size: tuple[int, int]) -> None:
    planes = torch.rand(1, 1, 6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda images: resized(images, size), planes)


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (torch.zeros(1, 1, 4, 4), r"got torch.float32 \(1, 1, 4, 4\)"),
        (torch.zeros(2, 4, 4), r"got torch.float32 \(2, 4, 4\)"),
        (torch.zeros(1, 2, 4, 4, dtype=torch.int64), "got torch.int64"),
        ((torch.zeros(1, 2, 4, 4),), "got tuple"),
        ({}, "got dict"),
        (None, "got NoneType"),
    ],
)
def test_what_is_no_logits_is_told(answer: object, got: str) -> None:
    with pytest.raises(ModelError, match=got):
        checked_logits(answer)


def test_a_network_of_other_classes_is_told() -> None:
    model = SegmentationModel(Recording(), spec_of(), ("a", "b", "c"))
    with pytest.raises(ModelError, match=r"with K = 3, got torch.float32 \(1, 2, 48, 48\)"):
        model(torch.rand(1, 3, 48, 48))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_logits_that_are_not_finite_are_told(bad: float) -> None:
    logits = torch.zeros(1, 2, 4, 4)
    assert checked_logits(logits) is logits
    logits[0, 1, 2, 3] = bad
    with pytest.raises(ModelError, match="NaN or infinite"):
        checked_logits(logits)


@pytest.mark.parametrize("fails", [True, False])
def test_a_borrowed_model_is_given_back_as_it_was(fails: bool) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Sequential(nn.Dropout()))
    model.train()
    model[1].eval()
    model[0].weight.requires_grad_(False)
    try:
        with borrowed(model):
            assert not any(module.training for module in model.modules())
            assert not any(weight.requires_grad for weight in model.parameters())
            if fails:
                raise KeyError("inside")
    except KeyError:
        assert fails
    assert [module.training for module in model.modules()] == [True, True, False, True, True]
    assert [weight.requires_grad for weight in model.parameters()] == [False, True, True, True]
