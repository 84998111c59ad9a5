"""Choosing several of a list, each with its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from asma_core.fields import Settings, asked
from ui.common.settings_form import setting_widget
from ui.common.values import SESSION, initial


@dataclass(frozen=True)
class Offer:
    """What can be chosen.

    Attributes:
        title: For people.
        help: What it does.
        settings: Class of its settings.
    """

    title: str
    help: str
    settings: type[Settings]


def choose_with_settings(
    key: str, label: str, offers: Mapping[str, Offer], usual: Sequence[str], help_text: str
) -> dict[str, dict[str, Any]]:
    """Show the choice and, folded away, the settings; return the values by the chosen names.

    Args:
        key: Begins the widgets' keys.
        label: What is chosen, in the plural.
        offers: By their names.
        usual: Names that are chosen at first.
        help_text: Of the choice.
    """
    word = label.lower()
    names = st.multiselect(
        label,
        list(offers),
        format_func=lambda name: offers[name].title,
        key=initial(f"{key}-{word}", list(usual)),
        persist_state=SESSION,
        placeholder=f"Choose {word}",
        help=help_text,
    )
    found: dict[str, dict[str, Any]] = {}
    with st.expander(f"Settings of the {word}", icon=":material/tune:"):
        for name in names:
            offer = offers[name]
            st.markdown(f"**{offer.title}**", help=offer.help)
            items = asked(offer.settings)
            columns = st.columns(max(len(items), 2))
            found[name] = {
                item.name: setting_widget(column, f"{key}-{name}", item)
                for column, item in zip(columns, items, strict=False)
            }
    return found
