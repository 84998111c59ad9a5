"""What an ensemble consists of."""

from __future__ import annotations

import streamlit as st

from asma_core.models.sources.cards import member_cards, model_cards
from asma_core.models.sources.model_card import ModelCard
from ui.address.views import ModelsView
from ui.common.errors import escape_markdown, show_errors
from ui.models.link import model_link


def member_facts(card: ModelCard) -> None:
    """Lead to the members of an ensemble, and say what is wrong with them."""
    if not card.members:
        return
    st.markdown(":small[:gray[Members, whose mean it answers]]")
    known = model_cards()
    for name in card.members:
        if name in known:
            words = escape_markdown(name)
            model_link(words, ModelsView(model=name), f"member-{name}", ":material/hub:")
    with show_errors():
        member_cards(card)
