"""A network is looked at before it is trusted, and the likely fault is named."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from asma_core.models.checking.checks import BAD, GOOD, WARNING, Report, check_model
from asma_core.models.checking.diagnosis import LabelledImage
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.specs import InputSpec, OutputSpec
from tests.models import bare

SPEC = InputSpec(3, 0, 1, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
ROWS, COLUMNS = np.mgrid[:40, :48]
TRUTH = (np.hypot(ROWS - 20, COLUMNS - 24) < 11).astype(np.int64)
# The disc is bright in red only, so that the order of the channels matters.
IMAGE = np.stack([0.3 + 0.4 * TRUTH, np.full(TRUTH.shape, 0.5), np.full(TRUTH.shape, 0.6)])
CASES = [LabelledImage("one", IMAGE.astype(np.float32), TRUTH, TRUTH >= 0)]


class Red(nn.Module):
    """Says disc where red, as it is given, lies above a value."""

    def __init__(self, above: float, classes: int = 2) -> None:
        super().__init__()
        self.above, self.classes = above, classes
        self.scale = nn.Parameter(torch.tensor(9.0))

    def forward(self, images: Tensor) -> Tensor:
        disc = self.scale * (images[:, :1] - self.above)
        return torch.cat([-disc, disc, *[disc - 99] * (self.classes - 2)], dim=1)


def report(
    network: nn.Module, spec: InputSpec = SPEC, output: OutputSpec | None = None, classes: int = 2
) -> Report:
    names = tuple(f"class {number}" for number in range(classes))
    return check_model(SegmentationModel(network, spec, names, output).eval(), CASES)


def states(found: Report) -> dict[str, str]:
    return {check.name: check.state for check in found.checks}


def text(found: Report, name: str) -> str:
    return next(check.text for check in found.checks if check.name == name)


def test_a_good_network() -> None:
    found = report(Red(0.5))
    assert set(states(found).values()) == {GOOD}
    assert found.iou == 1.0 and found.ious == {"one": 1.0}
    assert found.usable and not found.guesses


@pytest.mark.parametrize(
    ("network", "spec", "words"),
    [
        (Red(127.0), SPEC, "0 to 255"),
        (Red(0.0), SPEC, "-1 to 1"),
        (Red((0.5 - 0.485) / 0.229), InputSpec(3, 0, 1, (0.9,) * 3, (1.0,) * 3), "ImageNet"),
        (Red(0.5), InputSpec(3, 0, 1, SPEC.mean, SPEC.std, order="bgr"), "channels rgb"),
    ],
)
def test_a_wrong_normalisation_or_order_is_guessed(
    network: nn.Module, spec: InputSpec, words: str
) -> None:
    found = report(network, spec)
    assert found.iou < 0.3
    assert states(found)["overlap"] == WARNING
    assert any(words in guess and "it would be 1.000" in guess for guess in found.guesses)
    assert text(found, "overlap").endswith(found.guesses[0])


def test_a_wrong_order_of_the_classes_is_guessed() -> None:
    found = report(Red(0.5), output=OutputSpec(channels=(1, 0)))
    assert found.iou < 0.3
    assert any("output.channels = [1, 0]" in guess for guess in found.guesses)


def test_a_network_of_something_else_gets_no_guess() -> None:
    found = report(bare.Plain(), SPEC)
    assert not [guess for guess in found.guesses if "1.000" in guess]


def noisy(number: int) -> LabelledImage:
    """A disc that noise hides from a network that has learned nothing."""
    rng = np.random.default_rng(number)
    truth = (np.hypot(ROWS - 14 - 4 * number, COLUMNS - 20 - 3 * number) < 9).astype(np.int64)
    image = 0.5 + 0.05 * truth + 0.2 * rng.standard_normal((3, *truth.shape))
    return LabelledImage(f"noisy {number}", image.clip(0, 1).astype(np.float32), truth)


class Undertrained(nn.Module):
    """Weights as they are at the start: it sees a structure of its own, nowhere or everywhere."""

    def __init__(self, seed: int, classes: int, lean: float) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, classes, 3, padding=1)
        )
        with torch.no_grad():
            self.layers[2].bias[1:] += lean

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


@pytest.mark.parametrize("lean", [-3.0, 0.0, 3.0])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("seed", range(4))
def test_a_network_that_was_trained_too_little_is_told_no_other_fault(
    seed: int, classes: int, lean: float
) -> None:
    names = tuple(f"class {number}" for number in range(classes))
    model = SegmentationModel(Undertrained(seed, classes, lean), SPEC, names).eval()
    found = check_model(model, [noisy(number) for number in range(4)])
    if found.iou < 0.3:
        assert found.guesses == ()
        assert "trained too little" in text(found, "overlap")
        assert "not what it was trained on" not in text(found, "overlap")


@pytest.mark.parametrize("above", [0.5, 0.45])
def test_a_network_without_a_fault_is_told_none(above: float) -> None:
    for spec in (SPEC, InputSpec(3, 0, 1, SPEC.mean, SPEC.std, order="rgb")):
        assert report(Red(above), spec).guesses == ()


class Random(Red):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) + torch.rand(1)


class Cut(Red):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.detach())


class Steps(Red):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.round())


class Fixed(Red):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images.reshape(-1, 3, 40, 48))


class Mixed(Red):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images + 0.1 * (images.mean(0) - images))


class Broken(Red):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * float("nan")


@pytest.mark.parametrize(
    ("network", "name", "state", "words"),
    [
        (Random(0.5), "determinism", WARNING, "a layer is random"),
        (Cut(0.5), "gradient", BAD, "no gradient reaches the input"),
        (Steps(0.5), "gradient", BAD, "0 everywhere"),
        (Fixed(0.5), "size", WARNING, "set input.multiple"),
        (bare.OneByOne(), "batch", WARNING, "set input.batch = 1"),
        (Mixed(0.5), "batch", WARNING, "set input.batch = 1"),
        (Broken(0.5), "answer", BAD, "NaN or infinite"),
        (bare.Probabilities(), "range", WARNING, "set output.reading to probabilities"),
        (bare.Tuple(), "answer", BAD, "output.element"),
        (Red(9.0), "classes", WARNING, "it sees only class 0"),
    ],
)
def test_a_fault_is_named(network: nn.Module, name: str, state: str, words: str) -> None:
    found = report(network)
    assert states(found)[name] == state
    assert words in text(found, name)
    assert found.usable == (state != BAD)


def test_logits_that_are_called_probabilities() -> None:
    found = report(Red(0.5), output=OutputSpec(reading="probabilities"))
    assert states(found)["range"] == BAD


def test_without_a_mask_nothing_is_compared() -> None:
    cases = [LabelledImage("one", IMAGE.astype(np.float32))]
    found = check_model(SegmentationModel(Red(0.5), SPEC, ("a", "b")).eval(), cases)
    assert np.isnan(found.iou) and "overlap" not in states(found)
