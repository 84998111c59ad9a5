"""Certifying an image with a network of the workbench, and writing what was found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from asma_core.data.datasets import Dataset
from asma_core.data.formats.images import FloatImage
from asma_core.data.masks.label_maps import VOID, encode_mask
from asma_core.data.masks.overlays import overlay
from asma_core.defences.certificate import (
    Certificate,
    CertificateSettings,
    against_truth,
    figures,
    smoothing_sigma,
)
from asma_core.files import json_values, write_bytes, write_json
from asma_core.models.sources.cards import ModelCard, network_hash
from asma_core.runs.sources import SourceImage, from_sample

LABELS: Final = "certified.png"
OVERLAY: Final = "certificate.png"
ANSWER: Final = "certificate.json"
OnDraws = Callable[[int, int], None]


@dataclass(frozen=True)
class Certified:
    """A certificate of an image, as it is written and shown.

    Attributes:
        answer: Plain values: shares, radius, settings, and figures against the truth where known.
        files: PNGs by name: class numbers with 255 where it abstains, and the picture with classes
            laid over it and stripes where it abstains.
    """

    answer: dict[str, Any]
    files: dict[str, bytes]

    def write(self, folder: Path) -> None:
        """Write the files.

        Raises:
            StoreError: The folder can't be written.
        """
        for name, data in self.files.items():
            write_bytes(folder / name, data)


def certify_image(
    card: ModelCard,
    source: SourceImage,
    settings: CertificateSettings,
    device: str = "auto",
    on_draws: OnDraws | None = None,
) -> Certified:
    """Certify the pixels of an image.

    Raises:
        InputError: The network does not stand behind smoothing, or another defence is in the way;
            it does not answer by pixels; or so few draws that nothing can be certified.
        ModelError: It can't be loaded, or fails.
        DeviceError: No such device, or not enough memory.
    """
    smoothing_sigma(card.defences, card.name)
    from asma_core.models.sources.loading import load_model
    from asma_core.models.wrapper.certifying import certify
    from asma_core.models.wrapper.devices import choose_device

    chosen = choose_device(device)
    model = load_model(card, chosen)
    found = certify(model, source.image, settings, chosen, on_draws, card.name)
    answer = figures(found) | {"settings": settings.as_dict()} | _judged(found, source, card)
    return Certified(json_values(answer), _pictures(found, source.image))


def certificate_folder(
    home: Path, card: ModelCard, dataset: Dataset, sample: str, settings: CertificateSettings
) -> Path:
    """Return where the certificate of a sample is kept; `ANSWER` is there when all of it is.

    Raises:
        InputError: No such sample.
        ModelError: The network's weights can't be read any more.
    """
    told = f"{dataset.fingerprint(dataset.find(sample))} {settings}"
    name = hashlib.sha256(told.encode()).hexdigest()[:16]
    return home / "cache" / "certificates" / network_hash(card)[:16] / name


def make_certificate(
    folder: str, card: ModelCard, dataset: Dataset, sample: str, settings: CertificateSettings
) -> None:
    """Certify a sample and write what was found, as `certify_image` and `Certified` do."""
    found = certify_image(card, from_sample(dataset, dataset.find(sample)), settings)
    found.write(Path(folder))
    write_json(Path(folder) / ANSWER, found.answer)


def _judged(found: Certificate, source: SourceImage, card: ModelCard) -> dict[str, Any]:
    classes = len(card.classes)
    shares = {
        name: float((found.certified & (found.labels == number)).sum()) / found.counted.sum()
        for number, name in enumerate(card.classes)
    }
    answer: dict[str, Any] = {"certified_per_class": shares}
    if source.truth is None or source.truth.max(initial=0) >= classes:
        return answer
    return answer | against_truth(found, source.truth, source.valid, classes)


def _pictures(found: Certificate, image: FloatImage) -> dict[str, bytes]:
    said = np.where(found.certified, found.labels, VOID)
    shown = np.where(found.certified, found.labels, 0)
    silent = found.counted & ~found.certified
    return {LABELS: encode_mask(said), OVERLAY: overlay(image, shown, silent)}
