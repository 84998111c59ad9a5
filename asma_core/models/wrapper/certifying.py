"""Asking a smoothed network for a certificate: its answers to many noisy copies of one image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asma_core.defences.certificate import (
    Certificate,
    CertificateSettings,
    certificate,
    check_draws,
    smoothing_sigma,
)
from asma_core.errors import DeviceError, InputError
from asma_core.models.wrapper.backend import float32_sums
from asma_core.models.wrapper.calls import borrowed, checked_logits, predicted
from asma_core.models.wrapper.contract import SegmentationModel
from asma_core.models.wrapper.defended import DefendedModel
from asma_core.models.wrapper.devices import is_out_of_memory
from asma_core.models.wrapper.precision import FLOAT32

# Copies at once, where they fit: so many, or so many pixels of them.
MOST_AT_ONCE: Final = 32
PIXELS_AT_ONCE: Final = {"cpu": 1 << 20, "cuda": 1 << 24}

# How many copies have been asked about, of how many.
OnDraws = Callable[[int, int], None]


def certify(
    model: SegmentationModel,
    image: NDArray[np.float32],
    settings: CertificateSettings,
    device: torch.device,
    on_draws: OnDraws | None = None,
    name: str = "the network",
) -> Certificate:
    """Certify the pixels of one image.

    Args:
        model: A network behind randomized smoothing.
        image: float32 (C, H, W) in [0, 1].
        settings: Of the certificate.
        device: Of the model.
        on_draws: Told after each batch.
        name: Of the network, for what is said.

    Raises:
        InputError: It does not stand behind smoothing, does not answer by pixels, or so few draws
            that nothing can be certified.
        ModelError: It fails, or its logits are not finite.
        DeviceError: Not even one copy fits into the memory.
    """
    defences = model.defences if isinstance(model, DefendedModel) else ()
    sigma = smoothing_sigma(defences, name)
    assert isinstance(model, DefendedModel)
    given = torch.from_numpy(image.copy()).to(device)
    with borrowed(model), torch.inference_mode(), float32_sums(FLOAT32):
        check_per_pixel(model, given, name)
        counted = model.covered(*given.shape[1:]).cpu()
        check_draws(settings, int(counted.sum()))
        first, draws = settings.samples_n0, settings.samples_n
        copies = NoisyCopies(model, given, sigma, settings.seed)

        def tell(done: int) -> None:
            if on_draws is not None:
                on_draws(done, first + draws)

        labels = _most(copies, first, len(model.classes), tell)
        counts = torch.zeros_like(labels)
        done = first
        for some in copies.labels(draws):
            counts += (some == labels).sum(dim=0)
            done += len(some)
            tell(done)
    return certificate(labels.cpu().numpy(), counts.cpu().numpy(), sigma, settings, counted.numpy())


def check_per_pixel(model: SegmentationModel, image: Tensor, name: str) -> None:
    """Check that a network tells pixels apart.

    Args:
        model: The network.
        image: float32 (C, H, W) in [0, 1].
        name: Of the network, for what is said.

    Raises:
        InputError: It says one thing of the whole image.
    """
    answer = model.read(model.ask(model.prepared(image[None])))
    if answer.shape[2] * answer.shape[3] == 1 < image.shape[1] * image.shape[2]:
        raise InputError(
            f"{name} says one thing of the whole image and not of each pixel, so there is nothing "
            "to certify by pixels; choose a network that outlines structures"
        )


class NoisyCopies:
    """What a smoothed network says of noisy copies of an image, each drawn from one seed.

    How many are asked about at once changes nothing of what is drawn.
    """

    def __init__(self, model: DefendedModel, image: Tensor, sigma: float, seed: int) -> None:
        """Take the image, float32 (C, H, W) on the network's device."""
        self._model = model
        self._image = image
        self._sigma = sigma
        self._generator = torch.Generator().manual_seed(seed)
        pixels = image.shape[1] * image.shape[2]
        room = PIXELS_AT_ONCE["cpu" if image.device.type == "cpu" else "cuda"]
        self._at_once = max(1, min(MOST_AT_ONCE, room // pixels))

    def labels(self, count: int) -> Iterator[Tensor]:
        """Give the labels of so many more copies, int64 (B, H, W) at a time."""
        while count > 0:
            size = min(self._at_once, count)
            shape = tuple(self._image.shape)
            noise = torch.stack(
                [torch.randn(shape, generator=self._generator) for _ in range(size)]
            )
            yield self._said(self._image + self._sigma * noise.to(self._image))
            count -= size

    def _said(self, copies: Tensor) -> Tensor:
        try:
            return predicted(checked_logits(self._model.behind_first(copies)))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if len(copies) == 1:
                raise DeviceError(
                    "there is not enough memory for one copy of the image; make the image smaller, "
                    "or take another device"
                ) from error
        # Outside of the handler, which would keep what did not fit.
        self._at_once = len(copies) // 2
        return torch.cat([self._said(part) for part in torch.split(copies, self._at_once)])


def _most(copies: NoisyCopies, count: int, classes: int, tell: Callable[[int], None]) -> Tensor:
    """Return the class that most of so many copies are told of each pixel, int64 (H, W)."""
    votes: list[Tensor] = []
    done = 0
    for some in copies.labels(count):
        now = [(some == label).sum(dim=0, dtype=torch.int32) for label in range(classes)]
        votes = [old + new for old, new in zip(votes, now, strict=True)] if votes else now
        done += len(some)
        tell(done)
    return torch.stack(votes).argmax(dim=0)
