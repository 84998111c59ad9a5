"""What networks that are made of others have in common: pictures of them, and keeping them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from asma_core.data.datasets import Dataset, Sample
from asma_core.data.samples import sample_image
from asma_core.errors import AsmaError
from asma_core.limited.reading import see
from asma_core.models.sources.cards import model_cards
from asma_core.models.sources.model_card import ModelCard
from asma_core.naming import free_among
from ui.common import services
from ui.common.errors import escape_markdown, show_error
from ui.common.format import number
from ui.common.presses import pressed
from ui.common.rerun import patiently
from ui.common.values import SESSION, initial
from ui.pictures.thumbnails import sample_thumbnail

SAMPLES: Final = 4


def pictures(dataset: Dataset, samples: Sequence[Sample], card: ModelCard, words: str) -> None:
    """Show masks and predictions of up to `SAMPLES` images, with their IoU, under a caption."""
    st.caption(words)
    for column, sample in zip(st.columns(SAMPLES), samples, strict=False):
        picture = sample_thumbnail(dataset, sample, card)
        if picture.picture is not None:
            column.image(picture.picture, width="stretch", alt=sample.name)
        iou = "" if picture.iou is None else f", IoU {number(picture.iou)}"
        column.caption(escape_markdown(f"{sample.name}{iou}"))


def tried(card: ModelCard, dataset: Dataset, busy: str, words: str) -> bool:
    """Show what a network that nobody keeps yet says of some images; return whether it can.

    Args:
        card: Of the network.
        dataset: Whose images.
        busy: Said meanwhile.
        words: Above the pictures.
    """
    samples = dataset.some(SAMPLES)
    with st.spinner(busy, show_time=True):
        try:
            for sample in samples:
                patiently(
                    services.predictor().predict, card, see(sample.name, sample_image, sample)
                )
        except AsmaError as error:
            show_error(error)
            return False
    pictures(dataset, samples, card, words)
    return True


def name_to_keep(key: str, wanted: str, icon: str = ":material/add:") -> str | None:
    """Ask under which name a network is kept; return it when the button is pressed.

    Args:
        key: Of the widgets, unique on the page.
        wanted: First name, in a free form.
        icon: Of the button.
    """
    free = free_among(wanted, model_cards())
    row = st.container(horizontal=True, vertical_alignment="bottom")
    name = row.text_input(
        "Name",
        # Another one once this name is taken: the next network has a free one.
        key=initial(f"{key}-name-{free}", free),
        width=320,
        persist_state=SESSION,
    )
    asked = pressed(row, "Keep this network", type="primary", icon=icon, key=f"{key}-keep")
    return name if asked else None
