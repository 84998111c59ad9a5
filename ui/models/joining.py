"""A network joined with others: what their mean says of a few images, and kept."""

from __future__ import annotations

from typing import Final

import streamlit as st

from asma_core.models.sources.cards import model_cards
from asma_core.models.sources.ensembles import MOST_MEMBERS, ensemble, keep_ensemble
from asma_core.models.sources.model_card import ModelCard
from ui.address.links import open_here
from ui.address.views import ModelsView
from ui.common import services
from ui.common.errors import show_errors
from ui.common.values import SESSION
from ui.models.derived import name_to_keep, tried

KEY: Final = "join"
# What an ensemble is called as long as nobody keeps it.
UNKEPT: Final = "ensemble"


def join(card: ModelCard, dataset: str) -> None:
    """Offer a network with others as one that answers their mean; say why some can't be joined.

    Args:
        card: The network.
        dataset: Name of a data set that they are tried on; "" where none fits.
    """
    others = [name for name, one in model_cards().items() if name != card.name and not one.members]
    if card.members or not others:
        return
    key = f"{KEY}-members-{card.name}"
    chosen = st.multiselect(
        "Join it with other networks",
        others,
        max_selections=MOST_MEMBERS - 1,
        placeholder="Choose networks of the same classes",
        key=key,
        persist_state=SESSION,
        help="What is kept is a network of its own that answers the mean of their probabilities: "
        "whoever attacks it has to fool them all.",
    )
    if not chosen:
        return
    names = [card.name, *chosen]
    with show_errors():
        made = ensemble(names, UNKEPT)
        if dataset and not tried(
            made,
            services.open_dataset(dataset),
            "Looking at what they say together",
            "The mask and the prediction of all together, outlined",
        ):
            return
        wanted = name_to_keep(KEY, "-and-".join(names)[:60].rstrip("-"), ":material/join:")
        if wanted is not None:
            kept = keep_ensemble(names, wanted)
            del st.session_state[key]
            open_here(ModelsView(model=kept.name))
