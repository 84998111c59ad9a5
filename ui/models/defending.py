"""A defence stood before a network: what it costs on a few images, and kept."""

from __future__ import annotations

from typing import Final

import streamlit as st

from asma_core.defences.contract import Defence
from asma_core.defences.registry import DEFENCES, find_defence, in_words
from asma_core.errors import AsmaError
from asma_core.fields import asked
from asma_core.models.sources.cards import model_cards
from asma_core.models.sources.defending import defended, keep_defended
from asma_core.models.sources.learning import learns, learnt, named
from asma_core.models.sources.model_card import ModelCard
from ui.address.links import open_here
from ui.address.views import ModelsView
from ui.common import services
from ui.common.errors import escape_markdown, show_errors
from ui.common.presses import pressed
from ui.common.rerun import patiently
from ui.common.settings_form import setting_widget
from ui.common.values import SESSION
from ui.models.derived import name_to_keep, tried
from ui.models.link import model_link

KEY: Final = "defend"
# What this session has learn: who comes back meanwhile goes on waiting.
LEARNING: Final = f"{KEY}-learning"


def defence_facts(card: ModelCard) -> None:
    """Say what a network stands behind, and how an attack goes through it."""
    if not card.defences:
        return
    st.markdown(f":small[:gray[Stands behind]]  \n{escape_markdown(in_words(card.defences))}")
    for defence in card.defences:
        st.caption(escape_markdown(find_defence(defence.name).adaptive))
    if card.base in model_cards():
        words = f"{escape_markdown(card.base)}, without it"
        model_link(words, ModelsView(model=card.base), "bare", ":material/remove_moderator:")


def defend(card: ModelCard, dataset: str) -> None:
    """Offer a network behind a defence, as a network of its own.

    Args:
        card: The network.
        dataset: Name of a data set that it is tried on; "" where none fits.
    """
    if card.factory:
        return
    key = f"{KEY}-defence-{card.name}"
    name = st.selectbox(
        "Stand a defence before it",
        list(DEFENCES),
        index=None,
        placeholder="Choose a defence",
        format_func=lambda one: f"{DEFENCES[one].kind}: {DEFENCES[one].title}",
        key=key,
        persist_state=SESSION,
        help="What is kept is a network of its own: every attack on it goes through the defence, "
        "and what counts is what the defended network says of the file.",
        width=320,
    )
    if name is None:
        return
    entry = find_defence(name)
    st.caption(escape_markdown(f"{entry.summary} {entry.adaptive} Source: {entry.source}."))
    items = asked(entry.settings)
    prefix = f"{KEY}-{card.name}-{name}"
    columns = st.columns(max(len(items), 2))
    values = {
        item.name: setting_widget(column, prefix, item)
        for column, item in zip(columns, items, strict=False)
    }
    with show_errors():
        defence = _taught(card, Defence(name, values), dataset)
        if defence is None:
            return
        made = defended(card, defence, card.name)
        if dataset and not tried(
            made,
            services.open_dataset(dataset),
            "Looking at what the network says behind it",
            "The mask and the prediction behind the defence, outlined",
        ):
            return
        chosen = name_to_keep(KEY, f"{card.name}-{name}", ":material/shield:")
        if chosen is not None:
            carry_out = services.predictor().carry_out
            kept = patiently(carry_out, keep_defended, card, made.defences[0], chosen)
            del st.session_state[key]
            open_here(ModelsView(model=kept.name))


def _taught(card: ModelCard, defence: Defence, dataset: str) -> Defence | None:
    """Return a defence that needs to learn nothing more; None until a person has it learn."""
    if not learns(defence):
        return defence
    if not dataset:
        st.caption("It learns from images: add a data set with masks of this network's classes.")
        return None
    images = services.open_dataset(dataset)
    known = named(defence, images)
    if not learns(known):
        return known
    title = escape_markdown(images.title)
    if pressed(
        st,
        f"Train it on the images of {title}",
        icon=":material/model_training:",
        key=f"{KEY}-learn-{card.name}",
        help="Masks are not looked at. It is kept, and trained once for these images and settings.",
    ):
        st.session_state[LEARNING] = known
    if st.session_state.get(LEARNING) != known:
        return None
    with st.spinner(f"It learns from the images of {title}, also if you leave", show_time=True):
        try:
            done: Defence = patiently(services.predictor().carry_out, learnt, defence, images)
        except AsmaError:
            del st.session_state[LEARNING]
            raise
    del st.session_state[LEARNING]
    return done
