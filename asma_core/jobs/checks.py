"""Checking a network of the workbench on a few images of a data set."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from asma_core.data.datasets import Dataset
from asma_core.files import json_values
from asma_core.models.checking.checks import Report, check_model
from asma_core.models.checking.diagnosis import LabelledImage
from asma_core.models.sources.cards import fits
from asma_core.models.sources.loading import load_card
from asma_core.models.sources.model_card import ModelCard
from asma_core.models.wrapper.devices import choose_device
from asma_core.runs.sources import from_sample


def check_on(
    card: ModelCard, dataset: Dataset, samples: int, device: str = "auto"
) -> dict[str, Any]:
    """Check the network of a card on so many images of a data set, taken evenly, test images first.

    Masks of another number of classes than the network's are not compared.

    Returns:
        Plain values: `checks` (name, state, text), `usable`, `iou`, `ious`, `guesses`.

    Raises:
        ModelError: It can't be loaded.
        InputError: An image can't be read.
    """
    loaded = load_card(card, choose_device(device))
    comparable = fits(card, dataset)
    sources = [from_sample(dataset, sample) for sample in dataset.some(samples)]
    cases = [
        LabelledImage(
            source.sample, source.image, source.truth if comparable else None, source.valid
        )
        for source in sources
    ]
    return _json_report(check_model(loaded, cases))


def check_on_noise(card: ModelCard, device: str = "auto") -> dict[str, Any]:
    """Check the network of a card without images: only whether it answers and can be attacked.

    Raises:
        ModelError: It can't be loaded.
    """
    loaded = load_card(card, choose_device(device))
    noise = np.random.default_rng(0).random((3, 256, 256), dtype=np.float32)
    return _json_report(check_model(loaded, [LabelledImage("noise", noise)]))


def _json_report(report: Report) -> dict[str, Any]:
    answer = {
        "checks": [asdict(check) for check in report.checks],
        "usable": report.usable,
        "iou": report.iou,
        "ious": report.ious,
        "guesses": list(report.guesses),
    }
    return json_values(answer)
