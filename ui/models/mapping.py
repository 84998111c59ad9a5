"""A network seen in the classes of a data set: what counts as what, with pictures, and kept."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from asma_core.data.datasets import Dataset, Sample, dataset_names
from asma_core.data.masks.label_maps import Mask
from asma_core.data.samples import sample_image, sample_mask
from asma_core.errors import AsmaError
from asma_core.limited.reading import see
from asma_core.models.sources.class_mapping import (
    keep_mapped,
    missing,
    own_classes,
    proposed,
    seen_as,
)
from asma_core.models.sources.model_card import ModelCard
from ui.address.links import open_here
from ui.address.views import ModelsView
from ui.common import services
from ui.common.errors import escape_markdown, show_error, show_errors
from ui.common.rerun import patiently
from ui.common.values import SESSION, initial
from ui.models.derived import SAMPLES, name_to_keep, pictures

KEY: Final = "map-classes"
Labels = NDArray[np.int64]


def class_mapping(card: ModelCard) -> None:
    """Offer a network in the classes of a data set, as a network of its own."""
    if card.output.counts_as or card.factory:
        return
    names = dataset_names()
    name = st.selectbox(
        "Use it with a data set of other classes",
        names,
        index=None,
        placeholder="Choose a data set",
        key=f"{KEY}-dataset-{card.name}",
        persist_state=SESSION,
        help="Each class of the network counts as one of the data set: rim and cup as a disc, "
        "say. What is kept is a network of its own, for attacks, targets, scores and experiments.",
        width=320,
    )
    if name is None:
        return
    with show_errors():
        _mapped(card, services.open_dataset(name))


def _mapped(card: ModelCard, dataset: Dataset) -> None:
    dataset.check_masked()
    samples = dataset.some(SAMPLES)
    with st.spinner("Looking at what the network says", show_time=True):
        try:
            seen = {one.name: _prediction(card, dataset, one) for one in samples}
        except AsmaError as error:
            show_error(error)
            return
    pairs = [(seen[one.name], _mask(dataset, one).labels) for one in samples]
    counts_as = _table(card, dataset, proposed(card, dataset, pairs))
    without = missing(counts_as, dataset)
    if without:
        st.warning(
            f"No class counts as {escape_markdown(', '.join(without))}: it is never predicted.",
            icon=":material/info:",
        )
    mapped = seen_as(card, dataset, counts_as, card.name)
    words = "The mask and the prediction outlined, in the classes of the data set"
    pictures(dataset, samples, mapped, words)
    name = name_to_keep(KEY, f"{card.name}-{dataset.name}".rpartition("/")[2])
    if name is not None:
        with show_errors():
            made = keep_mapped(card, dataset, counts_as, name)
            open_here(ModelsView(model=made.name))


def _prediction(card: ModelCard, dataset: Dataset, sample: Sample) -> Labels:
    image = see(sample.name, sample_image, sample)
    labels: Labels = patiently(services.predictor().predict, card, image)
    return labels


def _mask(dataset: Dataset, sample: Sample) -> Mask:
    return see(sample.name, sample_mask, sample, dataset.encoding, len(dataset.classes))


def _table(card: ModelCard, dataset: Dataset, guess: tuple[int, ...]) -> tuple[int, ...]:
    """Show what each class of the network counts as; return it as it is corrected."""
    st.caption("Proposed by the names, and by what the predictions lie on")
    options = range(len(dataset.classes))
    found = []
    for place, (name, first) in enumerate(zip(own_classes(card), guess, strict=True)):
        what, choice = st.columns([2, 3], vertical_alignment="center")
        what.markdown(escape_markdown(name))
        key = f"{KEY}-{card.name}-{dataset.name}-{place}"
        found.append(
            choice.selectbox(
                f"{name} counts as",
                list(options),
                format_func=lambda one: escape_markdown(dataset.classes[one]),
                key=initial(key, first, list(options)),
                label_visibility="collapsed",
                persist_state=SESSION,
            )
        )
    return tuple(found)
