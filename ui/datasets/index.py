"""Which images of a data set are shown, and in which order."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.data.class_areas import ClassAreas, kept_class_areas, measure_class_areas
from asma_core.data.datasets import Dataset, Sample
from asma_core.limited.reading import read
from asma_core.models.sources.cards import ModelCard, fits, model_cards
from ui.address.views import DatasetsView
from ui.common import services


def fitting_models(dataset: Dataset) -> list[ModelCard]:
    """Return the networks whose classes fit a data set, the likeliest first.

    Raises:
        ModelError: A model card can't be read.
    """
    cards = [card for card in model_cards().values() if fits(card, dataset)]
    return sorted(
        cards, key=lambda card: (card.dataset != dataset.name, card.classes != dataset.classes)
    )


def run_counts(dataset: str) -> dict[str, int]:
    """Return how many runs there are of each image of a data set, by the name of the sample."""
    return services.store().search.counts(dataset)


def class_areas(dataset: Dataset) -> ClassAreas:
    """Return how much of each image each class covers; see `asma_core.data.class_areas`."""
    kept = kept_class_areas(dataset)
    if kept is not None:
        return kept
    place = st.empty()
    place.progress(0.0, text="Measuring the masks of this data set, once")

    def show(done: int, count: int) -> None:
        if done % 50 == 0:
            words = f"Measuring the masks of this data set, once: {done:,} of {count:,}"
            place.progress(done / count, text=words)

    found = read(dataset.title, measure_class_areas, dataset, on_progress=show)
    place.empty()
    return found


def chosen_samples(
    dataset: Dataset,
    view: DatasetsView,
    runs: Mapping[str, int],
    ious: Mapping[str, float | None],
) -> list[Sample]:
    """Return the samples that a view shows, in its order.

    Args:
        dataset: The data set.
        view: Filters and order.
        runs: How many there are, by sample.
        ious: The network's IoU by sample, for the order "worst"; undefined ones come last.
    """
    places = [place for place, sample in enumerate(dataset.samples) if _passes(sample, view, runs)]
    if view.classes or view.by_area or view.sort in ("largest", "smallest"):
        covered = class_areas(dataset)
        areas = _areas(covered, view.classes)
        places = [place for place in places if _has_structure(covered[place], areas[place], view)]
        if view.sort in ("largest", "smallest"):
            sign = -1 if view.sort == "largest" else 1
            places.sort(key=lambda place: _last_if_undefined(sign * float(areas[place])))
    if view.sort == "worst":
        names = [sample.name for sample in dataset.samples]
        places.sort(key=lambda place: _last_if_undefined(ious.get(names[place])))
    return [dataset.samples[place] for place in places]


def _passes(sample: Sample, view: DatasetsView, runs: Mapping[str, int]) -> bool:
    if view.split and sample.split != view.split:
        return False
    return not view.with_runs or sample.name in runs


def _areas(covered: ClassAreas, classes: tuple[int, ...]) -> ClassAreas:
    """Add up the chosen classes, or all of the structure."""
    known = [label for label in classes if 0 < label < covered.shape[1]]
    picked: ClassAreas = covered[:, known] if known else covered[:, 1:]
    total: ClassAreas = picked.sum(axis=1)
    return total


def _has_structure(covered: NDArray[np.float32], area: np.float32, view: DatasetsView) -> bool:
    if view.by_area and not view.low <= area <= view.high:
        return False
    return all(label < len(covered) and covered[label] > 0 for label in view.classes)


def _last_if_undefined(value: float | None) -> tuple[bool, float]:
    undefined = value is None or math.isnan(value)
    return undefined, 0.0 if value is None or undefined else value
