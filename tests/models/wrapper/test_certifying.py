"""Certificates of networks whose smoothing has a closed form, and what can't be certified."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from asma_core.defences.certificate import CertificateSettings
from asma_core.defences.contract import Defence
from asma_core.errors import AsmaError, DeviceError, InputError, ModelError
from asma_core.models.wrapper import certifying
from asma_core.models.wrapper.certifying import NoisyCopies, certify
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.models.wrapper.specs import InputSpec

CPU = torch.device("cpu")
SIGMA = 0.2
SETTINGS = CertificateSettings(samples_n=400, samples_n0=20)


class Bright(nn.Module):
    """Says class 1 where the mean of the channels is over a half."""

    def forward(self, images: Tensor) -> Tensor:
        bright = 6 * (images.mean(1, keepdim=True) - 0.5)
        return torch.cat([-bright, bright], 1)


class Whole(Bright):
    """Says one thing of the whole image."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images).mean((2, 3), keepdim=True)


class Nothing(Bright):
    """Says what is no number."""

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(images) * float("nan")


def bare(network: nn.Module) -> SegmentationModel:
    spec = InputSpec(channels=3, size=0, multiple=1, mean=(0.0,) * 3, std=(1.0,) * 3)
    return SegmentationModel(network, spec, ("background", "bright")).eval()


def smoothed(network: nn.Module, *more: Defence) -> DefendedModel:
    defences = [Defence("smoothing", {"sigma": SIGMA}), *more]
    return DefendedModel(bare(network), defences).eval()


def ramp() -> np.ndarray[Any, Any]:
    """Rows of one brightness each, float32 (3, 21, 12)."""
    rows = np.linspace(0.1, 0.9, 21, dtype=np.float32)
    return np.broadcast_to(rows[None, :, None], (3, 21, 12)).copy()


def test_a_linear_network_is_certified_where_it_is_right_to() -> None:
    """Noise moves the mean of three channels by sigma / sqrt(3); to the border it is known far."""
    image = ramp()
    found = certify(smoothed(Bright()), image, SETTINGS, CPU)
    away = np.abs(image.mean(0) - 0.5) * np.sqrt(3.0)
    assert found.certified.any() and not found.certified.all()
    assert (away[found.certified] > found.radius).all()
    assert (found.labels == (image.mean(0) > 0.5))[found.certified].all()
    # Whose share is far over tau is certified.
    share = stats.norm.cdf(away / SIGMA)
    assert found.certified[share > 0.93].all()
    assert found.radius == pytest.approx(SIGMA * stats.norm.ppf(0.75))


def test_the_shares_are_those_of_the_closed_form() -> None:
    image, model = torch.from_numpy(ramp()), smoothed(Bright())
    copies = NoisyCopies(model, image, SIGMA, 0)
    share = torch.cat(list(copies.labels(2000))).float().mean((0, 2))
    truth = stats.norm.cdf((image[0, :, 0].numpy() - 0.5) * np.sqrt(3.0) / SIGMA)
    assert np.allclose(share, truth, atol=0.02)


def test_the_seed_draws_and_the_batch_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    model, before = smoothed(Bright()), torch.get_rng_state()
    told: list[tuple[int, int]] = []
    first = certify(model, ramp(), SETTINGS, CPU, lambda *now: told.append(now))
    assert told[-1] == (420, 420) and told == sorted(told)
    assert torch.equal(torch.get_rng_state(), before)
    monkeypatch.setattr(certifying, "MOST_AT_ONCE", 7)
    again = certify(model, ramp(), SETTINGS, CPU)
    assert np.array_equal(first.p_values, again.p_values)
    other = certify(model, ramp(), CertificateSettings(samples_n=400, seed=1), CPU)
    assert not np.array_equal(first.p_values, other.p_values)


def test_what_stands_behind_the_smoothing_is_certified_with_it() -> None:
    """With one bit left the network says the same, only of what is rounded to it."""
    found = certify(smoothed(Bright(), Defence("bit-depth", {"bits": 1})), ramp(), SETTINGS, CPU)
    assert found.certified[0].all() and (found.labels[0] == 0).all()


def small_memory(most: int) -> Any:
    def behind_first(self: DefendedModel, images: Tensor) -> Tensor:
        if len(images) > most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return SegmentationModel.forward(self, images)

    return behind_first


def test_what_does_not_fit_is_asked_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model = smoothed(Bright())
    roomy = certify(model, ramp(), SETTINGS, CPU)
    monkeypatch.setattr(DefendedModel, "behind_first", small_memory(5))
    assert np.array_equal(certify(model, ramp(), SETTINGS, CPU).p_values, roomy.p_values)
    monkeypatch.setattr(DefendedModel, "behind_first", small_memory(0))
    with pytest.raises(DeviceError, match="memory"):
        certify(model, ramp(), SETTINGS, CPU)


@pytest.mark.parametrize(
    ("network", "settings", "error", "says"),
    [
        (Whole(), SETTINGS, InputError, "not of each pixel"),
        (Bright(), CertificateSettings(samples_n=20), InputError, "at least"),
        (Nothing(), SETTINGS, ModelError, "NaN"),
    ],
)
def test_what_can_t_be_certified_is_a_sentence(
    network: nn.Module, settings: CertificateSettings, error: type[AsmaError], says: str
) -> None:
    with pytest.raises(error, match=says):
        certify(smoothed(network), ramp(), settings, CPU)


def test_a_bare_network_gives_no_certificate() -> None:
    with pytest.raises(InputError, match="mine does not stand behind smoothing"):
        certify(bare(Bright()), ramp(), SETTINGS, CPU, name="mine")
