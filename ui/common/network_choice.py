"""Choosing a network for images of a data set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from asma_core.data.datasets import Dataset
from asma_core.models.sources.cards import ModelCard, fits, model_cards
from ui.common.values import SESSION, initial

LEFT_OUT: Final = "This network is a black box (ONNX): attacks that need gradients are left out."


def fitting_networks(dataset: Dataset | None) -> dict[str, ModelCard]:
    """Return the networks that fit a data set; all of them without one."""
    cards = model_cards().items()
    return {name: card for name, card in cards if dataset is None or fits(card, dataset)}


def network_choice(place: Any, key: str, fitting: Mapping[str, ModelCard], dataset: str) -> str:
    """Show the choice of a network, at first the one that was trained on the data set.

    Args:
        place: Streamlit itself, or a container of it.
        key: Of the page's widgets.
        fitting: At least one network.
        dataset: Name of the data set, or "".
    """
    own = next((name for name, card in fitting.items() if card.dataset == dataset), None)
    names = list(fitting)
    chosen: str = place.selectbox(
        "Network",
        names,
        key=initial(_widget(key, dataset), own or names[0], names),
        persist_state=SESSION,
    )
    return chosen


def fill_network(key: str, network: str, dataset: str) -> None:
    """Choose a network for a data set; call it before the choice is shown.

    Args:
        key: Of the page's widgets.
        network: Its name.
        dataset: Name of the data set, or "".
    """
    st.session_state[_widget(key, dataset)] = network


def _widget(key: str, dataset: str) -> str:
    return f"{key}-network-{dataset}"
