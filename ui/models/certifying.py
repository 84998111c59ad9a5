"""What of an image's prediction no small change can move: the certificate of a smoothed network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from asma_core.defences import noise
from asma_core.defences.certificate import CertificateSettings, smoothing_sigma
from asma_core.errors import AsmaError, InputError
from asma_core.fields import declared
from asma_core.models.sources.model_card import ModelCard
from ui.common import services
from ui.common.errors import escape_markdown, show_error
from ui.common.format import capitalised, number
from ui.common.presses import pressed
from ui.common.rerun import patiently
from ui.common.settings_form import setting_widget

KEY: Final = "certify"
OFFERED: Final = 40
SHOWN: Final = ("tau", "samples_n")


def certify(card: ModelCard, dataset: str) -> None:
    """Offer to certify an image, where a network stands behind smoothing.

    Args:
        card: The network.
        dataset: Name of a data set that it fits; "" where none does.
    """
    if not dataset or noise.ENTRY.name not in [one.name for one in card.defences]:
        return
    st.markdown("**Certify an image**")
    try:
        smoothing_sigma(card.defences, card.name)
    except InputError as error:
        st.info(escape_markdown(f"{capitalised(str(error))}."))
        return
    st.caption(
        "Which pixels no change of the image within a radius can move, whoever makes it: noisy "
        "copies of the image are asked about, and the vote of most of them counts (a run is judged "
        "by the mean of their probabilities instead). Source: arXiv:2107.00228."
    )
    names = [sample.name for sample in services.open_dataset(dataset).some(OFFERED)]
    columns = st.columns(3, vertical_alignment="bottom")
    sample = columns[0].selectbox("Image", names, key=f"{KEY}-sample-{card.name}-{dataset}")
    items = declared(CertificateSettings)
    chosen = {
        name: setting_widget(column, f"{KEY}-{card.name}", items[name])
        for name, column in zip(SHOWN, columns[1:], strict=True)
    }
    asked = (card.name, dataset, sample, *chosen.values())
    if pressed(st, "Certify", icon=":material/verified_user:", key=f"{KEY}-start"):
        st.session_state[f"{KEY}-asked"] = asked
    if st.session_state.get(f"{KEY}-asked") == asked:
        _certified(card, dataset, sample, CertificateSettings(**chosen))


def _certified(card: ModelCard, dataset: str, sample: str, settings: CertificateSettings) -> None:
    draws = settings.samples_n + settings.samples_n0
    with st.spinner(f"Asking about {draws:,} noisy copies", show_time=True):
        try:
            told, picture = patiently(services.predictor().certify, card, dataset, sample, settings)
        except AsmaError as error:
            show_error(error)
            return
    left, right = st.columns(2)
    words = "Classes laid over the image; striped where nothing is certified"
    left.image(picture, width="stretch", alt=f"{sample}. {words}")
    left.caption(words)
    with right:
        _figures(told)


def _figures(told: Mapping[str, Any]) -> None:
    rows = [
        ("Certified", told["share_certified"], "Share of the pixels"),
        ("Radius", told["radius"], "L2 of a change below which no certified pixel moves"),
        ("Certified and right", told.get("certified_accuracy"), "Share of the pixels"),
        ("Certified IoU", told.get("certified_iou"), "Where nothing is certified is no class"),
        (
            "IoU at least",
            told.get("guaranteed_iou"),
            "Within the radius, whatever becomes of the pixels that are not certified",
        ),
    ]
    for label, value, help in rows:
        if value is not None:
            st.metric(label, number(value), help=help)
    alpha = told["settings"]["alpha"]
    st.caption(f"With a probability of {1 - alpha:.4g} not one pixel is certified wrongly.")
