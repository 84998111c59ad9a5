"""All networks as cards, what is being trained, and the ways to a new one."""

from __future__ import annotations

import streamlit as st

from asma_core.models.sources.cards import ModelCard, broken_cards, model_cards
from ui.address import browser as address
from ui.address.views import ModelsView
from ui.common import services
from ui.common.errors import escape_markdown
from ui.common.format import described, number
from ui.common.presses import pressed
from ui.common.rerun import rerun_page
from ui.models.link import model_link
from ui.models.network_text import architecture, class_legend, origin
from ui.models.training_text import about, status_text

PER_ROW = 3
MOST_TRAININGS = 12


def model_list() -> None:
    """Show the networks there are."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.title("Models", anchor=False)
    row.space("stretch")
    if pressed(row, "Add a network", icon=":material/upload_file:", key="models-add"):
        address.go_to(ModelsView(add=True))
        rerun_page()
    if pressed(row, "Train a network", icon=":material/model_training:", key="models-train"):
        address.go_to(ModelsView(train=True))
        rerun_page()
    cards = list(model_cards().values())
    for start in range(0, len(cards), PER_ROW):
        columns = st.columns(PER_ROW)
        for column, card in zip(columns, cards[start : start + PER_ROW], strict=False):
            with column, st.container(border=True, height="stretch"):
                _card(card)
    for path, message in broken_cards().items():
        st.warning(escape_markdown(f"{path.name}: {message}"), icon=":material/warning:")
    _trainings()


def _card(card: ModelCard) -> None:
    words, colour = origin(card)
    model_link(f"**{escape_markdown(card.name)}**", ModelsView(card.name), f"card-{card.name}")
    iou = card.figures.get("test_iou")
    figure = f"&ensp;test IoU {number(float(iou))}" if isinstance(iou, int | float) else ""
    st.markdown(
        f":{colour}-badge[{words}]&ensp;:small[{escape_markdown(architecture(card))}{figure}]"
    )
    st.html(class_legend(card))
    st.caption(escape_markdown(described(card.name, card.title, card.description)))


def _trainings() -> None:
    store = services.trainer().store
    trainings, damaged = store.all()[:MOST_TRAININGS], store.damaged()
    if not trainings and not damaged:
        return
    st.subheader("Trainings", anchor=False)
    for sentence in damaged:
        st.warning(escape_markdown(sentence), icon=":material/warning:")
    for training in trainings:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            model_link(
                f"**{escape_markdown(training.plan.name or training.plan.dataset)}**",
                ModelsView(training=training.id),
                f"training-{training.id}",
            )
            words, colour = status_text(training)
            st.markdown(f":{colour}[{escape_markdown(words)}]", width="content")
            st.caption(escape_markdown(about(training)), width="stretch")
