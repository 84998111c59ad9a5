"""Which images of a data set are shown, and in which order."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.data.datasets import Dataset, Sample
from asma_core.data.masks import read_mask
from asma_core.errors import InputError
from asma_core.models.cards import ModelCard, model_cards
from asma_core.runs.run import Run
from ui import services
from ui.dataset_view import View
from ui.thumbnails import stamp

Shares = NDArray[np.float32]


def fitting_models(dataset: Dataset) -> list[ModelCard]:
    """Return the networks whose classes fit a data set, the likeliest first.

    Raises:
        ModelError: A model card can't be read.
    """
    cards = [card for card in model_cards().values() if len(card.classes) == len(dataset.classes)]
    return sorted(
        cards, key=lambda card: (card.dataset != dataset.name, card.classes != dataset.classes)
    )


def runs_of(dataset: str) -> dict[str, list[Run]]:
    """Return the runs on a data set's images, newest first, by the name of the sample."""
    found: dict[str, list[Run]] = {}
    for run in services.store().newest():
        if run.spec.dataset == dataset:
            found.setdefault(run.spec.sample, []).append(run)
    return found


def class_shares(dataset: Dataset) -> Shares:
    """Return how much of each image each class covers, read once from the masks.

    Returns:
        float32 (samples, K), per cent of the valid pixels; NaN where a mask can't be read.
    """
    files = [stamp(sample.mask) for sample in dataset.samples]
    digest = hashlib.sha256(repr(files).encode("utf-8", "surrogateescape")).hexdigest()
    return _class_shares(digest, len(dataset.classes), [Path(file[0]) for file in files])


@st.cache_data(
    show_spinner="Measuring the masks of this data set, once; a few seconds per thousand",
    show_time=True,
    max_entries=16,
)
def _class_shares(digest: str, classes: int, _files: list[Path]) -> Shares:
    shares = np.full((len(_files), classes), np.nan, dtype=np.float32)
    for row, file in enumerate(_files):
        try:
            mask = read_mask(file, classes)
        except InputError:
            # Its card in the grid says what is wrong; here it has no figures.
            continue
        counts = np.bincount(mask.labels[mask.valid], minlength=classes)
        shares[row] = 100.0 * counts / max(counts.sum(), 1)
    return shares


def chosen_samples(
    dataset: Dataset,
    view: View,
    runs: Mapping[str, list[Run]],
    scores: Mapping[str, float | None],
) -> list[Sample]:
    """Return the samples that a view shows, in its order.

    Args:
        dataset: The data set.
        view: Filters and order.
        runs: By sample.
        scores: The network's IoU by sample, for the order "worst"; undefined ones come last.
    """
    places = [place for place, sample in enumerate(dataset.samples) if _passes(sample, view, runs)]
    if view.classes or view.by_area or view.sort in ("largest", "smallest"):
        shares = class_shares(dataset)
        areas = _areas(shares, view.classes)
        places = [place for place in places if _has_structure(shares[place], areas[place], view)]
        if view.sort in ("largest", "smallest"):
            sign = -1 if view.sort == "largest" else 1
            places.sort(key=lambda place: _last_if_undefined(sign * float(areas[place])))
    if view.sort == "worst":
        names = [sample.name for sample in dataset.samples]
        places.sort(key=lambda place: _last_if_undefined(scores.get(names[place])))
    return [dataset.samples[place] for place in places]


def _passes(sample: Sample, view: View, runs: Mapping[str, list[Run]]) -> bool:
    if view.split and sample.split != view.split:
        return False
    return not view.with_runs or sample.name in runs


def _areas(shares: Shares, classes: tuple[int, ...]) -> Shares:
    """Add up the chosen classes, or all of the structure."""
    known = [label for label in classes if 0 < label < shares.shape[1]]
    picked: Shares = shares[:, known] if known else shares[:, 1:]
    total: Shares = picked.sum(axis=1)
    return total


def _has_structure(shares: NDArray[np.float32], area: np.float32, view: View) -> bool:
    if view.by_area and not view.low <= area <= view.high:
        return False
    return all(label < len(shares) and shares[label] > 0 for label in view.classes)


def _last_if_undefined(value: float | None) -> tuple[bool, float]:
    undefined = value is None or math.isnan(value)
    return undefined, 0.0 if value is None or undefined else value
